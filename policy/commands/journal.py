"""The audit log in the store: entering decisions, reading them, and verifying the chain.

Entries are only ever added; triggers of the database refuse anything else. Whether the chain is
whole is `policy.audit`'s judgement.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import desc, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.audit import FIRST_PREVIOUS, AuditEntry, Chain, Outcome, Verdict, canonical
from policy.commands.command import Actor
from policy.store.tables import audit

PAGE_MAX: Final = 500
"""Entries that are held in memory at a time."""


async def append(
    connection: AsyncConnection,
    actor: Actor,
    *,
    at: float,
    action: str,
    subject: str,
    reason: str,
    before: Any = None,
    after: Any = None,
    outcome: Outcome = "done",
) -> AuditEntry:
    """Enter a decision; the connection must be in the write transaction that carries it out."""
    newest = select(audit.c.number, audit.c.digest).order_by(desc(audit.c.number)).limit(1)
    last = (await connection.execute(newest)).first()
    entry = AuditEntry(
        number=1 if last is None else last.number + 1,
        at=float(at),
        actor=actor.id,
        via=actor.via,
        action=action,
        subject=subject,
        before=None if before is None else canonical(before),
        after=None if after is None else canonical(after),
        reason=reason,
        outcome=outcome,
        previous=FIRST_PREVIOUS if last is None else last.digest,
    ).sealed()
    row = {name: getattr(entry, name) for name in _COLUMNS}
    await connection.execute(insert(audit).values(**row))
    return entry


async def entries(
    connection: AsyncConnection, *, after_number: int = 0, subject: str | None = None
) -> AsyncIterator[AuditEntry]:
    """Entries in the order of their numbers, all of them or those of one subject."""
    columns = [audit.c[name] for name in _COLUMNS]
    while True:
        page = select(*columns).where(audit.c.number > after_number)
        if subject is not None:
            page = page.where(audit.c.subject == subject)
        rows = (await connection.execute(page.order_by(audit.c.number).limit(PAGE_MAX))).all()
        for row in rows:
            yield AuditEntry(*row)
        if len(rows) < PAGE_MAX:
            return
        after_number = rows[-1].number


async def verify_journal(connection: AsyncConnection, noted_digest: str = "") -> Verdict:
    """Verify the whole chain, a page at a time; `noted_digest` as `policy.audit` has it."""
    chain = Chain(noted_digest)
    async for entry in entries(connection):
        chain.add(entry)
    return chain.verdict()


_COLUMNS: Final = tuple(AuditEntry.__dataclass_fields__)
