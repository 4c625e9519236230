"""Figures over time: queries by what was decided, and traffic by registered domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.instants import minute_of
from evidence.reading.places import NOWHERE, Places, Venues, Verdict
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
    # Only what is asked for is kept apart: a row for each hour, not for each hour and verdict.
    keys = [table.c[column] for column, words in _COLUMNS.items() if words & {*by}]
    asked = select(*keys, func.sum(table.c.queries)).where(
        table.c.at > minute_of(since) - step, table.c.at < minute_of(until - 0.001) + 1
    )
    if (origins := places.from_venues(venues)) is not None:
        asked = asked.where(table.c.origin_id.in_(origins))
    if (verdicts := places.decided(action=action)) is not None:
        asked = asked.where(table.c.verdict_id.in_(verdicts))
    counts: Counter[tuple[str, ...]] = Counter()
    grouped = asked.group_by(*keys) if keys else asked
    for row in await connection.execute(grouped.limit(ROWS_MAX)):
        found_keys = dict(zip((key.name for key in keys), row, strict=False))
        for values in _values(by, found_keys, places):
            counts[values] += int(row[-1] or 0)
    found = [Figure(values, queries) for values, queries in counts.most_common(FIGURES_MAX)]
    return sorted(found, key=lambda one: one.values) if "time" in by else found


def _values(by: Sequence[By], keys: Mapping[str, int], places: Places) -> list[tuple[str, ...]]:
    origin = places.origins.get(keys.get("origin_id", 0), NOWHERE)
    verdict = places.verdicts.get(keys.get("verdict_id", 0), _NOTHING)
    known = {
        "time": str(keys.get("at", 0) * 60),
        "venue": origin.venue,
        "profile": origin.profile,
        "action": verdict.action,
        "reason": verdict.reason,
        "category": verdict.category,
    }
    sources = (verdict.sources or ("",)) if "source" in by else ("",)
    return [tuple(known.get(key, source) for key in by) for source in sources]


_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "at": frozenset({"time"}),
    "origin_id": frozenset({"venue", "profile"}),
    "verdict_id": frozenset({"action", "reason", "category", "source"}),
}
"""The columns of a tally, and what follows from each."""
_NOTHING: Final = Verdict("", "", "", ())


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
