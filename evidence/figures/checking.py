"""Checks that the filter works, counted: by venue and profile, and those that did not go well."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.checks.reading import runs_of
from evidence.checks.results import Outcome, Run, worst
from evidence.checks.tables import runs
from evidence.figures.periods import Period
from evidence.reading.places import Venues

RUNS_MAX: Final = 200_000
"""That are counted, the newest."""
TROUBLES_MAX: Final = 100
_COUNTS: Final = msgspec.json.Decoder(dict[str, int])


@dataclass(frozen=True, slots=True)
class CheckedPlace:
    """Checks of one profile at one venue within a period."""

    venue: str
    profile: str
    checks: int
    well: int
    """How many of them found nothing wrong."""
    newest_at: float
    newest: Outcome
    """What came of the newest one."""


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks within a period."""

    places: tuple[CheckedPlace, ...]
    """By venue and profile."""
    troubles: tuple[Run, ...]
    """Those that found something, the newest first, at most `TROUBLES_MAX`; without what passed."""
    troubles_more: int
    """How many more there were."""

    @property
    def total(self) -> int:
        """How many checks there were."""
        return sum(one.checks for one in self.places)

    @property
    def well(self) -> int:
        """How many of them found nothing wrong."""
        return sum(one.well for one in self.places)


async def checks(connection: AsyncConnection, period: Period, venues: Venues = None) -> Checks:
    """Read it, of a read connection of the telemetry database."""
    table = runs.c
    asked: Any = select(table.id, table.at, table.venue, table.profile, table.counts).where(
        table.at >= period.since, table.at < period.until
    )
    if venues is not None:
        asked = asked.where(table.venue.in_(venues))
    total: Counter[tuple[str, str]] = Counter()
    well: Counter[tuple[str, str]] = Counter()
    newest: dict[tuple[str, str], tuple[float, Outcome]] = {}
    bad: list[int] = []
    for row in await connection.execute(asked.order_by(table.id.desc()).limit(RUNS_MAX)):
        place, outcome = (row.venue, row.profile), worst(_COUNTS.decode(row.counts))
        total[place] += 1
        newest.setdefault(place, (row.at, outcome))
        if outcome == "pass":
            well[place] += 1
        else:
            bad.append(row.id)
    return Checks(
        tuple(
            CheckedPlace(*place, total[place], well[place], *newest[place])
            for place in sorted(total)
        ),
        await runs_of(connection, bad[:TROUBLES_MAX]),
        len(bad[TROUBLES_MAX:]),
    )
