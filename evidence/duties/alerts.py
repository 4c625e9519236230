"""Makes alerts of new events, every two seconds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, or_, select

from evidence.alerts.figures import write_figures
from evidence.alerts.noise import SETTLE_SECONDS
from evidence.alerts.tables import PENDING, groups, inbox
from evidence.alerts.taking import EVENTS_MAX, Taking
from evidence.alerts.themes import AlertSettings
from evidence.duties import Context
from evidence.notices import NoticeSettings
from evidence.places import zone_of

INTERVAL_SECONDS: Final = 2.0
ROUNDS_MAX: Final = 20
"""Transactions of one run; what is left is there two seconds later."""


async def run(context: Context) -> None:
    """One run."""
    settings: AlertSettings = context.given.get("alerts", AlertSettings())
    notices: NoticeSettings = context.given.get("notices", NoticeSettings())
    async with context.evidence.reading() as connection:
        waits = or_(
            select(inbox.c.event_id).exists(),
            select(groups.c.id)
            .where(and_(groups.c.state == PENDING, groups.c.last_at <= context.at - SETTLE_SECONDS))
            .exists(),
        )
        anything = bool(await connection.scalar(select(waits)))
    if anything:
        zone = await zone_of(context.decisions)
        taking = Taking(context.taxonomy, settings, notices, zone)
        for _ in range(ROUNDS_MAX):
            async with context.evidence.changing() as connection:
                took = await taking.take(connection, context.at)
            if took.events < EVENTS_MAX:
                break
    await write_figures(context, context.state_directory / "alerts.json")
