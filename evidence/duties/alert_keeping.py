"""Deletes what alerts and notices keep too long, four times an hour, a small step at a time."""

from __future__ import annotations

from typing import Final

from evidence.alerts.keeping import prune
from evidence.alerts.themes import AlertSettings
from evidence.duties import Context
from evidence.notices import NoticeSettings

INTERVAL_SECONDS: Final = 900.0
STEPS_MAX: Final = 50


async def run(context: Context) -> None:
    """One run."""
    settings: AlertSettings = context.given.get("alerts", AlertSettings())
    notices: NoticeSettings = context.given.get("notices", NoticeSettings())
    for _ in range(STEPS_MAX):
        async with context.evidence.changing() as connection:
            gone = await prune(connection, settings, notices.keep_days, context.at)
        if not gone:
            return
