"""`/venues`: the places people come to, and the networks by which they are known."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from policy.commands.venues import SHIPPED, AddVenue, ChangeVenue, RemoveVenue
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Me, may
from portal.rendering import Area, render
from portal.services import Given
from portal.standing_policy import Standing, id_from, lines, standing
from portal.words import t

router = APIRouter()
area = Area("/venues", "venues.navigation", order=40, group="setup")

FIELDS = {"venues": "id"}
"""Where faults of the document stand in forms."""


@router.get("/venues")
async def show_venues(request: Request, me: Me, services: Given) -> Response:
    """Every venue."""
    now = await standing(services)
    counts = dict.fromkeys(now.policy.venues, 0)
    for device in now.policy.devices:
        for venue in now.venues_of(device) or ():
            counts[venue] += 1
    return render(
        request,
        "venues/list",
        standing=now,
        counts=counts,
        may_add=may_add(me),
        is_shipped=set(now.policy.venues) == {SHIPPED},
    )


@router.get("/venues/add")
async def ask_venue(request: Request, me: Me, services: Given) -> Response:
    """The form for a new venue."""
    now = await standing(services)
    only = set(now.policy.venues) == {SHIPPED}
    return _add(request, now, Form.filled(replaces=SHIPPED if only else ""))


@router.post("/venues/add")
async def add_venue(request: Request, me: Me, services: Given) -> Response:
    """Add a venue, perhaps in the place of the one that ships."""
    form = await read_form(request)
    now = await standing(services)
    title = form.text("title", "venues.title_missing")
    id = form.text("id") or id_from(title)
    body = {"title": title, "networks": lines(form.text("networks", "venues.networks_missing"))}
    body |= _profile(form, now)
    replaces = form.chosen("replaces", [SHIPPED])
    answer = await carry_out(
        request,
        form,
        AddVenue(id, body, reason_of(form), replaces[0] if replaces else ""),
        title=t("venues.add_title"),
        back="/venues",
        then=f"/venues/id/{id}",
        notice="venues.added_done",
        fields={**FIELDS, SHIPPED: "replaces", f"venue:{SHIPPED}": "replaces", id: "id"},
    )
    return answer or _add(request, now, form, _status(form))


@router.get("/venues/id/{venue}")
async def show_venue(request: Request, me: Me, services: Given, venue: str) -> Response:
    """One venue with its rooms and devices."""
    now = await standing(services)
    place = known_venue(now, venue)
    devices = [id for id in now.policy.devices if venue in (now.venues_of(id) or ())]
    people = [
        person
        for person in now.policy.people.values()
        if any(venue in grant.venues for grant in person.roles)
    ]
    return render(
        request, "venues/venue", standing=now, venue=place, devices=devices[:50], people=people,
        devices_count=len(devices), sees_people=may(me, "person.change", venue),
    )  # fmt: skip


@router.get("/venues/id/{venue}/change")
async def ask_change(request: Request, me: Me, services: Given, venue: str) -> Response:
    """The form with what the venue has."""
    now = await standing(services)
    known_venue(now, venue)
    body = now.raw["venues"][venue]
    form = Form.filled(
        title=body.get("title", venue),
        networks="\n".join(body.get("networks", ())),
        profile=body.get("profile", ""),
    )
    return _change(request, me, now, venue, form)


@router.post("/venues/id/{venue}/change")
async def change_venue(request: Request, me: Me, services: Given, venue: str) -> Response:
    """Another title, profile, or, for whom it is permitted, networks."""
    form = await read_form(request)
    now = await standing(services)
    known_venue(now, venue)
    changes: dict[str, Any] = {"title": form.text("title", "venues.title_missing")}
    changes["profile"] = _profile(form, now).get("profile")
    if may(me, "venue.networks"):
        changes["networks"] = lines(form.text("networks")) or None
    answer = await carry_out(
        request,
        form,
        ChangeVenue(venue, changes, reason_of(form)),
        title=t("venues.change_title", title=now.policy.venues[venue].title),
        back=f"/venues/id/{venue}",
        notice="venues.changed_done",
        fields=FIELDS,
    )
    return answer or _change(request, me, now, venue, form, _status(form))


@router.post("/venues/id/{venue}/remove")
async def remove_venue(request: Request, me: Me, services: Given, venue: str) -> Response:
    """Give a venue up; what prevents it is said."""
    form = await read_form(request)
    now = await standing(services)
    title = known_venue(now, venue).title
    answer = await carry_out(
        request,
        form,
        RemoveVenue(venue, reason_of(form)),
        title=t("venues.remove_title", title=title),
        back=f"/venues/id/{venue}",
        then="/venues",
        notice="venues.removed_done",
        is_grave=True,
    )
    return answer or cannot(
        request, form, t("venues.remove_title", title=title), f"/venues/id/{venue}"
    )


def cannot(request: Request, form: Form, title: str, back: str) -> Response:
    """Why something cannot be removed, and the way back."""
    return render(request, "cannot", 422, form=form, title=title, back=back)


def known_venue(now: Standing, venue: str) -> Any:
    """A venue, or the page that says there is none."""
    if venue not in now.policy.venues:
        raise HTTPException(404)
    return now.policy.venues[venue]


def may_add(me: Visit) -> bool:
    """Whether somebody may add venues: with them come networks that were nobody's."""
    return may(me, "venue.add") and may(me, "venue.networks")


def _profile(form: Form, now: Standing) -> dict[str, str]:
    chosen = form.chosen("profile", now.policy.profiles)
    return {"profile": chosen[0]} if chosen else {}


def _status(form: Form) -> int:
    return 422 if form.errors else 200


def _add(request: Request, now: Standing, form: Form, status: int = 200) -> Response:
    return render(
        request,
        "venues/add",
        status,
        form=form,
        standing=now,
        shipped=now.policy.venues.get(SHIPPED),
    )


def _change(
    request: Request, me: Visit, now: Standing, venue: str, form: Form, status: int = 200
) -> Response:
    shown = now.policy.venues[venue]
    networks = may(me, "venue.networks")
    return render(
        request,
        "venues/change",
        status,
        form=form,
        standing=now,
        venue=shown,
        may_networks=networks,
    )
