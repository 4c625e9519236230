"""What was blocked: for one device lately, for one name, for everybody; and who tries to get round.

`recently_blocked` is told who asks, and finds that device's events under its pseudonyms. It is for
that person's own block page: it must not be shown to anybody else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, Table, and_, distinct, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence.domains import registered
from evidence.instants import first_id, instant_of, minute_of
from evidence.keyring import keys_between
from evidence.pseudonyms import Identity
from evidence.reading.events import CHUNK_MAX, Event, read_events
from evidence.reading.places import NOWHERE, Places, Venues
from evidence.tables import (
    domains,
    names,
    noted_days,
    noted_devices,
    noted_spans,
    noted_sums,
    pseudonyms,
    traffic,
)
from evidence.tables import events as event_table

RECENT_MAX: Final = 50
TOP_MAX: Final = 200
BYPASS_ROWS_MAX: Final = 20_000
"""Events that are grouped by device; older ones are left out."""
DAYS_MAX: Final = 800
"""Days that are asked for one by one."""
CIRCUMVENTION: Final = "circumvention"
_DAY: Final = 1440
_LAST: Final = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Popularity:
    """How much a site is asked for."""

    domain: str
    """The registered domain: what is counted."""
    allowed: int
    """Queries that were let through."""
    blocked: int
    """Queries that were blocked or warned about."""
    devices: int
    """Different devices among the blocked, warned or monitored queries: of allowed ones nobody
    knows. A device counts once for each key of its time (a week)."""

    @property
    def queries(self) -> int:
        """All queries."""
        return self.allowed + self.blocked


@dataclass(frozen=True, slots=True)
class TopBlocked:
    """A site that is blocked often."""

    domain: str
    category: str
    queries: int
    devices: int


@dataclass(frozen=True, slots=True)
class Bypass:
    """Attempts of one device to get round the filter."""

    pseudonym: str
    venue: str
    room: str
    categories: tuple[str, ...]
    names: tuple[str, ...]
    queries: int
    first_at: float
    last_at: float
    last_event: int


async def recently_blocked(
    connection: AsyncConnection, who: Identity, since: float, *, limit: int = 10
) -> list[Event]:
    """What was blocked or warned about on a device since an instant, newest first.

    Looked for under everything that is known of the device: its id, its host name, its address.
    """
    found: set[int] = set()
    keys = await keys_between(connection, since)
    hashes = [key.pseudonym(way) for key in keys for way in who.ways]
    ids = list(
        await connection.scalars(select(pseudonyms.c.id).where(pseudonyms.c.pseudonym.in_(hashes)))
    )
    if not ids:
        return []
    places = await Places.read(connection)
    closed = [
        *(places.decided(action="block") or []),
        *(places.decided(action="warn") or []),
    ]
    asked = (
        select(event_table.c.id)
        .where(
            event_table.c.pseudonym_id.in_(ids),
            event_table.c.id >= first_id(since),
            event_table.c.verdict_id.in_(closed),
        )
        .order_by(event_table.c.id.desc())
        .limit(min(limit, RECENT_MAX))
    )
    found.update(await connection.scalars(asked))
    return await read_events(connection, sorted(found))


async def popularity(
    connection: AsyncConnection,
    name: str,
    since: float,
    *,
    until: float | None = None,
    venues: Venues = None,
) -> Popularity:
    """How much the site of a name is asked for, by whole days from the one of `since`."""
    domain = registered(name) or name.lower().strip(".")
    id = await connection.scalar(select(domains.c.id).where(domains.c.domain == domain))
    if id is None:
        return Popularity(domain, 0, 0, 0)
    places = await Places.read(connection)
    days = _days(since, until)
    ids = places.venue_ids(venues)
    closed = {*(places.decided(action="block") or []), *(places.decided(action="warn") or [])}

    def of_domain(table: Any, *columns: Any) -> Select[Any]:
        asked = select(*columns).where(table.c.domain_id == id, table.c.at.between(*days))
        return asked if ids is None else asked.where(table.c.venue_id.in_(ids))

    allowed = traffic["days"]
    let_through = await connection.scalar(of_domain(allowed, func.sum(allowed.c.queries)))
    blocked = await connection.scalar(
        of_domain(noted_days, func.sum(noted_days.c.queries)).where(
            noted_days.c.verdict_id.in_(closed)
        )
    )
    devices = (await _devices(connection, [id], days, ids))[id]
    return Popularity(domain, int(let_through or 0), int(blocked or 0), devices)


async def top_blocked(
    connection: AsyncConnection,
    since: float,
    until: float,
    venues: Venues = None,
    *,
    action: str = "block",
    categories: Collection[str] = (),
    limit: int = 20,
) -> list[TopBlocked]:
    """The registered domains with most blocked queries, by whole days; each with the category it
    was blocked for most."""
    places = await Places.read(connection)
    ids = places.venue_ids(venues)
    verdicts = places.decided(action=action, categories=categories) or []
    days = _days(since, until)
    table = noted_sums if ids is None else noted_days
    queries = func.sum(table.c.queries)
    inside = [*_within(table, days, ids), table.c.verdict_id.in_(verdicts)]
    asked = select(table.c.domain_id, queries).where(*inside).group_by(table.c.domain_id)
    most = asked.order_by(queries.desc(), table.c.domain_id).limit(min(limit, TOP_MAX))
    top = [(id, int(count)) for id, count in await connection.execute(most)]
    for_category: dict[int, Counter[str]] = defaultdict(Counter)
    of_top = select(table.c.domain_id, table.c.verdict_id, queries).where(
        table.c.domain_id.in_([id for id, _ in top]), *inside
    )
    for domain_id, verdict_id, count in await connection.execute(
        of_top.group_by(table.c.domain_id, table.c.verdict_id)
    ):
        for_category[domain_id][places.verdicts[verdict_id].category] += int(count)
    known = await _domains(connection, [id for id, _ in top])
    devices = await _devices(connection, [id for id, _ in top], days, ids)
    return [
        TopBlocked(known.get(id, ""), for_category[id].most_common(1)[0][0], count, devices[id])
        for id, count in top
    ]


async def distinct_blocked_domains(
    connection: AsyncConnection, since: float, until: float, venues: Venues = None
) -> int:
    """How many different registered domains were blocked, by whole days."""
    places = await Places.read(connection)
    ids = places.venue_ids(venues)
    table = noted_sums if ids is None else noted_days
    asked = select(func.count(distinct(table.c.domain_id))).where(
        *_within(table, _days(since, until), ids),
        table.c.verdict_id.in_(places.decided(action="block") or []),
    )
    return int(await connection.scalar(asked) or 0)


async def bypass_attempts(
    connection: AsyncConnection,
    taxonomy: Taxonomy,
    since: float,
    until: float,
    venues: Venues = None,
    *,
    limit: int = 50,
) -> list[Bypass]:
    """Devices that tried to get round the filter (categories of circumvention), most first."""
    places = await Places.read(connection)
    verdicts = places.decided(categories=bypass_categories(taxonomy)) or []
    e = event_table.c
    asked = (
        select(e.id, e.name_id, e.pseudonym_id, e.origin_id, e.verdict_id, e.queries)
        .where(e.verdict_id.in_(verdicts), e.id >= first_id(since), e.id < first_id(until))
        .order_by(e.id.desc())
        .limit(BYPASS_ROWS_MAX)
    )
    if (origins := places.of_people(venues)) is not None:
        asked = asked.where(e.origin_id.in_(origins))
    found: dict[tuple[int, str, str], list[Any]] = defaultdict(list)
    for row in await connection.execute(asked):
        origin = places.origins.get(row.origin_id, NOWHERE)
        found[row.pseudonym_id, origin.venue, origin.room].append(row)
    most = sorted(
        found.items(), key=lambda one: (-sum(row.queries for row in one[1]), -one[1][0].id)
    )[:limit]
    # Words are looked up for those that are shown, not for every event.
    named = await _names(connection, {row.name_id for _, group in most for row in group})
    devices = await _pseudonyms(connection, {key[0] for key, _ in most})
    return [
        Bypass(
            devices.get(pseudonym, ""),
            venue,
            room,
            tuple(sorted({places.verdicts[row.verdict_id].category for row in group})),
            tuple(dict.fromkeys(named.get(row.name_id, "") for row in group))[:RECENT_MAX],
            sum(row.queries for row in group),
            instant_of(group[-1].id),
            instant_of(group[0].id),
            group[0].id,
        )
        for (pseudonym, venue, room), group in most
    ]


def bypass_categories(taxonomy: Taxonomy) -> frozenset[str]:
    """The categories of ways round the filter."""
    if CIRCUMVENTION not in taxonomy:
        return frozenset()
    return frozenset({CIRCUMVENTION, *taxonomy.descendants(CIRCUMVENTION)})


async def _domains(connection: AsyncConnection, ids: list[int]) -> dict[int, str]:
    rows = await connection.execute(select(domains).where(domains.c.id.in_(ids)))
    return {row.id: row.domain for row in rows}


async def _names(connection: AsyncConnection, ids: Collection[int]) -> dict[int, str]:
    """The registered domains of names; a name itself where it has none."""
    found: dict[int, str] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK_MAX):
        asked = (
            select(names.c.id, names.c.name, domains.c.domain)
            .outerjoin(domains, domains.c.id == names.c.domain_id)
            .where(names.c.id.in_(wanted[start : start + CHUNK_MAX]))
        )
        found |= {id: domain or name for id, name, domain in await connection.execute(asked)}
    return found


async def _pseudonyms(connection: AsyncConnection, ids: Collection[int]) -> dict[int, str]:
    asked = select(pseudonyms.c.id, pseudonyms.c.pseudonym).where(pseudonyms.c.id.in_(ids))
    return {row.id: row.pseudonym for row in await connection.execute(asked)}


async def _devices(
    connection: AsyncConnection, ids: list[int], days: tuple[int, int], venues: list[int] | None
) -> Counter[int]:
    """Different devices that asked for each of these domains."""
    table, span = noted_devices.c, noted_spans.c
    if venues is not None:
        asked = select(table.domain_id, func.count(distinct(table.pseudonym_id))).where(
            table.domain_id.in_(ids), *_within(noted_devices, days, venues)
        )
        rows = await connection.execute(asked.group_by(table.domain_id))
        return Counter({id: int(count) for id, count in rows})
    # Whoever was first or last there on one of the days was there. Whoever came before them and
    # after them, which a pseudonym seldom lives to do, is looked at day by day.
    there = exists().where(
        table.domain_id == span.domain_id,
        table.pseudonym_id == span.pseudonym_id,
        table.at.between(*days),
    )
    around = and_(span.first_at < days[0], span.last_at > days[1], there)
    inside = or_(span.first_at.between(*days), span.last_at.between(*days), around)
    counted = select(span.domain_id, func.count()).where(span.domain_id.in_(ids), inside)
    rows = await connection.execute(counted.group_by(span.domain_id))
    return Counter({id: int(count) for id, count in rows})


def _within(table: Table, days: tuple[int, int], venues: list[int] | None) -> list[Any]:
    """These days, in these venues. Day by day, when they are not too many: for each of them a
    database goes straight to a venue, and over a stretch it walks through all of them.
    """
    first, last = days
    if venues is None:
        return [table.c.at.between(*days)]
    listed = range(first, last + 1, _DAY)
    few = len(listed) <= DAYS_MAX
    when = table.c.at.in_(listed) if few else table.c.at.between(*days)
    return [when, table.c.venue_id.in_(venues)]


def _days(since: float, until: float | None) -> tuple[int, int]:
    """The first and the last day, as their first minutes."""
    first = minute_of(since) // _DAY * _DAY
    last = _LAST if until is None else minute_of(until - 0.001) // _DAY * _DAY
    return first, last
