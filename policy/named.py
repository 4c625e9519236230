"""Values filed under patterns of names: policy rules and excepted sites, by the tens of thousands.

Names, which nearly all patterns are, go into a dictionary and cost one look-up for each label;
only wildcards are searched by automaton. An automaton of 50,000 patterns would be as quick to
search, but it is built in one step that holds the interpreter for 100 ms, while queries wait; a
dictionary is built in as many steps as it has names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from categoriser.names import Spelling
from categoriser.patterns import Pattern, PatternTable

T = TypeVar("T")


class NamedTable(Generic[T]):
    """Patterns of names, each with a value. Immutable; keywords are not for it."""

    __slots__ = ("_find_wildcards", "_values")

    def __init__(self, entries: Iterable[tuple[Pattern, T]]) -> None:
        values: dict[str, tuple[T, ...]] = {}
        wildcards: list[tuple[Pattern, T]] = []
        for pattern, value in entries:
            if pattern.kind == "wildcard":
                wildcards.append((pattern, value))
            else:
                key = _key(pattern)
                values[key] = (*values.get(key, ()), value)
        self._values = values
        self._find_wildcards = PatternTable(wildcards).find_values if wildcards else None

    def parts(self) -> list[list[object]]:
        """What there are tens of thousands of, as lists; see `RuleBook.parts`."""
        return [list(self._values), list(self._values.values())]

    def find(self, spelling: Spelling) -> list[T]:
        """The values of all patterns that match, each entry once."""
        found: list[T] = []
        values, reverse = self._values, spelling.reverse
        if values:
            end = reverse.find(".") + 1
            while end:
                if here := values.get(reverse[:end]):
                    found += here
                end = reverse.find(".", end) + 1
            if here := values.get(reverse):
                found += here
        if self._find_wildcards is not None:
            found += self._find_wildcards(spelling.forward)
        return found


def _key(pattern: Pattern) -> str:
    """``com.bet365.`` for a name and all below it, ``com.bet365.!`` for the name alone: beginnings,
    or the whole, of `Spelling.reverse`.
    """
    exact = pattern.kind == "exact"
    labels = (pattern.text[1:] if exact else pattern.text).split(".")
    labels.reverse()
    return f"{'.'.join(labels)}.{'!' if exact else ''}"
