"""Safeguarding alerts, counted: themes, severities and what came of them; never whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.alerts.tables import ALERTS, NEW, groups
from evidence.figures.periods import Period
from evidence.reading.places import Venues

ROWS_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class AlertCount:
    """Alerts that are alike."""

    theme: str
    severity: str
    state: str
    outcome: str
    """Empty while it is open."""
    alerts: int


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts that were made in a period, as they stand now."""

    counts: tuple[AlertCount, ...]
    waiting: int
    """Made whenever, and acknowledged by nobody yet."""
    seconds_to_acknowledge: float | None
    """On the average, of those that were made in the period."""

    @property
    def total(self) -> int:
        """How many were made."""
        return sum(one.alerts for one in self.counts)


async def alerts(connection: AsyncConnection, period: Period, venues: Venues = None) -> Alerts:
    """Read it."""
    table = groups.c
    there: list[Any] = [] if venues is None else [table.venue.in_(venues)]
    inside = [
        *there,
        table.state.in_(ALERTS),
        table.made_at >= period.since,
        table.made_at < period.until,
    ]
    keys = (table.theme, table.severity, table.state, table.outcome)
    counted: Any = select(*keys, func.count()).where(*inside).group_by(*keys).limit(ROWS_MAX)
    rows = [AlertCount(*row) for row in await connection.execute(counted)]
    seconds = select(func.avg(table.acknowledged_at - table.made_at)).where(
        *inside, table.acknowledged_at.is_not(None)
    )
    waiting = select(func.count()).select_from(groups).where(*there, table.state == NEW)
    took = await connection.scalar(seconds)
    return Alerts(
        tuple(
            sorted(
                rows,
                key=lambda one: (-one.alerts, one.theme, one.severity, one.state, one.outcome),
            )
        ),
        int(await connection.scalar(waiting) or 0),
        None if took is None else float(took),
    )
