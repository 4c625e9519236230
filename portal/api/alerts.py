"""`/api/alerts`: safeguarding alerts, for programs. Devices have pseudonyms; nobody is named."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from evidence.alerts import reading
from evidence.alerts.handling import NOTE_CHARACTERS_MAX, AcknowledgeAlert, CloseAlert
from portal.accounts.visits import Visit
from portal.alerting import READ, find_alert, handle, incident
from portal.api.models import Outcome
from portal.deciding.numbering import NUMBER_MAX, Number
from portal.identity import Allowed
from portal.pages.alerts import chosen_venues, now_titles
from portal.reading_evidence import evidence_of
from portal.services import Given, Services
from portal.standing_policy import standing

router = APIRouter(tags=["alerts"])

Reader = Annotated[Visit, Depends(Allowed(READ))]


class SiteOut(BaseModel):
    """One site in an alert."""

    site: str
    """A registered domain. Hostile text."""
    category: str
    queries: int
    blocked: int


class AlertOut(BaseModel):
    """One alert. Instants are POSIX seconds."""

    alert: int
    theme: str
    theme_title: str
    severity: Literal["low", "medium", "high"]
    state: Literal["new", "acknowledged", "closed"]
    venue: str
    venue_title: str
    room: str
    device: str
    """A pseudonym."""
    first_at: float
    last_at: float
    made_at: float | None
    looks: int
    queries: int
    blocked: int
    kinds: list[str]
    sites: list[SiteOut]
    look_times: list[float]
    made_graver_by: list[str]
    refers_to: int | None
    acknowledged_at: float | None
    acknowledged_by: str
    closed_at: float | None
    closed_by: str
    outcome: str
    note: str


class Closing(BaseModel):
    """What came of an alert."""

    outcome: Literal[
        "no-concern",
        "false-positive",
        "spoken",
        "referred-team",
        "referred-prevent",
        "referred-police",
        "technical",
    ]
    note: str = Field("", max_length=NOTE_CHARACTERS_MAX)
    """For colleagues; not in the audit log. Do not name anybody."""


@router.get("/alerts")
async def list_alerts(
    me: Reader,
    services: Given,
    state: Literal["", "new", "acknowledged", "closed"] = "",
    severity: Literal["", "low", "medium", "high"] = "",
    venue: Annotated[str, Query(max_length=100)] = "",
    before: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[AlertOut]:
    """Alerts of the venues that you may see: those nobody looks after first; with `before`, those
    with smaller numbers, the newest first.
    """
    async with evidence_of(services).reading() as connection:
        found = await reading.alerts(
            connection,
            chosen_venues(me, venue),
            state=state,
            severity=severity,
            before=before,
            limit=limit,
        )
    context = await _context(services)
    return [AlertOut.model_validate(incident(one, *context)) for one in found]


@router.get("/alerts/{number}")
async def show_alert(me: Reader, services: Given, number: Number) -> AlertOut:
    """One alert."""
    found = await find_alert(services, me, number)
    return AlertOut.model_validate(incident(found, *await _context(services)))


@router.post("/alerts/{number}/acknowledge")
async def acknowledge(request: Request, me: Reader, services: Given, number: Number) -> Outcome:
    """Say that somebody looks after it."""
    found = await find_alert(services, me, number)
    return _outcome(await handle(request, services, me, AcknowledgeAlert(found)))


@router.post("/alerts/{number}/close")
async def close(
    request: Request, me: Reader, services: Given, number: Number, sent: Closing
) -> Outcome:
    """Say what came of it."""
    found = await find_alert(services, me, number)
    return _outcome(await handle(request, services, me, CloseAlert(found, sent.outcome, sent.note)))


async def _context(services: Services) -> tuple[dict[str, str], dict[str, str]]:
    titles = now_titles(await standing(services))
    return titles, {id: entry.title for id, entry in services.taxonomy.items()}


def _outcome(done: Any) -> Outcome:
    return Outcome(
        subject=done.subject,
        sentences=list(done.sentences),
        warnings=list(done.warnings),
        audit_number=done.audit_number,
    )
