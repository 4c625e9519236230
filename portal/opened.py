"""Exceptions as pages show them: what is open where, since when, until when, by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from policy.commands.command import words_of
from policy.commands.scopes import whom
from policy.policy import Policy
from policy.reading import Faults, Table
from policy.store.tables import exceptions as table
from policy.wording import Sentences
from portal.services import Services

SHOWN_MAX: Final = 2_000
"""Exceptions that are read, the newest."""

State = Literal["open", "ahead", "over"]


@dataclass(frozen=True, slots=True)
class Opened:
    """One exception."""

    number: int
    where: str
    place: str
    """In words: "IT suite, Ellesmere Port"."""
    venue: str | None
    """None: of no single venue."""
    what: tuple[str, ...]
    """Titles of bundles and categories, and sites."""
    purpose: str
    approver: str
    start: float
    """POSIX seconds; 0 when none was given."""
    until: float
    """When it ends, or ended."""
    was_ended: bool
    state: State


async def opened(
    services: Services, policy: Policy, at: float, *, over_since: float | None = None
) -> list[Opened]:
    """Exceptions that have not ended, the next to end first; `over_since`: also those that ended
    from then on, after them and the last one first.
    """
    query = select(table.c.id, table.c.body).order_by(table.c.id.desc()).limit(SHOWN_MAX)
    async with services.store.reading() as connection:
        rows = (await connection.execute(query)).all()
    words = words_of(policy)
    found = [_read(id, msgspec.json.decode(body), policy, words, at) for id, body in rows]
    now = sorted((one for one in found if one.state != "over"), key=lambda one: one.until)
    if over_since is None:
        return now
    past = [one for one in found if one.state == "over" and one.until >= over_since]
    return [*now, *sorted(past, key=lambda one: -one.until)]


def _read(
    number: int, body: Mapping[str, Any], policy: Policy, words: Sentences, at: float
) -> Opened:
    zone = ZoneInfo(policy.organisation.timezone)
    reader = Table(dict(body), "", Faults(""))
    start = reader.instant("from", zone) or 0.0
    until = reader.instant("until", zone, whole_day=True) or 0.0
    revoked = reader.instant("revoked", zone)
    ends = until if revoked is None else min(until, revoked)
    if ends <= at:
        state: State = "over"
    else:
        state = "ahead" if start > at else "open"
    where = str(body["where"]).strip()
    kind, _, id = where.partition(":")
    return Opened(
        number=number,
        where=where,
        place=whom(words, where),
        venue=id.partition("/")[0] if kind in ("venue", "room") else None,
        what=tuple(_what(body, policy)),
        purpose=str(body["purpose"]),
        approver=str(body["approver"]),
        start=start,
        until=ends,
        was_ended=revoked is not None,
        state=state,
    )


def _what(body: Mapping[str, Any], policy: Policy) -> list[str]:
    bundles, taxonomy = policy.bundles, policy.taxonomy
    names = [bundles[id].title if id in bundles else id for id in body.get("bundles", ())]
    names += body.get("sites", ())
    names += [taxonomy[id].title if id in taxonomy else id for id in body.get("categories", ())]
    return names
