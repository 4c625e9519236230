"""How much of one list is in others, against a slow and obvious count; and which categories are
relatives.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import overlaps
from blocklists.compiling import Part
from blocklists.overlaps import measure
from blocklists.relations import NEIGHBOURS, SECURITY, related
from blocklists.sheets import key_of, write_sheet
from categoriser import taxonomy

TAXONOMY = taxonomy.load()


def part(folder: Path, category: str, rules: list[str], word: str = "own") -> Part:
    """A sheet of these rules: `x`, `=x` or `*.x`."""
    path = folder / f"{word}-{category}.entries"
    write_sheet([(key(rule), n) for n, rule in enumerate(rules, 1)], path, day=0, previous=None)
    return Part(f"test:{word}", word, category, "", path, None, 0.0)


def key(rule: str) -> str:
    if rule.startswith("="):
        return key_of(rule[1:], "exact")
    if rule.startswith("*."):
        return key_of(rule[2:], "below")
    return key_of(rule, "domain")


def shares(
    folder: Path, own: list[str], other: list[str], before: list[str] | None = None
) -> list[tuple[float, float | None]]:
    found = measure(
        [part(folder, "games", own)],
        [part(folder, "games", before, "before")] if before else [],
        [part(folder, "adult", other, "other")],
        TAXONOMY,
        share_max=0.2,
    )
    return [(overlap.share, overlap.share_before) for overlap in found]


@pytest.mark.parametrize(
    ("own", "other", "share"),
    [
        (["a.com", "b.com"], ["b.com", "c.com"], 0.5),
        (["www.a.com", "b.com"], ["a.com"], 0.5),  # by a domain above it
        (["a.com", "b.com"], ["www.a.com"], 0.0),  # a part of it is not it
        (["=a.com", "b.com"], ["a.com"], 0.5),
        (["a.com", "b.com"], ["=a.com"], 0.0),
        (["=a.com", "*.b.com"], ["=a.com", "*.b.com"], 1.0),
        (["ab.com", "a-b.com"], ["a.com", "b.com"], 0.0),
        (["x.y.a.com", "z.com"], ["a.com", "y.a.com", "x.y.a.com"], 0.5),
        (["a.com"], ["z.com", "zz.com"], 0.0),
        (["z.com"], ["a.com", "b.com"], 0.0),
    ],
)
def test_what_counts_as_listed(
    tmp_path: Path, own: list[str], other: list[str], share: float
) -> None:
    assert shares(tmp_path, own, other) == ([(share, None)] if share else [])


def test_the_share_before_is_only_measured_when_it_matters(tmp_path: Path) -> None:
    own, other = ["a.com", "b.com", "c.com", "d.com"], ["a.com", "b.com"]
    assert shares(tmp_path, own, other, ["a.com", "x.com"]) == [(0.5, 0.5)]
    assert shares(tmp_path, [*own, *(f"{n}.com" for n in range(20))], other, ["a.com"]) == [
        (2 / 24, None)
    ]


@pytest.mark.parametrize("damage", ["lost", "damaged"])
def test_an_old_sheet_that_cannot_be_read_keeps_no_list_from_coming(
    tmp_path: Path, damage: str
) -> None:
    own = part(tmp_path, "games", ["a.com", "b.com"])
    before = part(tmp_path, "games", ["a.com"], "before")
    other = part(tmp_path, "adult", ["a.com"], "other")
    lost = part(tmp_path, "adult", ["b.com"], "lost")
    for each in (before, lost):
        each.entries.unlink() if damage == "lost" else each.entries.write_bytes(b"com.a")
    (found,) = measure([own], [before], [other, lost], TAXONOMY, share_max=0.2)
    assert (found.share, found.share_before) == (0.5, None)


def test_an_entry_in_two_lists_of_a_category_counts_once(tmp_path: Path) -> None:
    others = [part(tmp_path, "adult", ["a.com"], word) for word in ("one", "two")]
    (overlap,) = measure(
        [part(tmp_path, "games", ["a.com", "b.com"])], [], others, TAXONOMY, share_max=0.2
    )
    assert overlap.share == 0.5 and overlap.examples == ("a.com",)


def test_relatives_are_not_measured(tmp_path: Path) -> None:
    own = [part(tmp_path, "dating", ["a.com"])]
    assert not measure(
        own, [], [part(tmp_path, "adult", ["a.com"], "other")], TAXONOMY, share_max=0.2
    )


_LABELS = st.sampled_from(["a", "b", "ab", "a-b", "c", "com"])
_RULES = st.lists(
    st.builds(
        lambda mark, labels: mark + ".".join(labels),
        st.sampled_from(["", "", "=", "*."]),
        st.lists(_LABELS, min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=40,
)


@given(own=_RULES, other=_RULES, stride=st.integers(1, 4))
def test_one_walk_gives_what_comparing_each_with_each_gives(
    tmp_path_factory: pytest.TempPathFactory, own: list[str], other: list[str], stride: int
) -> None:
    folder = tmp_path_factory.mktemp("sheets")
    mine, theirs = part(folder, "games", own), part(folder, "adult", other, "other")
    keys = overlaps._sample(mine.entries)
    listed = overlaps._sample(theirs.entries)
    slow = [
        any(k == each or (each.endswith(".") and k.startswith(each)) for each in listed)
        for k in keys
    ]
    covered = bytearray(len(keys))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlaps, "_STRIDE", stride)
        overlaps._cover(keys, theirs.entries, covered)
    assert [bool(mark) for mark in covered] == slow


def test_a_long_list_is_sampled_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [f"n{number:04}.com" for number in range(1000)]
    sheet = part(tmp_path, "games", rules)
    monkeypatch.setattr(overlaps, "SAMPLE_MAX", 100)
    keys = overlaps._sample(sheet.entries)
    numbers = [int(key.split(".")[1][1:]) for key in keys]
    assert 50 <= len(keys) <= 100
    assert len({after - before for before, after in pairwise(numbers)}) == 1
    assert shares(tmp_path, rules, rules[:500]) == [(pytest.approx(0.5, abs=0.02), None)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("gambling", "gambling", True),
        ("extremism", "extremism-religious", True),
        ("extremism-religious", "extremism-right-wing", True),
        ("malware", "scams", True),
        ("circumvention-vpn", "remote-access", True),
        ("gambling", "adult", False),
        ("essential", "scams", False),
        ("piracy", "adult", False),
        ("games", "gambling", False),
    ],
)
def test_relatives(one: str, other: str, expected: bool) -> None:
    assert related(one, other, TAXONOMY) is related(other, one, TAXONOMY) is expected


def test_essentials_have_no_relatives() -> None:
    assert [each for each in TAXONOMY if related("essential", each, TAXONOMY)] == ["essential"]


def test_the_table_names_categories_that_exist() -> None:
    for one, other, reason in NEIGHBOURS:
        assert one in TAXONOMY and other in TAXONOMY and reason
    assert set(TAXONOMY) >= SECURITY
