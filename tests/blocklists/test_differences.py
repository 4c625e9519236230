"""What an update would change, and in which order people are told."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from blocklists import differences
from blocklists.differences import Changed, difference
from blocklists.sheets import key_of, write_sheet
from categoriser.names import normal


def version(folder: Path, **sheets: list[str]) -> Path:
    """A version folder: ``adult=["a.example"]``, exceptions as ``adult__allows``."""
    folder.mkdir(parents=True, exist_ok=True)
    for word, rules in sheets.items():
        category, _, ending = word.partition("__")
        records = ((key(rule), line) for line, rule in enumerate(rules, 1))
        write_sheet(records, folder / f"{category}.{ending or 'entries'}", day=20_000)
    return folder


def key(rule: str) -> str:
    if rule.startswith("="):
        return key_of(rule[1:], "exact")
    return key_of(rule[2:], "below") if rule.startswith("*.") else key_of(rule, "domain")


def test_what_comes_and_goes_is_told_by_category(tmp_path: Path) -> None:
    old = version(
        tmp_path / "old", adult=["a.example", "b.example"], gambling=["c.example"], games=["d.org"]
    )
    new = version(
        tmp_path / "new",
        adult=["b.example", "=e.example", "*.f.example"],
        chat=["g.example"],
        chat__allows=["h.example"],
        games=["d.org"],
    )
    found = difference(old, new, {})
    assert [(one.category, one.exceptions, one.added, one.removed) for one in found.categories] == [
        ("adult", False, 2, 1),
        ("chat", True, 1, 0),
        ("chat", False, 1, 0),
        ("gambling", False, 0, 1),
    ]
    assert (found.added, found.removed) == (4, 2)
    adult = found.categories[0]
    assert [change.rule for change in adult.added_first] == ["=e.example", "*.f.example"]
    assert [change.rule for change in adult.removed_first] == ["a.example"]


def test_a_first_version_adds_everything_and_equal_ones_change_nothing(tmp_path: Path) -> None:
    new = version(tmp_path / "new", adult=["a.example", "b.example"])
    assert difference(None, new, {}).added == 2
    assert difference(new, None, {}).removed == 2
    assert difference(new, new, {}).categories == ()
    assert difference(None, None, {}).categories == ()


def test_the_most_asked_names_come_first(tmp_path: Path) -> None:
    new = version(
        tmp_path / "new",
        adult=["a.example", "bbc.co.uk", "*.bbc.com", "=bbc.org", "bbc-x.co.uk", "z.example"],
    )
    asked = {
        "bbc.co.uk": 30,
        "www.bbc.co.uk": 500,
        "bbc-x.co.uk": 2,
        "xbbc.co.uk": 9000,  # not below it
        "bbc.com": 8000,  # not below itself
        "news.bbc.com": 7,
        "bbc.org": 40,
        "www.bbc.org": 6000,  # not the name alone
    }
    (adult,) = difference(None, new, asked).categories
    assert adult.added_first == (
        Changed("bbc.co.uk", 530),
        Changed("=bbc.org", 40),
        Changed("*.bbc.com", 7),
        Changed("bbc-x.co.uk", 2),
        Changed("a.example", 0),
        Changed("z.example", 0),
    )


def test_all_are_counted_and_few_are_kept(tmp_path: Path) -> None:
    names = [f"n{number:05}.example" for number in range(3 * differences.SHOWN_MAX)]
    new = version(tmp_path / "new", adult=names)
    (adult,) = difference(None, new, {names[-1]: 5}).categories
    assert adult.added == len(names)
    assert len(adult.added_first) == differences.SHOWN_MAX
    assert adult.added_first[0] == Changed(names[-1], 5)
    assert [change.rule for change in adult.added_first[1:]] == names[: differences.SHOWN_MAX - 1]


LABELS = st.sampled_from(["a", "b", "a-b", "0"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join).map(normal)


@given(st.dictionaries(NAMES, st.integers(1, 100)), NAMES, st.sampled_from(["", "=", "*."]))
def test_the_figure_is_the_sum_over_the_names_it_covers(
    asked: dict[str, int], name: str, mark: str
) -> None:
    expected = sum(
        count
        for other, count in asked.items()
        if (other == name and mark != "*.") or (other.endswith(f".{name}") and mark != "=")
    )
    assert differences._Popularity(asked).of(key(f"{mark}{name}")) == expected
