"""Makes alerts of new events, every two seconds; and deletes what alerts keep too long."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, or_, select

from evidence.alerts.figures import write_figures
from evidence.alerts.keeping import prune
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
            select(groups.c.id).where(groups.c.state == PENDING).exists(),
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
    async with context.evidence.reading() as connection:
        oldest = await connection.scalar(select(func.min(groups.c.last_at)))
    if oldest is not None and oldest < context.at - settings.held_days * 86_400.0:
        async with context.evidence.changing() as connection:
            await prune(connection, settings, notices.keep_days, context.at)
    await write_figures(context, context.state_directory / "alerts.json")
