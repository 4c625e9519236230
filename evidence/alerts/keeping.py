"""What alerts keep goes when its time is over: small steps, as all retention."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.alerts.tables import CLOSED, HELD, groups, suspicions
from evidence.alerts.themes import AlertSettings
from evidence.notices.tables import WAITING, outbox

ROWS_MAX: Final = 500
_DAY: Final = 86_400.0


async def prune(
    connection: AsyncConnection, settings: AlertSettings, notice_days: float, at: float
) -> int:
    """Delete alerts, what was held back, notes and notices that are too old; how many rows.

    An alert that nobody closed is kept, however old: it is somebody's to answer.
    """
    old = (
        select(groups.c.id)
        .where(
            or_(
                and_(
                    groups.c.state == CLOSED,
                    groups.c.closed_at < at - settings.alert_days * _DAY,
                ),
                and_(groups.c.state == HELD, groups.c.last_at < at - settings.held_days * _DAY),
            )
        )
        .limit(ROWS_MAX)
    )
    ids = list(await connection.scalars(old))
    await connection.execute(delete(groups).where(groups.c.id.in_(ids)))
    await connection.execute(
        update(groups)
        .where(groups.c.closed_at < at - settings.note_days * _DAY, groups.c.note != "")
        .values(note="")
    )
    await connection.execute(
        delete(suspicions).where(suspicions.c.last_at < at - settings.held_days * _DAY)
    )
    done = (
        select(outbox.c.id)
        .where(outbox.c.state != WAITING, outbox.c.at < at - notice_days * _DAY)
        .limit(ROWS_MAX)
    )
    sent = list(await connection.scalars(done))
    await connection.execute(delete(outbox).where(outbox.c.id.in_(sent)))
    return len(ids) + len(sent)
