"""Telling a check of the filter from a learner: nobody is to be alarmed by our own questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.checks.tables import announced
from evidence.reading.events import Event

ROWS_MAX: Final = 2_000


async def without_checks(connection: AsyncConnection, events: Sequence[Event]) -> list[Event]:
    """Those that no check announced: by venue, name and the seconds in which it asked."""
    if not events:
        return []
    begins, ends = min(one.at for one in events), max(one.at for one in events)
    asked = (
        select(announced)
        .where(announced.c.since <= ends, announced.c.until >= begins)
        .order_by(announced.c.id.desc())
        .limit(ROWS_MAX)
    )
    checks = [
        (row.venue, row.since, row.until, frozenset(row.names.split()))
        for row in await connection.execute(asked)
    ]
    if not checks:
        return list(events)
    return [
        one
        for one in events
        if not any(
            one.venue == venue and since <= one.at <= until and one.name in names
            for venue, since, until, names in checks
        )
    ]
