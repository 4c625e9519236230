"""Venues beside each other: what was decided, and how many different sites were blocked."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import distinct, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.figures.periods import Period
from evidence.instants import minute_of
from evidence.reading import tallies
from evidence.reading.places import NOWHERE, Places
from evidence.tables import noted_days

_DAY: Final = 1440


async def actions_by_venue(
    connection: AsyncConnection, period: Period
) -> dict[tuple[str, str], int]:
    """Queries by venue and action."""
    counted = await tallies(connection, period.since, period.until, by=("venue", "action"))
    found: Counter[tuple[str, str]] = Counter()
    for one in counted:
        found[one.values[0], one.values[1]] += one.queries
    return dict(found)


async def sites_by_venue(connection: AsyncConnection, period: Period) -> dict[str, int]:
    """Different registered domains that were blocked, by venue. Of whole days of UTC."""
    places = await Places.read(connection)
    blocked = places.decided(action="block") or []
    table = noted_days.c
    asked: Any = (
        select(table.venue_id, func.count(distinct(table.domain_id)))
        .where(
            table.at.between(
                minute_of(period.since) // _DAY * _DAY,
                minute_of(period.until - 0.001) // _DAY * _DAY,
            ),
            table.verdict_id.in_(blocked),
        )
        .group_by(table.venue_id)
    )
    found: Counter[str] = Counter()
    for venue_id, sites in await connection.execute(asked):
        found[places.origins.get(venue_id, NOWHERE).venue] += sites
    return dict(found)
