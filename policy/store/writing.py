"""One write transaction: what it puts and removes, and that readers hear of it.

Only commands write, and they check before they do; what they overlook the database refuses (a
reference to nothing).  Nothing here knows who may do what.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.entries import KEYS, NUMBERED, Body, EntryId, Kind
from policy.store.reading import decode_body, read_entries, read_keys
from policy.store.rows import TABLES, key_columns, row_of, venues_of_person
from policy.store.tables import people_venues, revisions

CHANNEL: Final = "lychgate_policy"
"""Where PostgreSQL tells listeners of a commit."""


class Writing:
    """An open write transaction; made by `Store.writing`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        """For what is no entry: the audit log, and searches by column."""
        self._last_numbers: dict[Kind, int] = {}
        """Of every kind that was touched: the last id, or position, that was given."""

    async def get(self, kind: Kind, id: EntryId) -> dict[str, Any] | None:
        """The body of an entry; None when there is none."""
        table = TABLES[kind]
        found = await self.connection.scalar(select(table.c.body).where(_is(kind, id)))
        return None if found is None else decode_body(found)

    async def all(self, kind: Kind) -> dict[Any, dict[str, Any]]:
        """All entries of a kind, by id, in the order of the document."""
        return dict(await read_entries(self.connection, kind))

    async def document(self, keys: Collection[str] = tuple(KEYS)) -> dict[str, Any]:
        """The raw document as it is now, these keys of it: "rules" may be 50,000 entries."""
        return await read_keys(self.connection, keys)

    async def put(self, kind: Kind, id: EntryId | None, body: Body) -> EntryId:
        """Add an entry, or replace it; its id, which is a new number for None.

        The body of a venue is without its rooms; that of a rule or an exception without its id.
        """
        return (await self.put_many(kind, [(id, body)]))[0]

    async def put_many(
        self, kind: Kind, entries: Iterable[tuple[EntryId | None, Body]]
    ) -> list[EntryId]:
        """`put` for thousands at once."""
        wanted = list(entries)
        if not wanted:
            return []
        last = await self._touch(kind)
        there = await self._there(kind, wanted)
        added, replaced, ids = [], [], []
        for id, body in wanted:
            if id is None:
                last += 1
                id = last
            elif kind in NUMBERED:
                last = max(last, int(id))
            row = row_of(kind, id, body)
            ids.append(id)
            if id in there:
                replaced.append({**row, **_key(kind, id)})
                continue
            if kind not in NUMBERED:
                last += 1
                row["position"] = last
            there.add(id)
            added.append(row)
        self._last_numbers[kind] = last
        if added:
            await self.connection.execute(insert(TABLES[kind]), added)
        if replaced:
            await self.connection.execute(update(TABLES[kind]).where(_each(kind)), replaced)
        if kind == "people":
            await self._note_venues({str(id): body for id, body in wanted})
        return ids

    async def remove(self, kind: Kind, id: EntryId) -> bool:
        """Take an entry away; False when there was none.

        An entry that others name is refused by the database (`StoreFault`, "refused").
        """
        result = await self.connection.execute(delete(TABLES[kind]).where(_is(kind, id)))
        if not result.rowcount:
            return False
        await self._touch(kind)
        return True

    async def remove_many(self, kind: Kind, ids: Iterable[EntryId]) -> None:
        """`remove` for thousands at once."""
        keys = [_key(kind, id) for id in ids]
        if keys:
            await self.connection.execute(delete(TABLES[kind]).where(_each(kind)), keys)
            await self._touch(kind)

    async def finish(self) -> None:
        """Note which kinds changed and tell who listens; the last thing before the commit."""
        if not self._last_numbers:
            return
        newest = await self.connection.scalar(select(func.max(revisions.c.revision)))
        stamp = secrets.token_hex(8)
        rows = [
            {"kind": kind, "revision": (newest or 0) + 1, "stamp": stamp, "last_number": last}
            for kind, last in self._last_numbers.items()
        ]
        gone = delete(revisions).where(revisions.c.kind.in_(list(self._last_numbers)))
        await self.connection.execute(gone)
        await self.connection.execute(insert(revisions), rows)
        if self.connection.dialect.name == "postgresql":  # delivered when the commit is
            await self.connection.execute(select(func.pg_notify(CHANNEL, stamp)))

    async def _touch(self, kind: Kind) -> int:
        """The last number given to this kind; notes that the kind changes."""
        if kind not in self._last_numbers:
            found = select(revisions.c.last_number).where(revisions.c.kind == kind)
            self._last_numbers[kind] = await self.connection.scalar(found) or 0
        return self._last_numbers[kind]

    async def _there(self, kind: Kind, wanted: list[tuple[EntryId | None, Body]]) -> set[EntryId]:
        """Which ids have an entry; of one, or of all."""
        given = [id for id, _ in wanted if id is not None]
        if not given:
            return set()
        columns = [TABLES[kind].c[name] for name in key_columns(kind, given[0])]
        statement = select(*columns)
        if len(given) == 1:
            statement = statement.where(_is(kind, given[0]))
        result = await self.connection.execute(statement)
        return {"/".join(row) if kind == "rooms" else row[0] for row in result}

    async def _note_venues(self, people: dict[str, Body]) -> None:
        """Write down which venues these people's roles name."""
        named = people_venues.c.person_id == bindparam("person")
        await self.connection.execute(
            delete(people_venues).where(named), [{"person": id} for id in people]
        )
        rows = [
            {"person_id": id, "venue_id": venue}
            for id, body in people.items()
            for venue in sorted(venues_of_person(body))
        ]
        if rows:
            await self.connection.execute(insert(people_venues), rows)


def _is(kind: Kind, id: EntryId) -> Any:
    """The condition that finds an entry."""
    columns = TABLES[kind].c
    return and_(*(columns[name] == value for name, value in key_columns(kind, id).items()))


def _each(kind: Kind) -> Any:
    """The condition that finds, of many entries, the one whose `_key` is given."""
    columns = TABLES[kind].c
    return and_(*(columns[name] == bindparam(f"key_{name}") for name in key_columns(kind, "")))


def _key(kind: Kind, id: EntryId) -> dict[str, EntryId]:
    """What `_each` wants to know of an entry."""
    return {f"key_{name}": value for name, value in key_columns(kind, id).items()}
