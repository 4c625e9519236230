"""Which dates are in a term, and which are bank holidays: when a period of a timetable begins.

Dates are those of the organisation's own clock. Pure; the dates of bank holidays are handed in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from policy.types import When

WHEN: Final[tuple[When, ...]] = ("any", "term", "holidays", "bank-holidays", "not-bank-holidays")


@dataclass(frozen=True, slots=True)
class Term:
    """A stretch of teaching; both dates are in it."""

    name: str
    first: date
    last: date


class Calendar:
    """The terms and bank holidays of one organisation."""

    __slots__ = ("_holidays", "_lasts", "_starts")

    def __init__(self, terms: Iterable[Term] = (), holidays: Collection[date] = ()) -> None:
        ordered = sorted((term.first, term.last) for term in terms)
        self._starts = [first for first, _ in ordered]
        self._lasts = [last for _, last in ordered]
        self._holidays = frozenset(holidays)

    def fits(self, when: When, day: date) -> bool:
        """Whether a period with this `when` may begin on this day."""
        if when == "any":
            return True
        holiday = day in self._holidays
        if when == "bank-holidays":
            return holiday
        if when == "not-bank-holidays":
            return not holiday
        taught = self._in_term(day) and not holiday
        return taught if when == "term" else not taught

    def _in_term(self, day: date) -> bool:
        # Terms do not overlap: the document is refused if they do.
        number = bisect_right(self._starts, day) - 1
        return number >= 0 and day <= self._lasts[number]
