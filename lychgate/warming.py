"""What the first visitor of a page would wait for, done when the portal starts: templates compiled,
and the policy read and built.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from policy.store import StoreFault
from portal.rendering import Rendering
from portal.services import Services
from portal.standing_policy import standing


@asynccontextmanager
async def warming(app: FastAPI, services: Services) -> AsyncIterator[None]:
    """Warm up beside whatever is done while this is open."""
    task = asyncio.create_task(warm(app, services))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def warm(app: FastAPI, services: Services) -> None:
    """Do it now. A store that cannot be read is the business of the page that needs it."""
    with suppress(StoreFault):
        await standing(services)
    rendering: Rendering = app.state.rendering
    await asyncio.to_thread(rendering.prepare)
