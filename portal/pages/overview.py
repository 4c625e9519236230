"""`/`: is filtering on, does it pass its checks, are the lists fresh, what was changed today."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import desc, select

from blocklists.sources import SourceFault
from blocklists.standing import SourceStatus
from evidence.checks import reading
from policy.store import StoreFault
from policy.store.tables import audit
from portal.accounts.visits import Visit
from portal.checks import READ
from portal.getting_started import steps
from portal.identity import Me, may
from portal.reading_evidence import readable_venues
from portal.rendering import Area, render, zone_of
from portal.services import Given, Services
from portal.standing_policy import names_of_people

ENTRIES_MAX: Final = 200
"""Entries of the log that are looked at; with more today, the page says so."""
SHOWN_MAX: Final = 10

router = APIRouter()
area = Area("/", "overview.navigation", order=0)


@dataclass(frozen=True, slots=True)
class ListsNow:
    """How the lists stand."""

    enabled: int
    worrying: tuple[tuple[str, str], ...]
    """Titles of lists, each with the key of what is the matter."""
    readable: bool = True


@dataclass(frozen=True, slots=True)
class ChecksNow:
    """How the newest checks of the filter stand."""

    places: int
    """Venues and profiles that were ever checked."""
    failing: int
    at: float
    """When one was checked last."""


@router.get("/")
async def show_overview(request: Request, me: Me, services: Given) -> HTMLResponse:
    """The first page of everybody who signs in."""
    at = services.clock()
    zone = await zone_of(services)
    health, lists = await asyncio.gather(services.health(), _lists_now(services, at))
    changes = await _changes_today(services, at, zone) if may(me, "audit.read") else None
    by_password = me.session is not None and me.session.method == "password"
    return render(
        request,
        "overview",
        zone=zone,
        health=health,
        lists=lists,
        checks=await _checks_now(services, me),
        starting=await steps(services, me, lists.enabled),
        people=await names_of_people(services) if changes else {},
        changes=None if changes is None else changes[:SHOWN_MAX],
        changes_count=0 if changes is None else len(changes),
        changes_more=changes is not None and len(changes) >= ENTRIES_MAX,
        factor_missing=by_password and not me.has_second_factor,
    )


async def _lists_now(services: Services, at: float) -> ListsNow:
    try:
        status = await asyncio.to_thread(services.lists.status, at)
    except SourceFault:
        return ListsNow(0, (), readable=False)
    enabled = [source for source in status if source.enabled]
    worrying = [(source.title, word) for source in enabled if (word := _worry(source))]
    return ListsNow(len(enabled), tuple(worrying))


async def _checks_now(services: Services, me: Visit) -> ChecksNow | None:
    """Of the venues that they may see; None: they may not, or nothing can be read."""
    if services.evidence is None or not may(me, READ):
        return None
    try:
        async with services.evidence.reading() as connection:
            newest = await reading.latest(connection, readable_venues(me, READ))
    except StoreFault:
        return None
    failing = sum(run.outcome in ("fail", "deviation") for run in newest)
    return ChecksNow(len(newest), failing, max((run.at for run in newest), default=0.0))


def _worry(source: SourceStatus) -> str:
    if source.held is not None:
        return "overview.list_held"
    if source.stale:
        return "overview.list_stale"
    return "overview.list_problem" if source.problem else ""


async def _changes_today(services: Services, at: float, zone: ZoneInfo) -> Sequence[Any]:
    """Entries of the audit log since midnight, the newest first."""
    midnight = datetime.fromtimestamp(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    columns = (
        audit.c[name]
        for name in ("number", "at", "actor", "action", "subject", "reason", "outcome")
    )
    query = select(*columns).order_by(desc(audit.c.number)).limit(ENTRIES_MAX)
    async with services.store.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [row for row in rows if row.at >= midnight.timestamp()]
