"""Checks of the filter for pages and the API: those somebody may see, and running one."""

from __future__ import annotations

from fastapi import Request
from starlette.exceptions import HTTPException

from evidence.checks import reading
from evidence.checks.handling import RUN, NoteAction, RunCheck, write_note
from evidence.checks.results import Run
from policy.commands.command import Refused
from portal.accounts.visits import Visit
from portal.identity import actor_of, may, perform
from portal.reading_evidence import evidence_of, readable_venues
from portal.services import Services
from portal.standing_policy import Standing
from portal.words import t

READ = "figures.read"


async def find_run(services: Services, me: Visit, number: int) -> Run:
    """One run; 404 for one that is none, or at a venue that is not theirs."""
    async with evidence_of(services).reading() as connection:
        found = await reading.run_of(connection, number, readable_venues(me, READ))
    if found is None:
        raise HTTPException(404)
    return found


async def run_now(
    request: Request, services: Services, me: Visit, venue: str, profile: str = ""
) -> tuple[Run, ...]:
    """Check a venue. Raises `Refused`, also when a check is under way, and ValueError."""
    checks = services.checks
    if checks is None:
        raise Refused(t("checks.cannot_run"))
    if checks.is_busy:
        raise Refused(t("checks.busy"))
    await perform(request, RunCheck(venue, profile))
    return await checks.run(actor_of(me).id, (venue,), profile)


async def add_note(request: Request, services: Services, me: Visit, found: Run, text: str) -> None:
    """Say what was done about a run. Raises `Refused`."""
    command = NoteAction(found, text)
    await perform(request, command)
    await write_note(evidence_of(services), command, actor_of(me), services.clock())


def runnable_venues(me: Visit, now: Standing) -> list[tuple[str, str]]:
    """Ids and titles of the venues that somebody may check."""
    return [(id, title) for id, title in now.venues if may(me, RUN, id)]
