"""Events one by one, newest first, a page at a time.

How a page is found: a condition that few events meet (a name, a device, a rare category) is looked
up in its index, up to `RARE_MAX` events; conditions that many meet are found soon by going back in
time. Both are bounded: when a page ends early because enough was looked through, `next` goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.instants import first_id, instant_of
from evidence.reading.places import NOWHERE, Places, Venues, Verdict
from evidence.tables import CHECK, domains, grounds, names, pseudonyms
from evidence.tables import events as table

PAGE_MAX: Final = 500
RARE_MAX: Final = 4_000
"""Events that an index is asked for; a condition that more meet is not rare."""
NAMES_MAX: Final = 1_000
"""Different names, or devices, that a part of one may stand for."""
WINDOW_ROWS: Final = 20_000
"""Events looked through in one step back in time."""
WINDOWS_MAX: Final = 8
CHUNK_MAX: Final = 500
DEVICE_CHARACTERS_MIN: Final = 4
"""A shorter text is no beginning of a pseudonym."""
_LAST: Final = (1 << 63) - 1
_NUL: Final = "\0"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; everything that is given must be so."""

    venues: Venues = None
    """Venues that the reader may see, or chose among those; None: all."""
    since: float | None = None
    until: float | None = None
    action: str = ""
    reason: str = ""
    categories: Collection[str] = ()
    """Any of these."""
    source: str = ""
    """The id of a list, such as `starter:gambling`."""
    room: str = ""
    profile: str = ""
    name_contains: str = ""
    name_ends_with: str = ""
    """This name and all below it."""
    pseudonym: str = ""
    """The whole, or its beginning."""
    text: str = ""
    """A part of the name, or the beginning of a pseudonym."""


