"""Tells a log engine outside what happened, every two seconds, if there is one (`[outward]`)."""

from __future__ import annotations

import asyncio
from typing import Final

from evidence.despatch.sending import forget_waiting, send_waiting
from evidence.despatch.standing import show_sending
from evidence.duties import Context
from evidence.outward import OutwardFault, OutwardSettings

INTERVAL_SECONDS: Final = 2.0


async def run(context: Context) -> None:
    """One run. Raises `OutwardFault` while the log engine does not take what it is told."""
    settings: OutwardSettings | None = context.given.get("outward")
    if settings is None:
        await forget_waiting(context)
        return
    sending = await send_waiting(context, settings)
    await asyncio.to_thread(show_sending, context.state_directory, sending)
    if sending.problem:
        raise OutwardFault(sending.problem)
