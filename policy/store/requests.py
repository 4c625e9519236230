"""Requests for review in the store: read by pages, figures and metrics; written by commands.

Rows only: who may see or decide them is not asked here. Each function wants the connection of an
open transaction, as `Store.reading` and `Writing.connection` give it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.requests import LAPSE_DAYS, AskedFor, Figures, ReviewRequest, Said, figures
from policy.store.tables import askers
from policy.store.tables import requests as table

READ_MAX: Final = 20_000
"""Requests of one reading; no more are ever kept."""

REASONS_MAX: Final = 20
"""Reasons of askers that are read of one request, the newest."""

_DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One time that somebody asked."""

    at: float
    why: str


async def requests(
    connection: AsyncConnection,
    *,
    since: float | None = None,
    until: float | None = None,
    site: str | None = None,
    limit: int = READ_MAX,
) -> list[ReviewRequest]:
    """Requests that were asked from `since` on and before `until` (POSIX seconds), or of one site;
    the newest first.
    """
    query = select(*_COLUMNS)
    if since is not None:
        query = query.where(table.c.asked_at >= since)
    if until is not None:
        query = query.where(table.c.asked_at < until)
    if site is not None:
        query = query.where(table.c.site == site)
    return await _read(connection, query.order_by(table.c.id.desc()).limit(limit))


async def queue(connection: AsyncConnection, at: float) -> list[ReviewRequest]:
    """Requests that wait, the longest waiting first."""
    query = select(*_COLUMNS).where(table.c.outcome.is_(None))
    query = query.where(table.c.last_asked_at > at - LAPSE_DAYS * _DAY_SECONDS)
    return await _read(connection, query.order_by(table.c.asked_at, table.c.id).limit(READ_MAX))


async def resolved(connection: AsyncConnection, since: float, until: float) -> Figures:
    """What became of the requests that were decided from `since` on and before `until`."""
    query = select(*_COLUMNS).where(table.c.decided_at >= since, table.c.decided_at < until)
    return figures(await _read(connection, query.limit(READ_MAX)))


async def find(connection: AsyncConnection, number: int) -> ReviewRequest | None:
    """One request; None when there is none of this number."""
    found = await _read(connection, select(*_COLUMNS).where(table.c.id == number))
    return found[0] if found else None


async def by_digest(connection: AsyncConnection, digest: str) -> ReviewRequest | None:
    """The request of which somebody holds the code with this digest."""
    joined = select(*_COLUMNS).join(askers, askers.c.request_id == table.c.id)
    found = await _read(connection, joined.where(askers.c.digest == digest))
    return found[0] if found else None


async def reasons(connection: AsyncConnection, number: int) -> list[Asked]:
    """What those who asked wrote, the newest first; those who wrote nothing are left out."""
    query = select(askers.c.asked_at, askers.c.why).where(askers.c.request_id == number)
    query = query.where(askers.c.why != "").order_by(askers.c.asked_at.desc())
    return [Asked(*row) for row in await connection.execute(query.limit(REASONS_MAX))]


async def waiting_like(
    connection: AsyncConnection, kind: AskedFor, site: str, venue: str, at: float
) -> ReviewRequest | None:
    """The request for the same at the same venue that still waits."""
    query = select(*_COLUMNS).where(
        table.c.kind == kind,
        table.c.site == site,
        table.c.venue == venue,
        table.c.outcome.is_(None),
        table.c.last_asked_at > at - LAPSE_DAYS * _DAY_SECONDS,
    )
    found = await _read(connection, query)
    return found[0] if found else None


async def count_asked(connection: AsyncConnection, venue: str, since: float) -> int:
    """How often somebody asked at a venue since then."""
    query = select(func.count()).where(askers.c.venue == venue, askers.c.asked_at > since)
    return int(await connection.scalar(query) or 0)


async def count_waiting(connection: AsyncConnection, venue: str | None = None) -> int:
    """How many requests wait, of all venues or of one."""
    query = select(func.count()).select_from(table).where(table.c.outcome.is_(None))
    if venue is not None:
        query = query.where(table.c.venue == venue)
    return int(await connection.scalar(query) or 0)


async def put(connection: AsyncConnection, request: ReviewRequest) -> None:
    """Write a request that is there; what was said of its site does not change."""
    row = _row(request)
    await connection.execute(update(table).where(table.c.id == row.pop("id")).values(**row))


async def add(connection: AsyncConnection, request: ReviewRequest) -> ReviewRequest:
    """Write a new request; as it is with its number."""
    last = await connection.scalar(select(func.max(table.c.id))) or 0
    numbered = replace(request, number=last + 1)
    await connection.execute(insert(table).values(**_row(numbered)))
    return numbered


async def add_asker(
    connection: AsyncConnection, number: int, venue: str, digest: str, at: float, why: str
) -> None:
    """Note that somebody asked, who holds the code with this digest."""
    row = {"digest": digest, "request_id": number, "venue": venue, "asked_at": at, "why": why}
    await connection.execute(insert(askers).values(**row))


async def sweep(
    connection: AsyncConnection, at: float, *, words_days: float, kept_days: float, kept: int
) -> None:
    """Close what lapsed, forget codes and words of what was decided `words_days` ago, and requests
    decided `kept_days` ago or beyond `kept`. The newest request stays: numbers are never reused.
    """
    lapsed = table.c.last_asked_at + LAPSE_DAYS * _DAY_SECONDS
    await connection.execute(
        update(table)
        .where(table.c.outcome.is_(None), lapsed <= at)
        .values(outcome="lapsed", decided_at=lapsed)
    )
    newest = await connection.scalar(select(func.max(table.c.id))) or 0
    over = table.c.decided_at < at - words_days * _DAY_SECONDS
    old = or_(table.c.decided_at < at - kept_days * _DAY_SECONDS, table.c.id <= newest - kept)
    old = old & table.c.outcome.is_not(None) & (table.c.id < newest)
    for condition in (over, old):
        numbers = select(table.c.id).where(condition)
        await connection.execute(delete(askers).where(askers.c.request_id.in_(numbers)))
    await connection.execute(delete(table).where(old))


_NAMES: Final = tuple(ReviewRequest.__annotations__)
_COLUMNS: Final = tuple(table.c["id" if name == "number" else name] for name in _NAMES)


async def _read(connection: AsyncConnection, query: Any) -> list[ReviewRequest]:
    return [_request(row) for row in await connection.execute(query)]


def _request(row: Sequence[Any]) -> ReviewRequest:
    values = dict(zip(_NAMES, row, strict=True))
    said = msgspec.json.decode(values["said"])
    values["said"] = Said(**{**said, "sources": tuple(said["sources"])})
    return ReviewRequest(**values)


def _row(request: ReviewRequest) -> dict[str, Any]:
    row = {name: getattr(request, name) for name in _NAMES}
    row["id"] = row.pop("number")
    row["said"] = msgspec.json.encode(asdict(request.said)).decode()
    return row