@dataclass(frozen=True, slots=True)
class Event:
    """One query that was blocked, warned, monitored or suspected; repeats in a moment are one."""

    id: int
    at: float
    name: str
    """Escaped text: hostile, but without anything that is not ASCII and printable."""
    domain: str
    """The registered domain; empty where there is none."""
    qtype: int
    queries: int
    """How often within a second or so."""
    pseudonym: str
    venue: str
    room: str
    profile: str
    transport: str
    action: str
    reason: str
    category: str
    """Empty: none."""
    sources: tuple[str, ...]
    rule: str
    """The entry that settled it, as written; empty: none."""
    suggestions: tuple[str, ...]
    """Keywords in the name, as `category:rule`."""

    @property
    def is_check(self) -> bool:
        """Whether a check of the filter asked, and no person."""
        return self.transport == CHECK


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, and where to go on."""

    events: tuple[Event, ...]
    next: int | None
    """Give it as `before` for the next page; None: that was all. A page may be short, or empty,
    and have a next one: then enough was looked through for one page."""


async def events(
    connection: AsyncConnection,
    wanted: EventFilter = EventFilter(),  # noqa: B008 - immutable
    *,
    before: int | None = None,
    limit: int = 50,
) -> EventPage:
    """The newest events that a filter lets through, older than the event `before`."""
    places = await Places.read(connection)
    search = await _prepare(connection, places, wanted, before)
    if search is None:
        return EventPage((), None)
    found, then = await search.run(max(1, min(limit, PAGE_MAX)))
    return EventPage(tuple(await _read(connection, places, found)), then)


async def event(connection: AsyncConnection, id: int, venues: Venues = None) -> Event | None:
    """One event; None when it is not there (any more), or elsewhere."""
    found = await read_events(connection, [id])
    return next((one for one in found if venues is None or one.venue in venues), None)


async def read_events(connection: AsyncConnection, ids: Sequence[int]) -> list[Event]:
    """The events of these numbers, newest first."""
    return await _read(connection, await Places.read(connection), ids)


async def _read(connection: AsyncConnection, places: Places, ids: Sequence[int]) -> list[Event]:
    found: list[Event] = []
    for start in range(0, len(ids), CHUNK_MAX):
        rows = await connection.execute(_whole(ids[start : start + CHUNK_MAX]))
        found += [_event(row, places) for row in rows]
    return sorted(found, key=lambda one: -one.id)


async def _prepare(
    connection: AsyncConnection, places: Places, wanted: EventFilter, before: int | None
) -> _Search | None:
    """What has to be looked for; None when nothing can be found."""
    first = 0 if wanted.since is None else first_id(wanted.since)
    last = _LAST if wanted.until is None else first_id(wanted.until) - 1
    last = last if before is None else min(last, before - 1)
    asked = {
        "pseudonym_id": await _devices(connection, wanted.pseudonym),
        "name_id": await _names(connection, wanted),
        "verdict_id": places.decided(
            action=wanted.action,
            reason=wanted.reason,
            categories=wanted.categories,
            source=wanted.source,
        ),
        "origin_id": places.from_venues(wanted.venues, wanted.room, wanted.profile),
    }
    given = {column: ids for column, ids in asked.items() if ids is not None}
    if wanted.text:
        column, ids = await _meant(connection, wanted.text)
        known = given.get(column)
        given[column] = ids if known is None else sorted({*known} & {*ids})
    if first > last or not all(given.values()):
        return None
    return _Search(connection, first, last, given)


class _Search:
    """One search: a stretch of numbers, and a set of numbers for each column that is asked for."""

    def __init__(
        self, connection: AsyncConnection, first: int, last: int, asked: Mapping[str, list[int]]
    ) -> None:
        self._connection = connection
        self._first = first
        self._last = last
        self._asked = asked

    async def run(self, limit: int) -> tuple[list[int], int | None]:
        """Numbers of events, and where to go on."""
        candidates: set[int] | None = None
        often: dict[str, list[int]] = {}
        for column, ids in self._asked.items():
            rare = await self._rare(column, ids)
            if rare is None:
                often[column] = ids
            else:
                candidates = rare if candidates is None else candidates & rare
        if candidates is None:
            return await self._go_back(often, limit)
        return await self._look_at(sorted(candidates, reverse=True), often, limit)

    async def _rare(self, column: str, ids: list[int]) -> set[int] | None:
        """The numbers of all events with one of these; None when they are many."""
        # Only what the index of the column has is asked for.
        asked = select(table.c.id).where(
            table.c[column].in_(ids), table.c.id >= self._first, table.c.id <= self._last
        )
        found = set(await self._connection.scalars(asked.limit(RARE_MAX + 1)))
        return None if len(found) > RARE_MAX else found

    async def _look_at(
        self, candidates: list[int], often: Mapping[str, list[int]], limit: int
    ) -> tuple[list[int], int | None]:
        """Of these the ones that meet the other conditions too."""
        found: list[int] = []
        for start in range(0, len(candidates), CHUNK_MAX):
            chunk = candidates[start : start + CHUNK_MAX]
            if often:
                others = [table.c[column].in_(ids) for column, ids in often.items()]
                asked = select(table.c.id).where(table.c.id.in_(chunk), *others)
                chunk = sorted(await self._connection.scalars(asked), reverse=True)
            found += chunk
            if len(found) > limit:
                return found[:limit], found[limit - 1]
        return found, None

    async def _go_back(
        self, often: Mapping[str, list[int]], limit: int
    ) -> tuple[list[int], int | None]:
        """Look through the newest events, a window after the other."""
        found: list[int] = []
        last = self._last
        for _ in range(WINDOWS_MAX):
            newest = (
                select(table.c.id, *(table.c[column] for column in often))
                .where(table.c.id >= self._first, table.c.id <= last)
                .order_by(table.c.id.desc())
            )
            window = newest.limit(WINDOW_ROWS if often else limit + 1).subquery()
            passing = [window.c[column].in_(ids) for column, ids in often.items()]
            asked = select(window.c.id).where(*passing).order_by(window.c.id.desc())
            found += await self._connection.scalars(asked.limit(limit + 1 - len(found)))
            if len(found) > limit:
                return found[:limit], found[limit - 1]
            edge = newest.with_only_columns(table.c.id).offset(WINDOW_ROWS - 1).limit(1)
            end = await self._connection.scalar(edge) if often else None
            if end is None:
                return found, None
            last = end - 1
        return found, last + 1


async def _meant(connection: AsyncConnection, text: str) -> tuple[str, list[int]]:
    """The column that a text is about, and the numbers in it."""
    if len(text) >= DEVICE_CHARACTERS_MIN and (devices := await _devices(connection, text)):
        return "pseudonym_id", devices
    return "name_id", await _names(connection, EventFilter(name_contains=text)) or []


async def _devices(connection: AsyncConnection, pseudonym: str) -> list[int] | None:
    """Numbers of pseudonyms that begin so."""
    if not pseudonym:
        return None
    begins = _plain(pseudonym)
    asked = select(pseudonyms.c.id).where(
        pseudonyms.c.pseudonym >= begins, pseudonyms.c.pseudonym < begins + "g"
    )
    return list(await connection.scalars(asked.limit(NAMES_MAX)))


async def _names(connection: AsyncConnection, wanted: EventFilter) -> list[int] | None:
    """Numbers of names, those seen first last; at most `NAMES_MAX`."""
    asked: list[ColumnElement[bool]] = []
    if wanted.name_contains:
        asked.append(names.c.name.contains(_plain(wanted.name_contains), autoescape=True))
    if wanted.name_ends_with:
        end = _plain(wanted.name_ends_with).strip(".")
        below = names.c.name.endswith("." + end, autoescape=True)
        asked.append(or_(names.c.name == end, below))
    if not asked:
        return None
    newest = select(names.c.id).where(*asked).order_by(names.c.id.desc())
    return list(await connection.scalars(newest.limit(NAMES_MAX)))


def _plain(text: str) -> str:
    """What is looked for, as names are kept: ASCII, and PostgreSQL takes no NUL."""
    return text.lower().replace(_NUL, "").encode("ascii", "replace").decode()


def _whole(ids: Sequence[int]) -> Select[Any]:
    return (
        select(
            table.c.id,
            names.c.name,
            domains.c.domain,
            table.c.qtype,
            table.c.queries,
            pseudonyms.c.pseudonym,
            table.c.origin_id,
            table.c.verdict_id,
            grounds.c.rule,
            grounds.c.suggestions,
        )
        .select_from(table)
        .outerjoin(names, names.c.id == table.c.name_id)
        .outerjoin(domains, domains.c.id == names.c.domain_id)
        .outerjoin(pseudonyms, pseudonyms.c.id == table.c.pseudonym_id)
        .outerjoin(grounds, grounds.c.id == table.c.ground_id)
        .where(table.c.id.in_(ids))
    )


def _event(row: Row[Any], places: Places) -> Event:
    origin = places.origins.get(row.origin_id, NOWHERE)
    verdict = places.verdicts.get(row.verdict_id, _NOTHING)
    return Event(
        id=row.id,
        at=instant_of(row.id),
        name=row.name or "",
        domain=row.domain or "",
        qtype=row.qtype,
        queries=row.queries,
        pseudonym=row.pseudonym or "",
        venue=origin.venue,
        room=origin.room,
        profile=origin.profile,
        transport=origin.transport,
        action=verdict.action,
        reason=verdict.reason,
        category=verdict.category,
        sources=verdict.sources,
        rule=row.rule or "",
        suggestions=tuple((row.suggestions or "").split()),
    )


_NOTHING: Final = Verdict("", "", "", ())
