"""What people decided: exceptions, passes, changes of the policy with reasons, and what is due for
another look. Read from the audit log, which keeps what the policy no longer has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec
from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.figures.periods import Period
from evidence.figures.roles import read_roles
from evidence.reading.places import Venues
from policy.store.tables import audit, passes, rules

ENTRIES_MAX: Final = 20_000
"""Entries of the log that are read for one answer, the newest."""
CHANGES_MAX: Final = 1_000
DUE_MAX: Final = 1_000
_NOUNS: Final = (
    "bundle",
    "document",
    "essential",
    "list",
    "organisation",
    "page",
    "profile",
    "role",
    "room",
    "rule",
    "term",
    "venue",
)
"""What is policy; people, devices and single requests are not, and stay out of reports."""


@dataclass(frozen=True, slots=True)
class ExceptionCount:
    """Exceptions that are alike."""

    role: str
    """Of whoever granted it: the first one, as it is now; empty: no longer known."""
    venue: str
    """Empty: everywhere, or one device."""
    purpose: str
    granted: int


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One change, as the audit log has it."""

    number: int
    at: float
    actor: str
    action: str
    subject: str
    about: str
    """The site, network or bundle of a rule; empty: the subject says it."""
    decision: str
    """`allow` or `deny` of a rule."""
    reason: str


@dataclass(frozen=True, slots=True)
class DueForReview:
    """A rule that somebody should look at again."""

    rule: int
    action: str
    target: str
    review: date
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided within a period."""

    exceptions: tuple[ExceptionCount, ...]
    ended_early: tuple[ExceptionCount, ...]
    """Those that somebody ended before their time; `granted` says how many."""
    passes: int
    """Warnings that somebody went past."""
    passes_open: int | None
    """Now; None for single venues: passes are kept without one."""
    changes: tuple[PolicyChange, ...]
    """Of the policy, the newest first, at most `CHANGES_MAX`."""
    changes_more: bool
    """Whether there were more."""

    @property
    def granted(self) -> int:
        """How many exceptions."""
        return sum(one.granted for one in self.exceptions)

    @property
    def exceptions_ended_early(self) -> int:
        """How many of them."""
        return sum(one.granted for one in self.ended_early)


async def decisions(
    connection: AsyncConnection, period: Period, venues: Venues, at: float
) -> Decided:
    """Read it, of a read connection of the store."""
    roles = await read_roles(connection)
    granted: Counter[tuple[str, str, str]] = Counter()
    ended: Counter[tuple[str, str, str]] = Counter()
    changes: list[PolicyChange] = []
    more = 0
    async for row, body in _entries(connection, period):
        venue = _venue(row.subject, body)
        if row.action == "exception.grant":
            if venues is None or venue in venues:
                granted[roles.of(row.actor), venue, _purpose(body)] += 1
        elif row.action == "exception.end":
            if venues is None or venue in venues:
                ended[roles.named(str(body.get("approver", ""))), venue, _purpose(body)] += 1
        elif venues is None or not venue or venue in venues:
            if len(changes) < CHANGES_MAX:
                changes.append(_change(row, body))
            else:
                more += 1
    return Decided(
        _counts(granted),
        _counts(ended),
        await _passed(connection, period, venues),
        await _passes_open(connection, at) if venues is None else None,
        tuple(changes),
        more > 0,
    )


async def due_for_review(
    connection: AsyncConnection, day: date, venues: Venues = None
) -> list[DueForReview]:
    """Rules whose day has come, the longest due first; with `venues` those of these venues and
    those of everybody.
    """
    asked = (
        select(rules.c.id, rules.c.action, rules.c.target, rules.c.review, rules.c.body)
        .where(rules.c.review.is_not(None), rules.c.review != "", rules.c.review <= str(day))
        .order_by(rules.c.review, rules.c.id)
        .limit(DUE_MAX)
    )
    if venues is not None:
        asked = asked.where(or_(rules.c.venue_id.is_(None), rules.c.venue_id.in_([*venues])))
    found = []
    for id, action, target, review, body in await connection.execute(asked):
        said = msgspec.json.decode(body)
        found.append(
            DueForReview(
                id,
                action,
                target,
                date.fromisoformat(review),
                str(said.get("reason", "")),
                str(said.get("author", "")),
            )
        )
    return found


async def _entries(
    connection: AsyncConnection, period: Period
) -> AsyncIterator[tuple[Row[Any], dict[str, Any]]]:
    """What was done about policy and exceptions, the newest first, with what was written."""
    columns = ("number", "at", "actor", "action", "subject", "before", "after", "reason")
    wanted = [audit.c.action.startswith(f"{noun}.") for noun in _NOUNS]
    wanted.append(audit.c.action.in_(("exception.grant", "exception.end")))
    asked = (
        select(*(audit.c[name] for name in columns))
        .where(
            audit.c.at >= period.since,
            audit.c.at < period.until,
            audit.c.outcome == "done",
            or_(*wanted),
        )
        .order_by(audit.c.number.desc())
        .limit(ENTRIES_MAX)
    )
    for row in await connection.execute(asked):
        text = row.after or row.before or "{}"
        body = msgspec.json.decode(text) if len(text) < 65_536 else {}
        yield row, body if isinstance(body, dict) else {}


async def _passed(connection: AsyncConnection, period: Period, venues: Venues) -> int:
    asked = select(func.count()).where(
        audit.c.action == "pass.take",
        audit.c.outcome == "done",
        audit.c.at >= period.since,
        audit.c.at < period.until,
    )
    if venues is not None:
        asked = asked.where(audit.c.subject.in_([f"venue:{venue}" for venue in venues]))
    return int(await connection.scalar(asked) or 0)


async def _passes_open(connection: AsyncConnection, at: float) -> int:
    return int(await connection.scalar(select(func.count()).where(passes.c.until > at)) or 0)


def _change(row: Row[Any], body: Mapping[str, Any]) -> PolicyChange:
    is_rule = row.action.startswith("rule.")
    about = next((body[key] for key in ("pattern", "network", "bundle") if key in body), "")
    return PolicyChange(
        row.number,
        row.at,
        row.actor,
        row.action,
        row.subject,
        str(about) if is_rule else "",
        str(body.get("action", "")) if is_rule else "",
        row.reason,
    )


def _venue(subject: str, body: Mapping[str, Any]) -> str:
    """The venue that an entry is about; empty: no single one."""
    for place in (subject, str(body.get("where", "")), str(body.get("scope", ""))):
        kind, _, id = place.partition(":")
        if kind in ("venue", "room"):
            return id.partition("/")[0]
    return ""


def _purpose(body: Mapping[str, Any]) -> str:
    return str(body.get("purpose", ""))[:200]


def _counts(found: Counter[tuple[str, str, str]]) -> tuple[ExceptionCount, ...]:
    counts = [ExceptionCount(*key, number) for key, number in found.items()]
    return tuple(sorted(counts, key=lambda one: (-one.granted, one.role, one.venue, one.purpose)))
