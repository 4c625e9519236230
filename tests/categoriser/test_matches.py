"""Tables asked in order."""

from __future__ import annotations

from categoriser.matches import CategoryIndex, Match
from categoriser.names import from_text, spell
from categoriser.patterns import Pattern, StarterTable

CASINO = Match("gambling", "casino.com", ("starter:gambling",))
WILD = Match("adult", "*.com", ("starter:adult",))


def test_all_tables_are_asked_in_order() -> None:
    first = StarterTable([(Pattern.parse("casino.com"), CASINO)])
    second = StarterTable([(Pattern.parse("*.com"), WILD)])
    index = CategoryIndex([first, second])
    assert index.categorise(from_text("casino.com")) == (CASINO, WILD)
    assert index.find(spell(from_text("other.com"))) == (WILD,)
    assert index.categorise(from_text("example.org")) == ()


def test_an_index_without_tables_finds_nothing() -> None:
    assert CategoryIndex([]).categorise(b"\x00") == ()
