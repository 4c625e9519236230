"""`/check`: is a site open for a class, in which room, at which time, and why not."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from policy.requests import PASTED_CHARACTERS_MAX, host_of
from portal.accounts.visits import Visit
from portal.checking import Checked, check
from portal.forms import Form, read_form
from portal.identity import Me
from portal.lessons import local_time
from portal.places import places_for, title_of
from portal.rendering import Area, render
from portal.services import Given
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()
area = Area("/check", "checking.navigation", order=5, action="exception.grant", group="sites")


@router.get("/check")
async def show_form(
    request: Request, me: Me, services: Given, site: str = "", place: str = ""
) -> Response:
    """The form."""
    now = await standing(services)
    form = Form.filled(site=site[:PASTED_CHARACTERS_MAX], place=place)
    return _page(request, now, _places(me, now), form)


@router.post("/check")
async def show_result(request: Request, me: Me, services: Given) -> Response:
    """How the site is seen there and then. A form, so that sites stay out of addresses."""
    form = await read_form(request)
    now = await standing(services)
    places = _places(me, now)
    site = _site(form)
    chosen = form.chosen("place", [scope for scope, _ in places], "checking.place_missing")
    at = local_time(form)
    if form.errors or not chosen:
        return _page(request, now, places, form, status=422)
    try:
        found = await check(services, now.policy.bundles, site, chosen[0], at)
    except ValueError:
        form.wrong("", t("checking.fault"))
        return _page(request, now, places, form, status=422)
    return _page(request, now, places, form, checked=found, place=chosen[0], at=at or "")


def _site(form: Form) -> str:
    pasted = form.text("site", "checking.site_missing", PASTED_CHARACTERS_MAX)
    try:
        return host_of(pasted) if pasted else ""
    except ValueError:
        form.wrong("site", t("checking.site_wrong"))
        return ""


def _places(me: Visit, now: Standing) -> list[tuple[str, str]]:
    """Their rooms and venues; whoever may approve nowhere may look everywhere."""
    found = places_for(me, now.policy, "exception.grant")
    return found or places_for(me, now.policy, "policy.read")


def _page(
    request: Request,
    now: Standing,
    places: list[tuple[str, str]],
    form: Form,
    *,
    checked: Checked | None = None,
    place: str = "",
    at: str = "",
    status: int = 200,
) -> Response:
    return render(
        request,
        "checking/check",
        status,
        zone=now.zone,
        form=form,
        places=places,
        checked=checked,
        place=title_of(now.policy, place) if place else "",
        at=at.replace("T", ", "),
        approve=_links(checked, place, form) if checked else {},
        titles={id: entry.title for id, entry in now.policy.taxonomy.items()},
        profile=_profile(now, place),
    )


def _profile(now: Standing, place: str) -> str:
    if not place:
        return ""
    venue, _, room = place.partition(":")[2].partition("/")
    return now.profile_of(venue, room)


def _links(checked: Checked, place: str, form: Form) -> dict[str, str]:
    """Where to approve: the site alone (""), or a bundle by its id."""
    when = {key: form[key] for key in ("day", "time") if form[key]}
    links = {"": {"place": place, "sites": checked.host.name, **when}}
    for one in checked.supporting:
        links[one.bundle.id] = {"place": place, "bundles": one.bundle.id, **when}
    return {key: f"/exceptions/new?{urlencode(values)}" for key, values in links.items()}
