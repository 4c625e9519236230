"""What is too old goes: a small step at a time, so that nobody waits.

Events of categories that matter to safeguarding stay longer than the others. A pseudonym goes with
its last event, an identity with its pseudonym, and a key with its last pseudonym: from then on
nobody can tell whose a pseudonym was, not even with a copy of the database made later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, and_, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence import tables
from evidence.instants import first_id, minute_of

ROWS_MAX: Final = 2_000
"""Rows that one step deletes, or looks at."""
BATCH_DAYS: Final = 30.0
"""How long it is remembered that a batch is in."""
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept, in days."""

    detail_days: float = 30
    safeguarding_days: float = 365
    minute_days: float = 7
    hour_days: float = 35
    day_days: float = 800


class Pruning:
    """One round through all tables, by steps; begin another when it is over."""

    def __init__(self, retention: Retention, taxonomy: Taxonomy, at: float) -> None:
        self._retention: Final = retention
        self._flagged: Final = [
            id for id, category in taxonomy.items() if category.safeguarding != "none"
        ]
        self._at: Final = at
        self._steps: Final[list[Callable[[AsyncConnection], Any]]] = [
            self._ordinary,
            self._safeguarding,
            *(self._counts(table, days) for table, days in self._counted()),
            self._noted_devices,
            self._names,
            self._domains,
            self._pseudonyms,
            self._keys,
            self._batches,
        ]
        self._reached = 0
        self.deleted = 0
        """Rows."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do."""
        return not self._steps

    async def step(self, connection: AsyncConnection) -> int:
        """Do a little, in the write transaction that is open; how many rows were deleted."""
        gone, over = await self._steps[0](connection)
        self.deleted += gone
        if over:
            self._steps.pop(0)
            self._reached = 0
        return int(gone)

    def _counted(self) -> list[tuple[Table, float]]:
        kept: Mapping[str, float] = {
            "minutes": self._retention.minute_days,
            "hours": self._retention.hour_days,
            "days": self._retention.day_days,
        }
        counts = [
            (kind[grain], kept[grain])
            for kind in (tables.traffic, tables.tallies)
            for grain in tables.GRAINS
        ]
        noted = (tables.noted_days, tables.noted_sums)
        return [*counts, *((table, self._retention.day_days) for table in noted)]

    async def _ordinary(self, connection: AsyncConnection) -> tuple[int, bool]:
        """Events that matter to nobody any more; those that do are passed over."""
        events = tables.events.c
        end = first_id(self._at - self._retention.detail_days * _DAY)
        asked = select(tables.verdicts.c.id).where(tables.verdicts.c.category.in_(self._flagged))
        flagged = list(await connection.scalars(asked))
        window = (
            select(events.id, events.verdict_id)
            .where(events.id >= self._reached, events.id < end)
            .order_by(events.id)
            .limit(ROWS_MAX)
        )
        rows = (await connection.execute(window)).all()
        if not rows:
            return 0, True
        ids = [row.id for row in rows if row.verdict_id not in set(flagged)]
        await connection.execute(delete(tables.events).where(events.id.in_(ids)))
        self._reached = rows[-1].id + 1
        return len(ids), len(rows) < ROWS_MAX

    async def _safeguarding(self, connection: AsyncConnection) -> tuple[int, bool]:
        end = first_id(self._at - self._retention.safeguarding_days * _DAY)
        events = tables.events.c
        oldest = select(events.id).where(events.id < end).order_by(events.id).limit(ROWS_MAX)
        return await _delete(connection, tables.events, list(await connection.scalars(oldest)))

    def _counts(self, table: Table, days: float) -> Callable[[AsyncConnection], Any]:
        async def step(connection: AsyncConnection) -> tuple[int, bool]:
            end = minute_of(self._at - days * _DAY)
            oldest = await connection.scalar(select(func.min(table.c.at)))
            if oldest is None or oldest >= end:
                return 0, True
            done = await connection.execute(delete(table).where(table.c.at == oldest))
            return done.rowcount, False

        return step

    async def _noted_devices(self, connection: AsyncConnection) -> tuple[int, bool]:
        table = tables.noted_devices
        end = minute_of(self._at - self._retention.detail_days * _DAY)
        oldest = await connection.scalar(select(func.min(table.c.at)))
        if oldest is None or oldest >= end:
            return 0, True
        done = await connection.execute(delete(table).where(table.c.at == oldest))
        await _cut_spans(connection, oldest)
        return done.rowcount, False

    async def _names(self, connection: AsyncConnection) -> tuple[int, bool]:
        used = tables.events.c.name_id == tables.names.c.id
        return await self._orphans(connection, tables.names, [exists().where(used)])

    async def _domains(self, connection: AsyncConnection) -> tuple[int, bool]:
        id = tables.domains.c.id
        used = [
            exists().where(tables.names.c.domain_id == id),
            exists().where(tables.traffic["days"].c.domain_id == id),
            exists().where(tables.traffic["hours"].c.domain_id == id),
            exists().where(tables.noted_days.c.domain_id == id),
            exists().where(tables.noted_devices.c.domain_id == id),
        ]
        return await self._orphans(connection, tables.domains, used)

    async def _pseudonyms(self, connection: AsyncConnection) -> tuple[int, bool]:
        id = tables.pseudonyms.c.id
        used = exists().where(tables.events.c.pseudonym_id == id)
        gone = await self._unused(connection, tables.pseudonyms, [used])
        sealed = tables.identities
        await connection.execute(delete(sealed).where(sealed.c.pseudonym_id.in_(gone[0])))
        devices = tables.pseudonyms
        await connection.execute(delete(devices).where(devices.c.id.in_(gone[0])))
        return len(gone[0]), gone[1]

    async def _keys(self, connection: AsyncConnection) -> tuple[int, bool]:
        """Keys of the past that no pseudonym needs."""
        keys = tables.keys
        needed = exists().where(tables.pseudonyms.c.key_id == keys.c.id)
        done = await connection.execute(delete(keys).where(keys.c.until <= self._at, ~needed))
        return done.rowcount, True

    async def _batches(self, connection: AsyncConnection) -> tuple[int, bool]:
        table = tables.ingested
        old = select(table.c.batch_id).where(table.c.at < self._at - BATCH_DAYS * _DAY)
        ids = list(await connection.scalars(old.limit(ROWS_MAX)))
        await connection.execute(delete(table).where(table.c.batch_id.in_(ids)))
        return len(ids), len(ids) < ROWS_MAX

    async def _orphans(
        self, connection: AsyncConnection, table: Table, used: list[Any]
    ) -> tuple[int, bool]:
        ids, over = await self._unused(connection, table, used)
        await connection.execute(delete(table).where(table.c.id.in_(ids)))
        return len(ids), over

    async def _unused(
        self, connection: AsyncConnection, table: Table, used: list[Any]
    ) -> tuple[list[int], bool]:
        """Of the next rows those that nothing uses, and whether these were the last."""
        id = table.c.id
        window = select(id).where(id > self._reached).order_by(id).limit(ROWS_MAX)
        last = await connection.scalar(select(func.max(window.subquery().c.id)))
        if last is None:
            return [], True
        asked = select(id).where(and_(id > self._reached, id <= last, *(~one for one in used)))
        self._reached = last
        return list(await connection.scalars(asked)), False


async def _delete(connection: AsyncConnection, table: Table, ids: list[int]) -> tuple[int, bool]:
    if ids:
        await connection.execute(delete(table).where(table.c.id.in_(ids)))
    return len(ids), len(ids) < ROWS_MAX


async def _cut_spans(connection: AsyncConnection, day: int) -> None:
    """Let no span begin on a day whose devices were deleted."""
    spans, seen = tables.noted_spans, tables.noted_devices
    await connection.execute(delete(spans).where(spans.c.last_at <= day))
    next_day = (
        select(func.min(seen.c.at))
        .where(seen.c.domain_id == spans.c.domain_id, seen.c.pseudonym_id == spans.c.pseudonym_id)
        .scalar_subquery()
    )
    await connection.execute(update(spans).where(spans.c.first_at <= day).values(first_at=next_day))
