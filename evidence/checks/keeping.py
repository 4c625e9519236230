"""Writing what a check found, what it is about to ask, and its end."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from typing import Final

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.checks.results import Run
from evidence.checks.tables import announced, notes, runs
from evidence.notices import NoticeSettings, notify

ANNOUNCED_SECONDS: Final = 3 * 86_400.0
"""So long what a check asked may wait in the spool."""
ROWS_MAX: Final = 500
_DAY: Final = 86_400.0


async def announce(
    connection: AsyncConnection,
    venue: str,
    address: str,
    names: Collection[str],
    since: float,
    until: float,
) -> int:
    """Say what will be asked as a client of a venue, from which address (as the resolver sees it),
    and until when at the latest; its number.
    """
    id = int(await connection.scalar(select(func.max(announced.c.id))) or 0) + 1
    row = {"id": id, "since": since, "until": until, "venue": venue, "address": address}
    await connection.execute(insert(announced), {**row, "names": " ".join(names)})
    return id


async def end_announced(connection: AsyncConnection, id: int, at: float) -> None:
    """It is over: who asks for these names from now on is somebody else."""
    done = announced.update().where(announced.c.id == id, announced.c.until > at)
    await connection.execute(done.values(until=at))


async def keep(
    connection: AsyncConnection, run: Run, notices: NoticeSettings, title: str, zone: str
) -> Run:
    """Write a run, and tell people when it did not go well; the run with its number."""
    id = int(await connection.scalar(select(func.max(runs.c.id))) or 0) + 1
    row = {
        "id": id,
        "at": run.at,
        "seconds": run.seconds,
        "venue": run.venue,
        "profile": run.profile,
        "who": run.who,
        "way": run.way,
        "counts": msgspec.json.encode(run.counts).decode(),
        "troubles": msgspec.json.encode(run.troubles).decode(),
        "passed": zlib.compress(msgspec.json.encode(run.passed)),
    }
    await connection.execute(insert(runs), row)
    if run.outcome in ("fail", "deviation"):
        failed = run.counts.get("fail", 0) + run.counts.get("deviation", 0)
        await notify(
            connection,
            notices,
            run.at,
            kind="check",
            severity="high" if run.outcome == "fail" else "medium",
            venue=run.venue,
            text=f"The filter check of {title} failed: {failed} of {run.total} tests",
            path=f"/checks/id/{id}",
            zone=zone,
        )
    return msgspec.structs.replace(run, id=id)


async def prune(connection: AsyncConnection, keep_days: float, at: float) -> int:
    """Delete what is too old; how many runs."""
    old = select(runs.c.id).where(runs.c.at < at - keep_days * _DAY).limit(ROWS_MAX)
    ids = list(await connection.scalars(old))
    await connection.execute(delete(notes).where(notes.c.run_id.in_(ids)))
    await connection.execute(delete(runs).where(runs.c.id.in_(ids)))
    await connection.execute(delete(announced).where(announced.c.until < at - ANNOUNCED_SECONDS))
    return len(ids)
