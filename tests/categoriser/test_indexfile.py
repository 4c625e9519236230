"""The index file: finds what walking finds, and refuses whatever was not published."""

from __future__ import annotations

import io
import struct
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categoriser.indexfile import (
    EXCEPTS,
    EXCEPTS_BELOW,
    LISTS,
    LISTS_BELOW,
    BulkTable,
    IndexFault,
    SourceInfo,
    encode,
    encode_keys,
    member,
    open_index,
)
from categoriser.matches import Match
from categoriser.names import from_labels, from_text, spell
from tests.categoriser import reference

SOURCES = [
    SourceInfo("ut1:gambling", "UT1 gambling", "gambling", "CC-BY-SA-4.0"),
    SourceInfo("local:gambling", "ours", "gambling"),
    SourceInfo("ut1:adult", "UT1 adult", "adult"),
]


def small() -> bytes:
    entries = [
        (from_text("bet365.com"), False, 0),
        (from_text("bet365.com"), False, 1),
        (from_text("bet365.com"), False, 1),
        (from_text("www.bet365.com"), True, 2),
        (from_text("both.example"), False, 0),
        (from_text("both.example"), False, 2),
    ]
    return encode(entries, SOURCES, built_at=1_800_000_000.5)


def found(table: BulkTable, name: str) -> list[Match]:
    return list(table.find(spell(from_text(name))))


def test_matches_name_category_rule_and_sources() -> None:
    table = BulkTable.from_buffer(small())
    domain = Match("gambling", "bet365.com", ("ut1:gambling", "local:gambling"))
    assert found(table, "bet365.com") == [domain]
    assert found(table, "m.bet365.com") == [domain]
    assert found(table, "www.bet365.com") == [
        domain,
        Match("adult", "=www.bet365.com", ("ut1:adult",)),
    ]
    assert found(table, "a.www.bet365.com") == [domain]
    assert (
        found(table, "xbet365.com")
        == found(table, "bet365.com.evil.net")
        == found(table, ".")
        == []
    )


def test_one_match_for_each_category_of_a_name() -> None:
    assert found(BulkTable.from_buffer(small()), "both.example") == [
        Match("gambling", "both.example", ("ut1:gambling",)),
        Match("adult", "both.example", ("ut1:adult",)),
    ]


def test_says_what_it_holds() -> None:
    table = BulkTable.from_buffer(small())
    assert len(table) == 3
    assert table.manifest.built_at == 1_800_000_000.5
    assert [source.entries for source in table.manifest.sources] == [2, 1, 2]
    assert table.manifest.sources[0].licence == "CC-BY-SA-4.0"


@settings(max_examples=200)
@given(
    st.lists(st.tuples(reference.rule_names, st.booleans(), st.integers(0, 2)), max_size=12),
    st.lists(reference.names, min_size=1, max_size=4),
)
def test_finds_what_walking_finds(
    entries: list[tuple[reference.Labels, bool, int]], names: list[reference.Labels]
) -> None:
    octets = encode(
        [(from_labels(list(rule)), exact, n) for rule, exact, n in entries], SOURCES, 0.0
    )
    table = BulkTable.from_buffer(octets)
    for name in [*names, *(rule for rule, _, _ in entries)]:
        expected: dict[tuple[str, str], set[str]] = {}
        for rule, exact, n in entries:
            if reference.covers(rule, name, exact):
                key = (SOURCES[n].category, "=" * exact + reference.presented(rule))
                expected.setdefault(key, set()).add(SOURCES[n].id)
        matches = table.find(spell(from_labels(list(name))))
        assert {(m.category, m.rule): set(m.sources) for m in matches} == expected
        assert len(matches) == len(expected)


def test_many_sets_of_sources_need_the_wide_array() -> None:
    """370 sources make 68,265 pairs: more sets than two octets a key can number."""
    sources = [SourceInfo(f"s{n}", "", "adult") for n in range(370)]
    pairs = list(combinations(range(370), 2))
    entries = [(from_text(f"n{a}-{b}.com"), False, n) for a, b in pairs for n in (b, a)]
    table = BulkTable.from_buffer(encode(entries, sources, 0.0))
    assert table.manifest.wide
    for a, b in (pairs[0], pairs[40_000], pairs[-1]):
        assert [match.sources for match in found(table, f"n{a}-{b}.com")] == [(f"s{a}", f"s{b}")]


