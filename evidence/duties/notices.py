"""Sends what is in the outbox, every two seconds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from evidence.duties import Context
from evidence.notices import NoticeSettings
from evidence.notices.delivering import deliver
from evidence.notices.tables import WAITING, outbox
from evidence.places import titles_of, zone_of

INTERVAL_SECONDS: Final = 2.0


async def run(context: Context) -> None:
    """One run."""
    settings: NoticeSettings = context.given.get("notices", NoticeSettings())
    async with context.evidence.reading() as connection:
        due = select(outbox.c.id).where(outbox.c.state == WAITING, outbox.c.due_at <= context.at)
        anything = await connection.scalar(select(due.exists()))
    if anything:
        titles, zone = await titles_of(context.decisions), await zone_of(context.decisions)
        await deliver(context.evidence, settings, titles, zone, context.at)
