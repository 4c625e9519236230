"""`/api/events`: the query log, for programs. Devices have pseudonyms; nobody is named."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from evidence.reading import EventFilter, events
from portal.accounts.visits import Visit
from portal.identity import Allowed
from portal.reading_evidence import readable_venues
from portal.services import Given

router = APIRouter(tags=["events"])

NUMBER_MAX = 2**53
INSTANT_MAX = 1e11

Reader = Annotated[Visit, Depends(Allowed("event.read"))]
Instant = Annotated[float | None, Query(ge=0, lt=INSTANT_MAX, allow_inf_nan=False)]
Text = Annotated[str, Query(max_length=253)]


class EventOut(BaseModel):
    """One query that was blocked, warned about, monitored or suspected; repeats in a moment are
    one.
    """

    id: int
    at: float
    """POSIX seconds."""
    name: str
    """Odd octets are written `\\\\DDD`."""
    domain: str
    qtype: int
    queries: int
    device: str
    """A pseudonym, another one every week."""
    venue: str
    room: str
    profile: str
    transport: str
    """`udp` or `tcp`; `check`: a check of the filter asked, and no figure counts it."""
    action: str
    reason: str
    category: str
    sources: list[str]
    rule: str
    suggestions: list[str]


class EventsOut(BaseModel):
    """Some events, newest first."""

    events: list[EventOut]
    next: int | None
    """Give it as `before` to go on; null: that was all. A page may be short and have a next one."""


@router.get("/events")
async def list_events(
    me: Reader,
    services: Given,
    venue: Text = "",
    since: Instant = None,
    until: Instant = None,
    action: Text = "",
    reason: Text = "",
    category: Text = "",
    source: Text = "",
    room: Text = "",
    profile: Text = "",
    name_contains: Text = "",
    name_ends_with: Text = "",
    device: Text = "",
    before: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> EventsOut:
    """The newest events of the venues that you may see."""
    if services.evidence is None:
        raise HTTPException(404, "telemetry is off")
    venues = readable_venues(me, "event.read")
    if venue:
        venues = frozenset({venue}) if venues is None else frozenset({venue}) & venues
    wanted = EventFilter(
        venues=venues,
        since=since,
        until=until,
        action=action,
        reason=reason,
        categories=(category,) if category else (),
        source=source,
        room=room,
        profile=profile,
        name_contains=name_contains,
        name_ends_with=name_ends_with,
        pseudonym=device,
    )
    async with services.evidence.reading() as connection:
        page = await events(connection, wanted, before=before, limit=limit)
    return EventsOut(
        events=[
            EventOut(
                id=one.id,
                at=one.at,
                name=one.name,
                domain=one.domain,
                qtype=one.qtype,
                queries=one.queries,
                device=one.pseudonym,
                venue=one.venue,
                room=one.room,
                profile=one.profile,
                transport=one.transport,
                action=one.action,
                reason=one.reason,
                category=one.category,
                sources=list(one.sources),
                rule=one.rule,
                suggestions=list(one.suggestions),
            )
            for one in page.events
        ],
        next=page.next,
    )
