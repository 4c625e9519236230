"""`/api/venues`: venues and their rooms."""

from __future__ import annotations

from fastapi import APIRouter, Request

from policy.commands.rooms import AddRoom, ChangeRoom, RemoveRoom
from policy.commands.venues import AddVenue, ChangeVenue, RemoveVenue
from portal.api.models import Body, DryRun, Outcome, Reading, outcome, there
from portal.services import Given
from portal.standing_policy import standing

router = APIRouter(tags=["venues"])


class PlaceBody(Body):
    """A venue or a room, as `policy.toml` has it."""

    title: str | None = None
    networks: list[str] | None = None
    profile: str | None = None


class Room(PlaceBody):
    """A room."""

    id: str


class Venue(PlaceBody):
    """A venue with its rooms."""

    id: str
    rooms: list[Room] = []


class NewVenue(PlaceBody):
    """A venue to add."""

    id: str
    replaces: str = ""
    """A venue that goes in the same step."""


class NewRoom(PlaceBody):
    """A room to add."""

    id: str


@router.get("/venues")
async def list_venues(me: Reading, services: Given) -> list[Venue]:
    """Every venue."""
    raw = (await standing(services)).raw.get("venues", {})
    return [_venue(id, body) for id, body in raw.items()]


@router.get("/venues/{venue}")
async def show_venue(me: Reading, services: Given, venue: str) -> Venue:
    """One venue."""
    raw = (await standing(services)).raw.get("venues", {})
    there(venue, raw)
    return _venue(venue, raw[venue])


@router.post("/venues", status_code=201)
async def add_venue(
    request: Request, sent: NewVenue, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Add a venue."""
    body = {k: v for k, v in sent.written().items() if k not in ("id", "replaces")}
    return await outcome(request, AddVenue(sent.id, body, reason, sent.replaces), dry_run)


@router.patch("/venues/{venue}")
async def change_venue(
    request: Request, venue: str, sent: PlaceBody, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Change a venue: only the keys that are sent; null takes one away."""
    return await outcome(request, ChangeVenue(venue, sent.written(), reason), dry_run)


@router.delete("/venues/{venue}")
async def remove_venue(
    request: Request, venue: str, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Give a venue up, with its rooms."""
    return await outcome(request, RemoveVenue(venue, reason), dry_run)


@router.post("/venues/{venue}/rooms", status_code=201)
async def add_room(
    request: Request, venue: str, sent: NewRoom, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Add a room to a venue."""
    body = {key: value for key, value in sent.written().items() if key != "id"}
    return await outcome(request, AddRoom(venue, sent.id, body, reason), dry_run)


@router.patch("/venues/{venue}/rooms/{room}")
async def change_room(
    request: Request,
    venue: str,
    room: str,
    sent: PlaceBody,
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Change a room: only the keys that are sent; null takes one away."""
    return await outcome(request, ChangeRoom(venue, room, sent.written(), reason), dry_run)


@router.delete("/venues/{venue}/rooms/{room}")
async def remove_room(
    request: Request, venue: str, room: str, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Give a room up."""
    return await outcome(request, RemoveRoom(venue, room, reason), dry_run)


def _venue(id: str, body: dict[str, object]) -> Venue:
    rooms = body.get("rooms", {})
    assert isinstance(rooms, dict)
    inner = [Room(id=room, **inner) for room, inner in rooms.items()]
    alone = {key: value for key, value in body.items() if key != "rooms"}
    return Venue.model_validate({**alone, "id": id, "rooms": inner})
