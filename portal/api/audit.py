"""`/api/audit`: who decided what, when and why; whether that record is whole."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel

from policy.audit import AuditEntry
from policy.commands.journal import verify_journal
from portal.accounts.visits import Visit
from portal.deciding.audit_log import Wanted, find_entries, read_entry
from portal.deciding.numbering import NUMBER_MAX, Number
from portal.identity import Allowed
from portal.services import Given

router = APIRouter(tags=["audit"])

Reader = Annotated[Visit, Depends(Allowed("audit.read"))]
Words = Annotated[str, Query(max_length=200)]
Instant = Annotated[float | None, Query(ge=0, le=200e9)]


class Entry(BaseModel):
    """One decision, or one that was refused."""

    number: int
    at: float
    """POSIX seconds."""
    actor: str
    via: str
    action: str
    subject: str
    before: Any
    """The thing before; null when it was not there."""
    after: Any
    reason: str
    outcome: str
    previous: str
    digest: str
    """SHA-256 over everything above and the digest of the entry before."""


class Entries(BaseModel):
    """Some entries, and where to go on."""

    entries: list[Entry]
    next_before: int | None
    """Give this as `before` for the next page; null: there is none."""


class Verdict(BaseModel):
    """What verifying the chain found."""

    entries: int
    whole: bool
    broken: int | None
    """The first entry that cannot be trusted."""
    why: str | None
    last_digest: str
    notes: list[str]


@router.get("/audit")
async def list_entries(
    me: Reader,
    services: Given,
    actor: Words = "",
    action: Words = "",
    subject: Words = "",
    outcome: Literal["", "done", "refused"] = "",
    since: Instant = None,
    until: Instant = None,
    before: Annotated[int, Query(ge=0, le=NUMBER_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Entries:
    """Entries, the newest first. `action` is a word as `rule.add`, or a noun for all of its words;
    `since` and `until` are POSIX seconds.
    """
    wanted = Wanted(actor, action, subject, outcome, since, until, before)
    async with services.store.reading() as connection:
        found, next_before = await find_entries(connection, wanted, limit)
    return Entries(entries=[_entry(one) for one in found], next_before=next_before)


@router.get("/audit/verify")
async def verify(me: Reader, services: Given, digest: Words = "") -> Verdict:
    """Whether an entry was altered, removed or slipped in; `digest` is one that was noted earlier
    and must still be there.
    """
    async with services.store.reading() as connection:
        verdict = await verify_journal(connection, digest.strip().lower())
    broken = verdict.broken
    return Verdict(
        entries=verdict.entries,
        whole=broken is None,
        broken=None if broken is None else broken.number,
        why=None if broken is None else broken.why,
        last_digest=verdict.last_digest,
        notes=list(verdict.notes),
    )


@router.get("/audit/{number}")
async def show_entry(me: Reader, services: Given, number: Number) -> Entry:
    """One entry."""
    async with services.store.reading() as connection:
        entry = await read_entry(connection, number)
    if entry is None:
        raise HTTPException(404)
    return _entry(entry)


def _entry(entry: AuditEntry) -> Entry:
    values = {name: getattr(entry, name) for name in AuditEntry.__dataclass_fields__}
    return Entry(**{**values, "before": _read(entry.before), "after": _read(entry.after)})


def _read(text: str | None) -> Any:
    """What was kept as JSON; as it is where somebody made it something else."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
