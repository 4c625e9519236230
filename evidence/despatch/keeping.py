"""Puts events into the outbox, in the very transaction in which they are recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.despatch.tables import outbox
from evidence.outward import OutwardSettings
from evidence.spool import Detail


async def keep_for_sending(
    connection: AsyncConnection,
    settings: OutwardSettings | None,
    events: Sequence[tuple[int, Detail]],
) -> None:
    """Put these events into the outbox, if somebody wants them. With the events or not at all."""
    if settings is None or not settings.events or not events:
        return
    rows = [
        {"event_id": id, "identity": _identity(one) if settings.identities else ""}
        for id, one in events
    ]
    await connection.execute(insert(outbox), rows)


def _identity(one: Detail) -> str:
    return json.dumps({"device": one.device, "hostname": one.hostname, "address": one.address})
