"""What a reviewer needs to know before deciding a request: gathered, nothing judged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import desc, or_, select

from blocklists.tracing import Trace
from evidence.reading.blocked import popularity
from policy.commands.command import Permission, words_of
from policy.commands.permissions import is_permitted
from policy.commands.scopes import whom
from policy.policy import Policy
from policy.requests import ReviewRequest
from policy.store import StoreFault
from policy.store import requests as kept
from policy.store.requests import Asked
from policy.store.tables import audit, rules
from policy.types import Bundle
from portal.accounts.visits import Visit
from portal.checking import Host, bundles_with, look
from portal.services import Services

TRACES_MAX: Final = 20
POPULARITY_DAYS: Final = 30
EARLIER_MAX: Final = 10
"""Of earlier requests, of rules, and of entries of the log."""


@dataclass(frozen=True, slots=True)
class RuleThere:
    """A rule about the same site, or one above it."""

    number: int
    action: str
    target: str
    whom: str
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What somebody once decided about the site."""

    at: float
    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is to know."""

    now: Host | None
    """What would happen there now; None when nobody can say."""
    traces: Sequence[Trace]
    """Entries of lists, with since when."""
    reasons: Sequence[Asked]
    popularity: int | None
    """How often it was asked for lately; None when nobody counts."""
    bundles: Sequence[Bundle]
    earlier: Sequence[ReviewRequest]
    rules: Sequence[RuleThere]
    log: Sequence[LogEntry]


def may_see(visit: Visit, policy: Policy, request: ReviewRequest, action: str) -> bool:
    """Whether somebody may read, or decide, a request: of a venue of theirs, or of none."""
    venues = frozenset({request.venue}) if request.venue in policy.venues else None
    if visit.token is not None and not visit.token.covers(action):
        return False
    return is_permitted(visit.person.roles, Permission(action, venues))


async def gather(
    services: Services, policy: Policy, request: ReviewRequest, reader: Visit, *, with_log: bool
) -> Evidence:
    """Everything that a reader may know; `with_log`: also what the audit log says."""
    here = request.venue in policy.venues
    place = f"venue:{request.venue}" if here else "organisation"
    try:
        now = await look(services, request.site, place, None)
    except ValueError:  # nobody can say
        now = None
    async with services.store.reading() as connection:
        reasons = await kept.reasons(connection, request.number)
        earlier = await kept.requests(connection, site=request.site)
        there = await _rules(connection, policy, request.site)
        log = await _log(connection, request.site) if with_log else []
    return Evidence(
        now=now,
        traces=await _traces(services, request.site),
        reasons=reasons,
        popularity=await _popularity(services, request.site),
        bundles=bundles_with(policy.bundles, request.site),
        earlier=[
            one
            for one in earlier
            if one.number != request.number and may_see(reader, policy, one, "request.read")
        ][:EARLIER_MAX],
        rules=there,
        log=log,
    )


async def _traces(services: Services, site: str) -> Sequence[Trace]:
    try:
        found = await asyncio.to_thread(services.lists.trace, site)
    except (ValueError, OSError):  # a damaged sheet is told on the page of the lists
        return []
    return list(found)[:TRACES_MAX]


async def _popularity(services: Services, site: str) -> int | None:
    """How often it was asked for within `POPULARITY_DAYS`, from whoever counts."""
    if services.evidence is not None:
        since = services.clock() - POPULARITY_DAYS * 86_400.0
        try:
            async with services.evidence.reading() as connection:
                found = await popularity(connection, site, since)
        except StoreFault:  # the row is left out; a decision does not wait for it
            return None
        return found.queries
    if services.asked is None:
        return None
    return (await services.asked([site])).get(site, 0)


async def _rules(connection: Any, policy: Policy, site: str) -> list[RuleThere]:
    labels = site.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))]
    targets = [*names, *(f"={name}" for name in names[:1]), *(f"*.{name}" for name in names[1:])]
    targets += [bundle.id for bundle in bundles_with(policy.bundles, site)]
    columns = (rules.c.id, rules.c.action, rules.c.target, rules.c.body)
    query = select(*columns).where(rules.c.target.in_(targets)).order_by(desc(rules.c.id))
    words = words_of(policy)
    found = []
    for number, action, target, text in await connection.execute(query.limit(EARLIER_MAX)):
        body = msgspec.json.decode(text)
        scope = whom(words, str(body.get("scope", "organisation")).strip())
        author, reason = str(body.get("author", "")), str(body.get("reason", ""))
        found.append(RuleThere(number, action, target, scope, reason, author))
    return found


async def _log(connection: Any, site: str) -> list[LogEntry]:
    """Decisions that name the site, also those that were taken back."""
    named = f'%"{site}"%'  # as canonical JSON has it; a name holds no % and "_" matches itself too
    columns = (audit.c.at, audit.c.actor, audit.c.action, audit.c.reason)
    query = select(*columns).where(
        or_(audit.c.after.like(named), audit.c.before.like(named)),
        audit.c.action.notin_(("request.ask", "request.decide")),
    )
    rows = await connection.execute(query.order_by(desc(audit.c.number)).limit(EARLIER_MAX))
    return [LogEntry(*row) for row in rows]
