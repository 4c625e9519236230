"""Sends what waits: events out of the outbox, and decisions by their numbers, the oldest first.

At least once each: a record is crossed off when it was handed over, so that of a kill between the
two it is sent again. A receiver that is gone is tried less and less often; meanwhile events wait,
up to a number and an age, and decisions wait in the audit log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, func, select

from evidence.despatch.records import of_decision, of_event
from evidence.despatch.standing import Sending, keep_sending, read_sending
from evidence.despatch.tables import outbox
from evidence.duties import Context
from evidence.instants import first_id
from evidence.outward import OutwardFault, OutwardSettings, Record, ways
from evidence.reading.events import read_events
from policy.audit import AuditEntry
from policy.store.faults import StoreFault
from policy.store.tables import audit

BATCH_MAX: Final = 500
"""Records that are handed over in one go."""
ROUNDS_MAX: Final = 20
"""Batches of one run."""
WAITING_MAX: Final = 100_000
"""Events that wait; of more the oldest are dropped and counted."""
WAITING_SECONDS_MAX: Final = 3 * 86_400.0
"""How long an event waits: a long weekend. After that it is dropped and counted."""
PAUSE_SECONDS_MIN: Final = 2.0
PAUSE_SECONDS_MAX: Final = 300.0
"""Between two tries: it doubles from one to the other."""


async def send_waiting(context: Context, settings: OutwardSettings) -> Sending:
    """One run; how sending goes after it. Raises `StoreFault`."""
    async with context.evidence.reading() as connection:
        sending = await read_sending(connection)
    sending.dropped += await _drop(context)
    # A clock that was put back must not make us wait for days.
    if context.at >= sending.due_at or sending.due_at > context.at + PAUSE_SECONDS_MAX:
        try:
            for _ in range(ROUNDS_MAX):
                more = settings.events and await _send_events(context, settings, sending)
                if settings.decisions:
                    more |= await _send_decisions(context, settings, sending)
                if not more:
                    break
            sending.in_a_row, sending.due_at, sending.problem = 0, 0.0, ""
        except OutwardFault as fault:
            pause = min(PAUSE_SECONDS_MIN * 2.0 ** min(sending.in_a_row, 20), PAUSE_SECONDS_MAX)
            sending.failures += 1
            sending.in_a_row += 1
            sending.due_at, sending.problem = context.at + pause, str(fault)
    sending.written_at = context.at
    async with context.evidence.changing() as connection:
        sending.waiting = int(await connection.scalar(select(func.count(outbox.c.event_id))) or 0)
        await keep_sending(connection, sending)
    return sending


async def forget_waiting(context: Context) -> None:
    """Nobody is to be told any more: nothing stays in the outbox."""
    async with context.evidence.reading() as connection:
        if await connection.scalar(select(outbox.c.event_id).limit(1)) is None:
            return
    async with context.evidence.changing() as connection:
        await connection.execute(delete(outbox))


async def _drop(context: Context) -> int:
    """Drop what waited too long, and of too many the oldest; how many."""
    waits = outbox.c.event_id
    newest_that_go = select(waits).order_by(waits.desc()).offset(WAITING_MAX).limit(1)
    async with context.evidence.reading() as connection:
        limit = max(
            first_id(context.at - WAITING_SECONDS_MAX) - 1,
            int(await connection.scalar(newest_that_go) or 0),
        )
        if await connection.scalar(select(waits).where(waits <= limit).limit(1)) is None:
            return 0
    async with context.evidence.changing() as connection:
        return (await connection.execute(delete(outbox).where(waits <= limit))).rowcount


async def _send_events(context: Context, settings: OutwardSettings, sending: Sending) -> bool:
    """Send one batch; whether there may be more."""
    async with context.evidence.reading() as connection:
        chosen: Any = select(outbox).order_by(outbox.c.event_id).limit(BATCH_MAX)
        waiting = {row.event_id: row.identity for row in await connection.execute(chosen)}
        found = await read_events(connection, list(waiting))
    records = [
        of_event(event, context.taxonomy, _identity(waiting[event.id])) for event in reversed(found)
    ]
    if not waiting:
        return False
    if records:
        await _send(records, settings)
    sending.queries += len(records)
    sending.dropped += len(waiting) - len(records)  # retention was quicker
    async with context.evidence.changing() as connection:
        await connection.execute(delete(outbox).where(outbox.c.event_id.in_(list(waiting))))
        await keep_sending(connection, sending)
    return len(waiting) == BATCH_MAX


async def _send_decisions(context: Context, settings: OutwardSettings, sending: Sending) -> bool:
    """Send one batch; whether there may be more. Without a store there are no decisions."""
    columns = [audit.c[name] for name in AuditEntry.__dataclass_fields__]
    page = select(*columns).where(audit.c.number > sending.decision)
    try:
        async with (
            context.decisions() as store,
            store.reading() as connection,
        ):
            newest = int(await connection.scalar(select(func.max(audit.c.number))) or 0)
            if newest < sending.decision:  # another store: an old backup, or a new beginning
                sending.decision = newest
            rows = await connection.execute(page.order_by(audit.c.number).limit(BATCH_MAX))
            entries = [AuditEntry(*row) for row in rows]
    except StoreFault as fault:
        if fault.kind == "gone":
            return False
        raise
    if not entries:
        return False
    await _send([of_decision(entry) for entry in entries], settings)
    sending.decision = entries[-1].number
    sending.decisions += len(entries)
    async with context.evidence.changing() as connection:
        await keep_sending(connection, sending)
    return len(entries) == BATCH_MAX


async def _send(records: Sequence[Record], settings: OutwardSettings) -> None:
    await ways()[settings.to.word].send(records, settings)


def _identity(written: str) -> Mapping[str, str]:
    return json.loads(written) if written else {}
