"""Figures over time: queries by what was decided, and traffic by registered domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.instants import minute_of
from evidence.reading.places import Origin, Places, Venues, Verdict
from evidence.tables import MINUTES_OF, domains
from evidence.tables import tallies as tally_tables
from evidence.tables import traffic as traffic_tables

Grain = Literal["minutes", "hours", "days"]
By = Literal["time", "venue", "profile", "action", "reason", "category", "source"]

ROWS_MAX: Final = 200_000
"""Rows that are added up for one answer."""
FIGURES_MAX: Final = 10_000
POINTS_MAX: Final = 2_000
_MINUTES_SPAN: Final = 6 * 3600.0
_HOURS_SPAN: Final = 14 * 86400.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of queries, and the values it is for."""

    values: tuple[str, ...]
    """In the order of `by`; `time` as POSIX seconds; a category or source that there was none of is
    empty."""
    queries: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Allowed queries for one registered domain in one stretch of time."""

    at: float
    """Where the stretch begins."""
    queries: int


def grain_of(since: float, until: float) -> Grain:
    """How finely a stretch of time is told: minutes up to six hours, hours up to two weeks."""
    span = until - since
    return "minutes" if span <= _MINUTES_SPAN else "hours" if span <= _HOURS_SPAN else "days"


async def tallies(
    connection: AsyncConnection,
    since: float,
    until: float,
    *,
    by: Sequence[By],
    venues: Venues = None,
    action: str = "",
    grain: Grain | None = None,
) -> list[Figure]:
    """All queries, blocked or not, added up by what is asked for; greatest first, or by time.

    Blocked queries are those with the action `block`. A query of a name that several lists hold
    counts for each source in `by=["source"]`, so that sources add up to more than there were.
    `grain` (of `since` and `until`, which count as whole) follows from the span unless it is given.
    """
    table = tally_tables[grain or grain_of(since, until)]
    step = MINUTES_OF[grain or grain_of(since, until)]
    places = await Places.read(connection)
    keys = [table.c.origin_id, table.c.verdict_id]
    if "time" in by:
        keys.insert(0, table.c.at)
    asked = select(*keys, func.sum(table.c.queries)).where(
        table.c.at > minute_of(since) - step, table.c.at < minute_of(until - 0.001) + 1
    )
    if (origins := places.from_venues(venues)) is not None:
        asked = asked.where(table.c.origin_id.in_(origins))
    if (verdicts := places.decided(action=action)) is not None:
        asked = asked.where(table.c.verdict_id.in_(verdicts))
    counts: Counter[tuple[str, ...]] = Counter()
    for *at, origin_id, verdict_id, queries in await connection.execute(
        asked.group_by(*keys).limit(ROWS_MAX)
    ):
        origin, verdict = places.origins.get(origin_id), places.verdicts.get(verdict_id)
        if origin is not None and verdict is not None:
            time = str(at[0] * 60) if at else ""
            for values in _values(by, time, origin, verdict):
                counts[values] += int(queries)
    found = [Figure(values, queries) for values, queries in counts.most_common(FIGURES_MAX)]
    return sorted(found, key=lambda one: one.values) if "time" in by else found


def _values(by: Sequence[By], time: str, origin: Origin, verdict: Verdict) -> list[tuple[str, ...]]:
    known = {
        "time": time,
        "venue": origin.venue,
        "profile": origin.profile,
        "action": verdict.action,
        "reason": verdict.reason,
        "category": verdict.category,
    }
    sources = (verdict.sources or ("",)) if "source" in by else ("",)
    return [tuple(known.get(key, source) for key in by) for source in sources]


async def traffic(
    connection: AsyncConnection,
    domain: str,
    since: float,
    until: float,
    *,
    venues: Venues = None,
    grain: Literal["hours", "days"] = "days",
) -> list[Traffic]:
    """Allowed queries for a registered domain over time, the earliest first."""
    table = traffic_tables[grain]
    id = await connection.scalar(select(domains.c.id).where(domains.c.domain == domain.lower()))
    if id is None:
        return []
    places = await Places.read(connection)
    asked = select(table.c.at, func.sum(table.c.queries)).where(
        table.c.domain_id == id,
        table.c.at > minute_of(since) - MINUTES_OF[grain],
        table.c.at < minute_of(until - 0.001) + 1,
    )
    if (ids := places.venue_ids(venues)) is not None:
        asked = asked.where(table.c.venue_id.in_(ids))
    rows = await connection.execute(
        asked.group_by(table.c.at).order_by(table.c.at).limit(POINTS_MAX)
    )
    return [Traffic(at * 60.0, int(queries)) for at, queries in rows]
