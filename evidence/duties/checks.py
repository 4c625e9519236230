"""Deletes checks that were kept long enough, and writes how the newest stand, twice a minute.

Checking itself is the business of `lychgate selfcheck` and its timer.
"""

from __future__ import annotations

import asyncio
from typing import Final

from evidence.checks.figures import FILE, figures_of, write_figures
from evidence.checks.keeping import prune
from evidence.checks.reading import latest
from evidence.checks.settings import CheckSettings
from evidence.duties import Context

INTERVAL_SECONDS: Final = 30.0
STEPS_MAX: Final = 20


async def run(context: Context) -> None:
    """One run."""
    settings: CheckSettings = context.given.get("checks", CheckSettings())
    for _ in range(STEPS_MAX):
        async with context.evidence.changing() as connection:
            gone = await prune(connection, settings.keep_days, context.at)
        if not gone:
            break
    async with context.evidence.reading() as connection:
        newest = await latest(connection)
    found = figures_of(newest, context.at)
    await asyncio.to_thread(write_figures, context.state_directory / FILE, found)
