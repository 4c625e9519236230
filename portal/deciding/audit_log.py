"""Reading the audit log for people: filtered, newest first, a page at a time; and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.audit import AuditEntry
from policy.store.tables import audit

PAGE_ENTRIES: Final = 50
EXPORT_ENTRIES_MAX: Final = 100_000
"""Entries of one CSV file: 30 MB. The filters make a longer log into several."""
_AT_ONCE: Final = 500
_COLUMNS: Final = tuple(AuditEntry.__dataclass_fields__)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|")
"""With these a spreadsheet begins to calculate (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; empty for all."""

    actor: str = ""
    action: str = ""
    """`rule.add`, or `rule` for everything about rules."""
    subject: str = ""
    outcome: str = ""
    since: float | None = None
    until: float | None = None
    """The first instant that is too late."""
    before: int = 0
    """Only entries with a smaller number: the next page."""


async def find_entries(
    connection: AsyncConnection, wanted: Wanted, limit: int = PAGE_ENTRIES
) -> tuple[list[AuditEntry], int | None]:
    """Entries, newest first, and the number before which to go on; None: these were the last."""
    query = _query(wanted).limit(limit + 1)
    rows = (await connection.execute(query)).all()
    found = [AuditEntry(*row) for row in rows[:limit]]
    return found, found[-1].number if len(rows) > limit else None


async def read_entry(connection: AsyncConnection, number: int) -> AuditEntry | None:
    """One entry by its number."""
    columns = [audit.c[name] for name in _COLUMNS]
    row = (await connection.execute(select(*columns).where(audit.c.number == number))).first()
    return None if row is None else AuditEntry(*row)


async def last_change_of(
    connection: AsyncConnection, person: str, nouns: Sequence[str]
) -> AuditEntry | None:
    """The newest thing that somebody did to one of these nouns."""
    begins = or_(*(audit.c.action.startswith(f"{noun}.") for noun in nouns))
    query = _query(Wanted(actor=person, outcome="done")).where(begins).limit(1)
    row = (await connection.execute(query)).first()
    return None if row is None else AuditEntry(*row)


async def write_csv(connection: AsyncConnection, wanted: Wanted) -> AsyncIterator[str]:
    """Lines of CSV, a few hundred at a time."""
    yield _line(("number", "time", *_COLUMNS[2:]))
    left, before = EXPORT_ENTRIES_MAX, wanted.before
    while left > 0:
        query = _query(wanted)
        if before:
            query = query.where(audit.c.number < before)
        rows = (await connection.execute(query.limit(min(_AT_ONCE, left)))).all()
        yield "".join(_line(_cells(AuditEntry(*row))) for row in rows)
        left -= len(rows)
        if len(rows) < _AT_ONCE:
            return
        before = rows[-1].number


def safe_cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _cells(entry: AuditEntry) -> Sequence[Any]:
    moment = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds")
    return (entry.number, moment, *(getattr(entry, name) for name in _COLUMNS[2:]))


def _line(cells: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()


def _query(wanted: Wanted) -> Select[Any]:
    query = select(*(audit.c[name] for name in _COLUMNS)).order_by(audit.c.number.desc())
    if wanted.actor:
        query = query.where(audit.c.actor == wanted.actor)
    if wanted.action:
        mine = audit.c.action == wanted.action
        if "." not in wanted.action:
            mine = or_(mine, audit.c.action.startswith(f"{wanted.action}.", autoescape=True))
        query = query.where(mine)
    if wanted.subject:
        query = query.where(audit.c.subject.contains(wanted.subject, autoescape=True))
    if wanted.outcome:
        query = query.where(audit.c.outcome == wanted.outcome)
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    if wanted.before:
        query = query.where(audit.c.number < wanted.before)
    return query
