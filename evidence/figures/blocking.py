"""What the filter did: queries by what was decided, blocked sites by category, and by list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import case, distinct, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence.figures.periods import Period
from evidence.instants import first_id, minute_of
from evidence.reading import tallies, top_blocked
from evidence.reading.blocked import TopBlocked, bypass_categories
from evidence.reading.places import Places, Venues
from evidence.tables import events, noted_days, noted_sums

TOP_MAX: Final = 20
_DAY: Final = 1440


@dataclass(frozen=True, slots=True)
class CategoryBlocked:
    """What was blocked for one category."""

    category: str
    """Empty: blocked by a rule, for no category."""
    queries: int
    sites: int
    """Different registered domains."""
    devices: int | None = None
    """Different devices, a device once a week; None: not counted. Of as long as single queries are
    kept."""


@dataclass(frozen=True, slots=True)
class ListBlocked:
    """What was blocked because a list has it; several lists may have the same."""

    source: str
    queries: int


@dataclass(frozen=True, slots=True)
class Blocking:
    """What the filter did."""

    queries: int
    blocked: int
    warned: int
    """Queries that were answered with a warning."""
    monitored: int
    sites: int
    """Different registered domains that were blocked."""
    by_category: tuple[CategoryBlocked, ...]
    by_list: tuple[ListBlocked, ...]
    by_venue: tuple[tuple[str, int, int], ...]
    """Venue, all queries, blocked ones."""
    top: tuple[TopBlocked, ...]
    bypass_queries: int
    """Attempts to get round the filter, blocked or not."""
    bypass_devices: int
    """Devices that made one, a device once a week; of as long as single queries are kept."""

    @property
    def share(self) -> float | None:
        """Of all queries those that were blocked, 0 to 1; None when there were none."""
        return self.blocked / self.queries if self.queries else None


async def blocking(
    connection: AsyncConnection,
    taxonomy: Taxonomy,
    period: Period,
    venues: Venues = None,
    *,
    with_devices: bool = False,
) -> Blocking:
    """Read it. Queries are counted by the hour up to two weeks, and beyond by days of UTC."""
    since, until = period.since, period.until
    actions: Counter[str] = Counter()
    by_venue: Counter[tuple[str, str]] = Counter()
    categories: Counter[str] = Counter()
    counted = await tallies(
        connection, since, until, by=("venue", "action", "category"), venues=venues
    )
    for (venue, action, category), queries in ((one.values, one.queries) for one in counted):
        actions[action] += queries
        by_venue[venue, ""] += queries
        if action == "block":
            by_venue[venue, "block"] += queries
            categories[category] += queries
    lists: Counter[str] = Counter()
    for one in await tallies(
        connection, since, until, by=("source",), venues=venues, action="block"
    ):
        if one.values[0]:
            lists[one.values[0]] += one.queries
    sites, total_sites = await _sites(connection, period, venues)
    devices = await _devices(connection, period, venues) if with_devices else None
    bypass = bypass_categories(taxonomy)
    return Blocking(
        queries=sum(actions.values()),
        blocked=actions["block"],
        warned=actions["warn"],
        monitored=actions["monitor"],
        sites=total_sites,
        by_category=tuple(
            CategoryBlocked(
                category,
                queries,
                sites.get(category, 0),
                None if devices is None else devices.get(category, 0),
            )
            for category, queries in _ordered(categories)
        ),
        by_list=tuple(ListBlocked(*one) for one in _ordered(lists)),
        by_venue=tuple(
            (venue, by_venue[venue, ""], by_venue[venue, "block"])
            for venue in sorted({venue for venue, _ in by_venue})
        ),
        top=tuple(await top_blocked(connection, since, until, venues, limit=TOP_MAX)),
        bypass_queries=sum(one.queries for one in counted if one.values[2] in bypass),
        bypass_devices=await _bypass_devices(connection, bypass, period, venues),
    )


async def _sites(
    connection: AsyncConnection, period: Period, venues: Venues
) -> tuple[dict[str, int], int]:
    """Different blocked domains by category, and of all together."""
    places = await Places.read(connection)
    blocked = places.decided(action="block") or []
    if not blocked:
        return {}, 0
    ids = places.venue_ids(venues)
    table = noted_sums if ids is None else noted_days
    categories, group = _grouping(places, blocked, table)
    inside = [
        table.c.at.between(
            minute_of(period.since) // _DAY * _DAY,
            minute_of(period.until - 0.001) // _DAY * _DAY,
        ),
        table.c.verdict_id.in_(blocked),
    ]
    if ids is not None:
        inside.append(table.c.venue_id.in_(ids))
    asked: Any = select(group, func.count(distinct(table.c.domain_id))).where(*inside)
    found = {categories[key]: int(n) for key, n in await connection.execute(asked.group_by(group))}
    total = await connection.scalar(select(func.count(distinct(table.c.domain_id))).where(*inside))
    return found, int(total or 0)


async def _devices(connection: AsyncConnection, period: Period, venues: Venues) -> dict[str, int]:
    """Different devices by category: of events that are still there."""
    places = await Places.read(connection)
    blocked = places.decided(action="block") or []
    if not blocked:
        return {}
    categories, group = _grouping(places, blocked, events)
    inside = [
        events.c.id >= first_id(period.since),
        events.c.id < first_id(period.until),
        events.c.verdict_id.in_(blocked),
    ]
    if (origins := places.of_people(venues)) is not None:
        inside.append(events.c.origin_id.in_(origins))
    asked: Any = select(group, func.count(distinct(events.c.pseudonym_id))).where(*inside)
    return {categories[key]: int(n) for key, n in await connection.execute(asked.group_by(group))}


async def _bypass_devices(
    connection: AsyncConnection, categories: Collection[str], period: Period, venues: Venues
) -> int:
    """Different devices that tried to get round the filter: of events that are still there."""
    places = await Places.read(connection)
    tried = places.decided(categories=categories) if categories else []
    asked = select(func.count(distinct(events.c.pseudonym_id))).where(
        events.c.verdict_id.in_(tried or []),
        events.c.id >= first_id(period.since),
        events.c.id < first_id(period.until),
    )
    if (origins := places.of_people(venues)) is not None:
        asked = asked.where(events.c.origin_id.in_(origins))
    return int(await connection.scalar(asked) or 0)


def _grouping(places: Places, verdicts: list[int], table: Any) -> tuple[dict[int, str], Any]:
    """An expression that is the number of a verdict's category, and the categories by number."""
    words = sorted({places.verdicts[id].category for id in verdicts})
    numbers = {word: number for number, word in enumerate(words)}
    pairs = {id: numbers[places.verdicts[id].category] for id in verdicts}
    group = case(pairs, value=table.c.verdict_id, else_=-1).label("category")
    return {**dict(enumerate(words)), -1: ""}, group


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
