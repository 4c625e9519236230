"""Figures of alerts and notices, in a small file that the resolver's `/metrics` shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.alerts.tables import ALERTS, HELD, groups
from evidence.duties import Context
from evidence.notices.tables import outbox
from evidence.small_files import read_small, write_small

EVERY_SECONDS: Final = 10.0
ROWS_MAX: Final = 2_000
"""Of each kind of figure; labels are words of the policy and of ours."""
OCTETS_MAX: Final = 1 << 20


class AlertFigures(msgspec.Struct):
    """What is in the database now. Instants are POSIX seconds."""

    written_at: float = 0.0
    alerts: list[tuple[str, str, str, str, str, int]] = msgspec.field(default_factory=list)
    """Theme, severity, state, outcome, venue; how many."""
    held: list[tuple[str, int]] = msgspec.field(default_factory=list)
    """Rule; groups that it holds back."""
    notices: list[tuple[str, str, int]] = msgspec.field(default_factory=list)
    """Channel, state; how many."""
    acknowledged: int = 0
    acknowledged_seconds: float = 0.0
    """Of all that were acknowledged, together."""
    oldest_new_at: float | None = None


async def figures(connection: AsyncConnection, at: float) -> AlertFigures:
    """Read them."""
    table = groups.c
    keys = (table.theme, table.severity, table.state, table.outcome, table.venue)
    counted: Any = select(*keys, func.count()).where(table.state.in_(ALERTS)).group_by(*keys)
    held: Any = select(table.rule, func.count()).where(table.state == HELD).group_by(table.rule)
    sent: Any = select(outbox.c.channel, outbox.c.state, func.count()).group_by(
        outbox.c.channel, outbox.c.state
    )
    quick = select(func.count(), func.sum(table.acknowledged_at - table.made_at)).where(
        table.acknowledged_at.is_not(None), table.state.in_(ALERTS)
    )
    count, total = (await connection.execute(quick)).one()
    oldest = select(func.min(table.made_at)).where(table.state == "new")
    return AlertFigures(
        at,
        [tuple(row) for row in await connection.execute(counted.limit(ROWS_MAX))],
        [tuple(row) for row in await connection.execute(held.limit(ROWS_MAX))],
        [tuple(row) for row in await connection.execute(sent.limit(ROWS_MAX))],
        int(count),
        float(total or 0.0),
        await connection.scalar(oldest),
    )


async def write_figures(context: Context, path: Path) -> None:
    """Write them, now and then, by rename."""
    known = read_figures(path)
    if known is not None and 0 <= context.at - known.written_at < EVERY_SECONDS:
        return
    async with context.evidence.reading() as connection:
        found = await figures(connection, context.at)
    write_small(path, found)


def read_figures(path: Path) -> AlertFigures | None:
    """What was written last; None when there is nothing, or nothing that can be read."""
    return read_small(path, AlertFigures, OCTETS_MAX)
