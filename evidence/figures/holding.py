"""What people decided that holds now: rules, exceptions; and how far the audit log goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.figures.exceptions import standing_exceptions
from evidence.reading.places import Venues
from policy.store.tables import audit, rules


@dataclass(frozen=True, slots=True)
class InForce:
    """Decisions as they stand."""

    allowed: int
    """Rules that open something."""
    denied: int
    exceptions: int
    """Those that hold now."""
    entries: int
    """Entries of the audit log."""
    digest: str
    """Of its newest entry: whoever notes it can tell later that nothing before it was altered.
    Empty: there is none."""


async def in_force(
    connection: AsyncConnection, venues: Venues, at: float, zone: ZoneInfo
) -> InForce:
    """Read it, of a read connection of the store; with `venues` the rules of these venues and
    those of everybody, and the exceptions of these venues.
    """
    asked: Any = select(rules.c.action, func.count()).group_by(rules.c.action)
    if venues is not None:
        asked = asked.where(or_(rules.c.venue_id.is_(None), rules.c.venue_id.in_([*venues])))
    counts = Counter({str(action): int(n) for action, n in await connection.execute(asked)})
    newest = select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    last = (await connection.execute(newest)).first()
    return InForce(
        counts["allow"],
        counts["deny"],
        sum(
            one.since <= at < one.until and (venues is None or one.venue in venues)
            for one in await standing_exceptions(connection, zone)
        ),
        0 if last is None else last.number,
        "" if last is None else last.digest,
    )
