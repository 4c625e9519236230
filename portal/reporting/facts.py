"""Everything a report is built from, and how its values read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from categoriser.taxonomy import Taxonomy
from policy.policy import Policy
from portal.reporting.document import Cell, ReportTable
from portal.reporting.lists import STARTER, ListInForce
from portal.reporting.material import Material
from portal.reporting.periods import Chosen
from portal.words import t, texts

ROWS_MAX: Final = 200
"""Of one table."""
TEXT_CHARACTERS_MAX: Final = 300
"""Of one cell: names of the internet and what people wrote."""
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report is built from."""

    policy: Policy
    taxonomy: Taxonomy
    zone: ZoneInfo
    chosen: Chosen
    venues: frozenset[str] | None
    """Those it is about; None: all, and what belongs to none."""
    place: str
    """The same in words."""
    material: Material
    lists: tuple[ListInForce, ...]
    with_audit: bool = True
    """Whether whoever asks may read the audit log."""

    def category(self, id: str) -> str:
        """What a category is called."""
        if not id:
            return t("report.no_category")
        return self.taxonomy[id].title if id in self.taxonomy else id

    def venue(self, id: str) -> str:
        """What a venue is called."""
        if not id:
            return t("report.no_venue")
        return self.policy.venues[id].title if id in self.policy.venues else id

    def profile(self, id: str) -> str:
        """What a profile is called."""
        return self.policy.profiles[id].title if id in self.policy.profiles else id

    def place_of(self, venue: str, profile: str) -> str:
        """A venue and a profile there."""
        return f"{self.venue(venue)}, {self.profile(profile)}"

    def source(self, id: str) -> str:
        """What a list is called."""
        shelf, _, category = id.partition(":")
        if shelf == STARTER and category in self.taxonomy:
            return t("report.starter_list", category=self.taxonomy[category].title)
        return next((one.title for one in self.lists if one.id == id and one.title), id)

    def list_title(self, one: ListInForce) -> str:
        """What a list in force is called."""
        return t("report.starter") if one.id == STARTER else one.title


def table(
    id: str,
    caption: str,
    headers: Iterable[str],
    rows: Iterable[tuple[Cell, ...]],
    charted: int | None = None,
    more: int = 0,
) -> ReportTable:
    """A table of at most `ROWS_MAX` rows with cells of at most `TEXT_CHARACTERS_MAX`. `more` rows
    were left out already.
    """
    found = list(rows)
    kept = tuple(tuple(_cell(cell) for cell in row) for row in found[:ROWS_MAX])
    left_out = more + len(found[ROWS_MAX:])
    return ReportTable(id, caption, tuple(headers), kept, left_out, charted)


def shown(tables: Iterable[ReportTable]) -> tuple[ReportTable, ...]:
    """Tables without rows say nothing."""
    return tuple(one for one in tables if one.rows)


def word(key: str, otherwise: str) -> str:
    """The text of a key that is put together; `otherwise` when there is none."""
    return texts().get(key, otherwise)


def share(part: float, whole: float) -> str:
    """`12%`; small shares with a digit more."""
    ratio = part / whole if whole else 0.0
    return f"{ratio:.1%}" if 0 < ratio < 0.1 else f"{ratio:.0%}"


def lasting(seconds: float | None) -> str:
    """About how long: `5 minutes`, `3 hours`, `2 days`."""
    if seconds is None:
        return t("report.never")
    if seconds < 90 * _MINUTE:
        return t("report.minutes", count=max(1, round(seconds / _MINUTE)))
    if seconds < 2 * _DAY:
        return t("report.hours", count=round(seconds / _HOUR))
    return t("report.days", count=round(seconds / _DAY))


def day_of(day: date) -> str:
    """`21 November 2026`."""
    return f"{day.day} {day:%B %Y}"


def days_of(chosen: Chosen) -> str:
    """`2026-09-01-to-2026-12-18`, for the name of a file."""
    first, last = chosen.first.isoformat(), chosen.last.isoformat()
    return first if first == last else f"{first}-to-{last}"


def period_in_words(chosen: Chosen) -> str:
    """`Autumn, 1 September 2026 to 18 December 2026`."""
    days = t("figures.from_to", first=day_of(chosen.first), last=day_of(chosen.last))
    if chosen.first == chosen.last:
        days = day_of(chosen.first)
    return f"{chosen.term}, {days}" if chosen.term else days


def moment_of(at: float, zone: ZoneInfo) -> str:
    """`2026-11-21 11:08`."""
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"


def counts(pairs: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """The greatest first, then by word."""
    return sorted(pairs.items(), key=lambda one: (-one[1], one[0]))


def _cell(cell: Cell) -> Cell:
    if isinstance(cell, str) and len(cell) > TEXT_CHARACTERS_MAX:
        return f"{cell[: TEXT_CHARACTERS_MAX - 1]}…"
    return cell
