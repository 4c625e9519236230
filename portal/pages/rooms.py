"""`/venues/id/VENUE/rooms`: parts of a venue with networks of their own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from policy.commands.rooms import AddRoom, ChangeRoom, RemoveRoom
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Me
from portal.pages.venues import cannot, known_venue
from portal.rendering import render
from portal.services import Given
from portal.standing_policy import Standing, id_from, lines, standing
from portal.words import t

router = APIRouter()


@router.get("/venues/id/{venue}/rooms/add")
async def ask_room(request: Request, me: Me, services: Given, venue: str) -> Response:
    """The form for a new room."""
    now = await standing(services)
    known_venue(now, venue)
    return _form(request, now, venue, "", Form())


@router.post("/venues/id/{venue}/rooms/add")
async def add_room(request: Request, me: Me, services: Given, venue: str) -> Response:
    """Add a room."""
    form = await read_form(request)
    now = await standing(services)
    place = known_venue(now, venue)
    body = _body(form, now)
    room = form.text("id") or id_from(body["title"])
    answer = await carry_out(
        request,
        form,
        AddRoom(venue, room, {k: v for k, v in body.items() if v}, reason_of(form)),
        title=t("rooms.add_title", venue=place.title),
        back=f"/venues/id/{venue}",
        notice="rooms.added_done",
        fields={"rooms": "id", room: "id"},
    )
    return answer or _form(request, now, venue, "", form)


@router.get("/venues/id/{venue}/rooms/{room}")
async def ask_change(request: Request, me: Me, services: Given, venue: str, room: str) -> Response:
    """The form with what the room has."""
    now = await standing(services)
    _known(now, venue, room)
    body = now.raw["venues"][venue]["rooms"][room]
    form = Form.filled(
        title=body.get("title", room),
        networks="\n".join(body.get("networks", ())),
        profile=body.get("profile", ""),
    )
    return _form(request, now, venue, room, form)


@router.post("/venues/id/{venue}/rooms/{room}")
async def change_room(request: Request, me: Me, services: Given, venue: str, room: str) -> Response:
    """Another title, other networks, another profile."""
    form = await read_form(request)
    now = await standing(services)
    title = _known(now, venue, room)
    answer = await carry_out(
        request,
        form,
        ChangeRoom(venue, room, _body(form, now), reason_of(form)),
        title=t("rooms.change_title", title=title),
        back=f"/venues/id/{venue}",
        notice="rooms.changed_done",
    )
    return answer or _form(request, now, venue, room, form)


@router.post("/venues/id/{venue}/rooms/{room}/remove")
async def remove_room(request: Request, me: Me, services: Given, venue: str, room: str) -> Response:
    """Give a room up; what prevents it is said."""
    form = await read_form(request)
    title = t("rooms.remove_title", title=_known(await standing(services), venue, room))
    answer = await carry_out(
        request,
        form,
        RemoveRoom(venue, room, reason_of(form)),
        title=title,
        back=f"/venues/id/{venue}/rooms/{room}",
        then=f"/venues/id/{venue}",
        notice="rooms.removed_done",
        is_grave=True,
    )
    return answer or cannot(request, form, title, f"/venues/id/{venue}/rooms/{room}")


def _known(now: Standing, venue: str, room: str) -> str:
    """The title of a room, or the page that says there is none."""
    rooms = known_venue(now, venue).rooms
    if room not in rooms:
        raise HTTPException(404)
    return str(rooms[room].title)


def _body(form: Form, now: Standing) -> dict[str, Any]:
    profile = form.chosen("profile", now.policy.profiles)
    return {
        "title": form.text("title", "rooms.title_missing"),
        "networks": lines(form.text("networks", "rooms.networks_missing")),
        "profile": profile[0] if profile else None,
    }


def _form(request: Request, now: Standing, venue: str, room: str, form: Form) -> Response:
    place = now.policy.venues[venue]
    status = 422 if form.errors else 200
    return render(
        request,
        "venues/room",
        status,
        form=form,
        standing=now,
        venue=place,
        room=place.rooms.get(room),
    )
