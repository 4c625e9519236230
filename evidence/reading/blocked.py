"""What was blocked: for one device lately, for one name, for everybody; and who tries to get round.

`recently_blocked` is told who asks, and finds that device's events under its pseudonyms. It is for
that person's own block page: it must not be shown to anybody else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, distinct, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence.domains import registered
from evidence.instants import first_id, instant_of, minute_of
from evidence.keyring import keys_between
from evidence.pseudonyms import Identity
from evidence.reading.events import Event, EventFilter, events, read_events
from evidence.reading.places import Places, Venues
from evidence.tables import domains, noted_days, noted_devices, pseudonyms, traffic
from evidence.tables import events as event_table

RECENT_MAX: Final = 50
TOP_MAX: Final = 200
BYPASS_ROWS_MAX: Final = 20_000
"""Events that are grouped by device; older ones are left out."""
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
    devices = await connection.scalar(
        of_domain(noted_devices, func.count(distinct(noted_devices.c.pseudonym_id)))
    )
    return Popularity(domain, int(let_through or 0), int(blocked or 0), int(devices or 0))


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
    queries = func.sum(noted_days.c.queries)
    inside = [noted_days.c.at.between(*days), noted_days.c.verdict_id.in_(verdicts)]
    if ids is not None:
        inside.append(noted_days.c.venue_id.in_(ids))
    asked = select(noted_days.c.domain_id, queries).where(*inside).group_by(noted_days.c.domain_id)
    most = asked.order_by(queries.desc(), noted_days.c.domain_id).limit(min(limit, TOP_MAX))
    top = [(id, int(count)) for id, count in await connection.execute(most)]
    for_category: dict[int, Counter[str]] = defaultdict(Counter)
    of_top = select(noted_days.c.domain_id, noted_days.c.verdict_id, queries).where(
        noted_days.c.domain_id.in_([id for id, _ in top]), *inside
    )
    for domain_id, verdict_id, count in await connection.execute(
        of_top.group_by(noted_days.c.domain_id, noted_days.c.verdict_id)
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
    asked = select(func.count(distinct(noted_days.c.domain_id))).where(
        noted_days.c.at.between(*_days(since, until)),
        noted_days.c.verdict_id.in_(places.decided(action="block") or []),
    )
    if (ids := places.venue_ids(venues)) is not None:
        asked = asked.where(noted_days.c.venue_id.in_(ids))
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
    categories = bypass_categories(taxonomy)
    found: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    wanted = EventFilter(venues=venues, since=since, until=until, categories=categories)
    before, seen = None, 0
    while seen < BYPASS_ROWS_MAX:
        page = await events(connection, wanted, before=before, limit=500)
        for one in page.events:
            found[one.pseudonym, one.venue, one.room].append(one)
        seen += len(page.events)
        if page.next is None:
            break
        before = page.next
    told = [
        Bypass(
            pseudonym,
            venue,
            room,
            tuple(sorted({one.category for one in group})),
            tuple(dict.fromkeys(one.domain or one.name for one in group))[:RECENT_MAX],
            sum(one.queries for one in group),
            instant_of(group[-1].id),
            instant_of(group[0].id),
            group[0].id,
        )
        for (pseudonym, venue, room), group in found.items()
    ]
    return sorted(told, key=lambda one: (-one.queries, -one.last_at))[:limit]


def bypass_categories(taxonomy: Taxonomy) -> frozenset[str]:
    """The categories of ways round the filter."""
    if CIRCUMVENTION not in taxonomy:
        return frozenset()
    return frozenset({CIRCUMVENTION, *taxonomy.descendants(CIRCUMVENTION)})


async def _domains(connection: AsyncConnection, ids: list[int]) -> dict[int, str]:
    rows = await connection.execute(select(domains).where(domains.c.id.in_(ids)))
    return {row.id: row.domain for row in rows}


async def _devices(
    connection: AsyncConnection, ids: list[int], days: tuple[int, int], venues: list[int] | None
) -> Counter[int]:
    """Different devices that asked for each of these domains."""
    table = noted_devices
    asked = select(table.c.domain_id, func.count(distinct(table.c.pseudonym_id))).where(
        table.c.domain_id.in_(ids), table.c.at.between(*days)
    )
    if venues is not None:
        asked = asked.where(table.c.venue_id.in_(venues))
    rows = await connection.execute(asked.group_by(table.c.domain_id))
    return Counter({id: int(count) for id, count in rows})


def _days(since: float, until: float | None) -> tuple[int, int]:
    """The first and the last day, as their first minutes."""
    first = minute_of(since) // _DAY * _DAY
    last = _LAST if until is None else minute_of(until - 0.001) // _DAY * _DAY
    return first, last
