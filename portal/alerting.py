"""Alerts for pages and the API: those somebody may see, and what they do with them."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from evidence.alerts import reading
from evidence.alerts.handling import AcknowledgeAlert, CloseAlert, write
from evidence.alerts.rows import Kept
from evidence.alerts.themes import themes
from policy.commands.command import Done
from portal.accounts.visits import Visit
from portal.identity import actor_of, perform
from portal.reading_evidence import evidence_of, readable_venues
from portal.services import Services

READ = "alert.read"


async def find_alert(services: Services, me: Visit, number: int) -> Kept:
    """One alert; 404 for one that is none, or at a venue that is not theirs."""
    async with evidence_of(services).reading() as connection:
        found = await reading.alert(connection, number, readable_venues(me, READ))
    if found is None:
        raise HTTPException(404)
    return found


async def handle(
    request: Request, services: Services, me: Visit, command: AcknowledgeAlert | CloseAlert
) -> Done:
    """Hand a command in, and write what it says. Raises `Refused` and `StoreFault`."""
    done = await perform(request, command)
    await write(evidence_of(services), command, actor_of(me), services.clock())
    return done


def theme_titles() -> dict[str, str]:
    """What themes are called."""
    return {one.id: one.title for one in themes()}


def incident(found: Kept, titles: dict[str, str], categories: dict[str, str]) -> dict[str, Any]:
    """One alert as a document: for a service's own form, and for programs. Names of the internet
    are hostile text.
    """
    group = found.group
    return {
        "alert": found.id,
        "theme": group.theme,
        "theme_title": theme_titles().get(group.theme, group.theme),
        "severity": found.severity,
        "state": found.state,
        "venue": group.venue,
        "venue_title": titles.get(group.venue, group.venue),
        "room": group.room,
        "device": group.pseudonym,
        "first_at": group.first_at,
        "last_at": group.last_at,
        "made_at": found.made_at,
        "looks": group.look_count,
        "queries": group.queries,
        "blocked": group.blocked,
        "kinds": [categories.get(one, one) for one in group.categories],
        "sites": [
            {
                "site": name,
                "category": asked.category,
                "queries": asked.queries,
                "blocked": asked.blocked,
            }
            for name, asked in group.domains.items()
        ],
        "look_times": group.looks,
        "made_graver_by": list(found.raises),
        "refers_to": found.refers_to,
        "acknowledged_at": found.acknowledged_at,
        "acknowledged_by": found.acknowledged_by,
        "closed_at": found.closed_at,
        "closed_by": found.closed_by,
        "outcome": found.outcome,
        "note": found.note,
    }