def with_roles(**keys: dict[int, int]) -> BulkTable:
    """An index of names (``_`` is a dot) -> position of the source -> what it does."""
    entries = [
        (
            ".".join([*reversed(name.split("_")), ""]).encode(),
            tuple(sorted(member(position, role) for position, role in roles.items())),
        )
        for name, roles in keys.items()
    ]
    return BulkTable.from_buffer(encode_keys(entries, SOURCES, 0.0, io.BytesIO()))


def test_exceptions_take_away_their_own_sources_matches() -> None:
    table = with_roles(
        bet_com={0: LISTS, 1: LISTS, 2: LISTS},
        help_bet_com={0: EXCEPTS, 2: EXCEPTS},
        www_help_bet_com={0: LISTS},
    )
    both = Match("gambling", "bet.com", ("ut1:gambling", "local:gambling"))
    adult = Match("adult", "bet.com", ("ut1:adult",))
    ours = Match("gambling", "bet.com", ("local:gambling",))
    assert found(table, "bet.com") == found(table, "x.bet.com") == [both, adult]
    assert found(table, "help.bet.com") == [ours]
    assert found(table, "www.help.bet.com") == [ours], "an exception is stronger than any entry"
    assert len(table) == 2, "a name that is only excepted is not listed"


def test_what_is_below_a_name_but_not_the_name() -> None:
    table = with_roles(
        bet_com={0: LISTS_BELOW, 1: LISTS},
        x_com={0: LISTS},
        y_x_com={0: EXCEPTS_BELOW},
        z_com={0: LISTS_BELOW, 2: LISTS_BELOW},
    )
    ut1, ours = "ut1:gambling", "local:gambling"
    assert found(table, "bet.com") == [Match("gambling", "bet.com", (ours,))]
    assert found(table, "m.bet.com") == [Match("gambling", "bet.com", (ut1, ours))]
    assert found(table, "y.x.com") == [Match("gambling", "x.com", (ut1,))]
    assert found(table, "a.y.x.com") == []
    assert found(table, "z.com") == []
    assert found(table, "a.z.com") == [
        Match("gambling", "*.z.com", (ut1,)),
        Match("adult", "*.z.com", ("ut1:adult",)),
    ]


def test_an_index_of_nothing_finds_nothing() -> None:
    assert found(BulkTable.from_buffer(encode([], [], 0.0)), "a.com") == []


def test_opens_a_published_file(tmp_path: Path) -> None:
    path = tmp_path / "category.index"
    path.write_bytes(small())
    table = open_index(path)
    path.unlink()  # the map outlives the name
    assert [match.rule for match in found(table, "bet365.com")] == ["bet365.com"]


def refused(path: Path, octets: bytes) -> str:
    path.write_bytes(octets)
    with pytest.raises(IndexFault) as by_file:
        open_index(path)
    with pytest.raises(IndexFault):
        BulkTable.from_buffer(octets)
    message = str(by_file.value)
    assert message.startswith(f"{path}: ") and ";" in message, message
    return message


def test_refuses_an_empty_file(tmp_path: Path) -> None:
    assert "0 octets" in refused(tmp_path / "i", b"")


def test_refuses_a_truncated_file(tmp_path: Path) -> None:
    whole = small()
    for size in [1, 7, 8, 63, 64, 65, len(whole) // 2, len(whole) - 1]:
        refused(tmp_path / "i", whole[:size])
    refused(tmp_path / "i", whole + b"\0")


def test_refuses_another_version(tmp_path: Path) -> None:
    octets = bytearray(small())
    struct.pack_into("=I", octets, 8, 3)
    assert "version 3; allowed is 2" in refused(tmp_path / "i", bytes(octets))


def test_refuses_another_kind_of_file(tmp_path: Path) -> None:
    assert "begins with" in refused(tmp_path / "i", b"<!DOCTYPE html>" + b" " * 100)


@given(st.data())
def test_refuses_a_file_with_one_bit_flipped(data: st.DataObject) -> None:
    octets = bytearray(small())
    place = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[place // 8] ^= 1 << place % 8
    with pytest.raises(IndexFault):
        BulkTable.from_buffer(bytes(octets))


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IndexFault, match="lychgate index build"):
        open_index(tmp_path / "absent")
    with pytest.raises(IndexFault, match="directory"):
        open_index(tmp_path)
