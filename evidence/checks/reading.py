"""What pages, metrics and reports ask of checks.

`venues`: those the reader may see, None for all. Instants are POSIX seconds.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence import tables
from evidence.checks.results import Note, Result, Run
from evidence.checks.tables import notes as notes_table
from evidence.checks.tables import runs as runs_table
from evidence.instants import first_id
from evidence.reading.places import Venues

RUNS_MAX: Final = 5_000
NAMES_MAX: Final = 200
_OCTETS_MAX: Final = 8 << 20
_HEAD: Final = tuple(column for column in runs_table.columns if column.name != "passed")
_RESULTS: Final = msgspec.json.Decoder(tuple[Result, ...])
_COUNTS: Final = msgspec.json.Decoder(dict[str, int])


async def latest(connection: AsyncConnection, venues: Venues = None) -> tuple[Run, ...]:
    """The newest run of each venue and profile, by venue and profile."""
    table = runs_table.c
    newest: Any = select(func.max(table.id)).group_by(table.venue, table.profile)
    if venues is not None:
        newest = newest.where(table.venue.in_(venues))
    asked = select(*_HEAD).where(table.id.in_(newest)).order_by(table.venue, table.profile)
    return await _read(connection, asked.limit(RUNS_MAX))


async def runs(
    connection: AsyncConnection,
    since: float,
    until: float,
    venues: Venues = None,
    *,
    limit: int = RUNS_MAX,
) -> tuple[Run, ...]:
    """Runs that began from `since` and before `until`, the newest first, `RUNS_MAX` at most."""
    table = runs_table.c
    asked: Any = select(*_HEAD).where(table.at >= since, table.at < until)
    if venues is not None:
        asked = asked.where(table.venue.in_(venues))
    return await _read(connection, asked.order_by(table.id.desc()).limit(min(limit, RUNS_MAX)))


async def runs_of(connection: AsyncConnection, ids: Sequence[int]) -> tuple[Run, ...]:
    """These runs, the newest first; `RUNS_MAX` at most."""
    asked = select(*_HEAD).where(runs_table.c.id.in_(ids[:RUNS_MAX]))
    return await _read(connection, asked.order_by(runs_table.c.id.desc()))


async def run_of(connection: AsyncConnection, id: int, venues: Venues = None) -> Run | None:
    """One run with all its results; None when there is none, or the reader may not see it."""
    row = (await connection.execute(select(runs_table).where(runs_table.c.id == id))).first()
    if row is None or (venues is not None and row.venue not in venues):
        return None
    (run,) = await _with_notes(connection, [row])
    octets = zlib.decompressobj().decompress(row.passed, _OCTETS_MAX)
    return msgspec.structs.replace(run, passed=_RESULTS.decode(octets))


async def _read(connection: AsyncConnection, asked: Any) -> tuple[Run, ...]:
    return await _with_notes(connection, list(await connection.execute(asked)))


async def _with_notes(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> tuple[Run, ...]:
    said = await _notes_of(connection, (row.id for row in rows))
    return tuple(_run(row, tuple(said.get(row.id, ()))) for row in rows)


async def _notes_of(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, list[Note]]:
    wanted = list(ids)
    found: dict[int, list[Note]] = {}
    for begin in range(0, len(wanted), 500):  # SQLite takes so many values, and not many more
        asked = (
            select(notes_table)
            .where(notes_table.c.run_id.in_(wanted[begin : begin + 500]))
            .order_by(notes_table.c.id)
        )
        for row in await connection.execute(asked):
            found.setdefault(row.run_id, []).append(Note(row.at, row.who, row.text))
    return found


def _run(row: Row[Any], said: tuple[Note, ...]) -> Run:
    return Run(
        row.id,
        row.at,
        row.seconds,
        row.venue,
        row.profile,
        row.who,
        row.way,
        _COUNTS.decode(row.counts),
        _RESULTS.decode(row.troubles),
        notes=said,
    )


async def is_logged(connection: AsyncConnection, names: Sequence[str], since: float) -> bool:
    """Whether one of these names is among the events since an instant."""
    events, known = tables.events, tables.names
    asked = (
        select(events.c.id)
        .join(known, known.c.id == events.c.name_id)
        .where(known.c.name.in_(names[:NAMES_MAX]), events.c.id >= first_id(since))
        .limit(1)
    )
    return await connection.scalar(asked) is not None
