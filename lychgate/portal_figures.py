"""What the portal counts of itself, written into a file now and then for whoever scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from evidence.measured import PORTAL_FILE, write_measured
from policy.store import StoreFault
from portal.measuring import Measuring, count_sessions
from portal.services import Services

EVERY_SECONDS: Final = 10.0


@asynccontextmanager
async def writing_figures(
    measured: Measuring, services: Services, folder: Path, seconds: float = EVERY_SECONDS
) -> AsyncIterator[None]:
    """Write them every few seconds for as long as this is open. While the store cannot be read, or
    the folder not be written, they grow old, and that is what is shown.
    """

    async def keep_writing() -> None:
        while True:
            with suppress(StoreFault, OSError):
                await write_portal_figures(measured, services, folder)
            await asyncio.sleep(seconds)

    task = asyncio.create_task(keep_writing())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write_portal_figures(measured: Measuring, services: Services, folder: Path) -> None:
    """Write them once. Raises `StoreFault` and OSError."""
    at = services.clock()
    async with services.store.reading() as connection:
        there = await count_sessions(connection, services.accounts.rules, at)
    await asyncio.to_thread(write_measured, folder / PORTAL_FILE, measured.figures(at, there))
