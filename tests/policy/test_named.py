"""Values found by name: the same as the automaton finds, whatever the patterns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from categoriser.names import from_text, spell
from categoriser.patterns import Pattern, PatternTable
from policy.named import NamedTable

LABELS = st.sampled_from(["a", "b", "ab", "com", "bet", "x-1"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PATTERNS = st.one_of(
    NAMES, NAMES.map("={}".format), NAMES.map("*.{}".format), NAMES.map("{}.*".format)
)


@given(st.lists(PATTERNS, max_size=12), NAMES)
def test_it_finds_what_the_automaton_finds(patterns: list[str], name: str) -> None:
    entries = [(Pattern.parse(text), number) for number, text in enumerate(patterns)]
    spelling = spell(from_text(name))
    expected = PatternTable(entries).find_values(spelling.forward)
    assert sorted(NamedTable(entries).find(spelling)) == sorted(expected)


def test_a_name_is_no_part_of_another() -> None:
    table = NamedTable([(Pattern.parse("example.com"), 1), (Pattern.parse("=www.example.com"), 2)])
    found = {
        name: table.find(spell(from_text(name)))
        for name in ("example.com", "www.example.com", "a.www.example.com", "notexample.com", "com")
    }
    assert found == {
        "example.com": [1],
        "www.example.com": [1, 2],
        "a.www.example.com": [1],
        "notexample.com": [],
        "com": [],
    }


def test_odd_octets_are_found_by_their_escapes() -> None:
    table = NamedTable([(Pattern.parse(r"a\.b.example"), 1)])
    assert table.find(spell(b"\x03a.b\x07example\x00")) == [1]
    assert table.find(spell(b"\x01a\x01b\x07example\x00")) == []


def test_an_empty_table_finds_nothing() -> None:
    assert NamedTable[int]([]).find(spell(from_text("a.example"))) == []
