"""The cycle collector of the portal: it walks nothing that is kept while somebody waits for a page.

A policy of 1,000 venues and 50,000 rules is a million objects, and a collection of all of them
holds a page up by 0.2 s. What is there is set aside (`gc.freeze`) every ten seconds, so that a
collection walks only what came since. Once an hour everything is looked at.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

SETTLE_SECONDS: Final = 10.0
WHOLE_EVERY: Final = 360
"""Every how many times everything is looked at."""


def settle(number: int) -> None:
    """Set aside what is there, the `number`-th time."""
    if number and number % WHOLE_EVERY == 0:
        gc.unfreeze()
        gc.collect()
    else:
        gc.collect(1)  # what is new and dead already shall not be kept for an hour
    gc.freeze()


@asynccontextmanager
async def collecting_quietly(seconds: float = SETTLE_SECONDS) -> AsyncIterator[None]:
    """Keep collections short for as long as this is open; then everything is as it was."""

    async def keep_settling() -> None:
        number = 0
        while True:
            settle(number)
            number += 1
            await asyncio.sleep(seconds)

    task = asyncio.create_task(keep_settling())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        gc.unfreeze()
