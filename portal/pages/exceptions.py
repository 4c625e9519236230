"""`/exceptions`: what tutors open for a class, until when; ending and prolonging it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from policy.commands.command import Refused
from policy.commands.exceptions import ChangeException, EndException, GrantException
from policy.commands.permissions import exception_hours_max
from policy.store import requests
from portal.accounts.visits import Visit
from portal.confirming import carry_out
from portal.deciding.numbering import Number, number_in
from portal.forms import Form, read_form
from portal.identity import Me, may, perform
from portal.lessons import ends, read_end, read_start
from portal.opened import SHOWN_MAX, Opened, opened
from portal.places import EVERYWHERE, my_venues, places_for
from portal.rendering import Area, go, render
from portal.services import Given, Services
from portal.standing_policy import Standing, lines, standing
from portal.words import t

router = APIRouter()
area = Area("/exceptions", "exceptions.navigation", order=8, group="requests")

OVER_SECONDS: Final = 24 * 3600.0
"""How long what ended is still shown."""
PAGE_MAX: Final = 100
"""Approvals on one page."""
MORE_MINUTES: Final = (15, 30, 60)
_FIELDS: Final = {"where": "place", "from": "time", "until": "until", "purpose": "purpose"}


@router.get("/exceptions")
async def show_exceptions(request: Request, me: Me, services: Given) -> Response:
    """What is open now, mine first; what is to come, and what ended lately."""
    return await _list(request, services, me, Form())


async def _list(
    request: Request, services: Services, me: Visit, form: Form, status: int = 200
) -> Response:
    now = await standing(services)
    at = services.clock()
    found = await opened(services, now.policy, at, over_since=at - OVER_SECONDS)
    mine = [one for one in found if one.approver == me.person.name]
    others = [one for one in found if one.approver != me.person.name and _concerns(me, one)]
    first = min(number_in(request.query_params.get("page", "")), SHOWN_MAX) * PAGE_MAX
    shown = [*mine, *others][first : first + PAGE_MAX]
    split = min(max(len(mine) - first, 0), PAGE_MAX)
    return render(
        request,
        "exceptions/list",
        status,
        form=form,
        zone=now.zone,
        mine=shown[:split],
        others=shown[split:],
        next_page=first // PAGE_MAX + 1 if len(mine) + len(others) > first + PAGE_MAX else 0,
        waiting=await _waiting(services, me, now, at),
        more=[(str(minutes), t("exceptions.more", minutes=minutes)) for minutes in MORE_MINUTES],
        can_change=lambda one: _may(me, "exception.change", one),
        can_end=lambda one: _may(me, "exception.end", one),
    )


@router.get("/exceptions/new")
async def show_form(
    request: Request,
    me: Me,
    services: Given,
    place: str = "",
    sites: str = "",
    bundles: str = "",
    day: str = "",
    time: str = "",
) -> Response:
    """The form; links from `/check` fill it in."""
    now = await standing(services)
    form = Form.filled(
        place=place, sites=sites[:300], bundles=bundles[:100], day=day[:10], time=time[:5], until=""
    )
    return _form(request, services, me, now, form)


@router.post("/exceptions/new")
async def grant(request: Request, me: Me, services: Given) -> Response:
    """What would happen, then the exception."""
    form = await read_form(request)
    now = await standing(services)
    at = services.clock()
    places = [scope for scope, _ in _places(me, now)]
    place = form.chosen("place", places, "exceptions.place_missing")
    purpose = form.text("purpose", "exceptions.purpose_missing")
    sites = lines(form.text("sites", "", 20_000))
    bundles = form.chosen("bundles", now.policy.bundles)
    categories = form.chosen("categories", services.taxonomy)
    if not (sites or bundles or categories):
        form.wrong("sites", t("exceptions.nothing"))
    start = read_start(form, now.zone, at)
    until = read_end(form, now.zone, at if start is None else start)
    if not form.errors and place and until is not None:
        command = GrantException(place[0], purpose, until, sites, categories, bundles, start)
        answer = await carry_out(
            request,
            form,
            command,
            title=t("exceptions.confirm"),
            back="/exceptions",
            notice="exceptions.granted_done",
            fields=_FIELDS,
            asks_reason=False,
        )
        if answer is not None:
            return answer
    return _form(request, services, me, now, form, 422 if form.errors else 200)


@router.post("/exceptions/id/{number}/end")
async def end(request: Request, me: Me, services: Given, number: Number) -> Response:
    """End it now; one press, for a class does not wait."""
    form = await read_form(request)
    try:
        await perform(request, EndException(number, form.text("reason")))
    except Refused as refused:
        if refused.permission:
            raise
        form.wrong("", t("exceptions.gone"))
        return await _list(request, services, me, form, 422)
    return go("/exceptions", "exceptions.was_ended")


@router.post("/exceptions/id/{number}/more")
async def prolong(request: Request, me: Me, services: Given, number: Number) -> Response:
    """Some minutes more, counted from its end."""
    form = await read_form(request)
    now = await standing(services)
    at = services.clock()
    minutes = form.chosen("minutes", [str(minutes) for minutes in MORE_MINUTES])
    found = [one for one in await opened(services, now.policy, at) if one.number == number]
    if not minutes or not found:
        form.wrong(f"more-{number}" if found else "", t("exceptions.gone"))
        return await _list(request, services, me, form, 422)
    until = max(found[0].until, at) + int(minutes[0]) * 60
    try:
        await perform(request, ChangeException(number, until, form.text("reason")))
    except Refused as refused:
        if refused.permission:
            raise
        form.refused(refused, {"until": f"more-{number}"})
        return await _list(request, services, me, form, 422)
    return go("/exceptions", "exceptions.prolonged_done")


def _form(
    request: Request,
    services: Services,
    me: Visit,
    now: Standing,
    form: Form,
    status: int = 200,
) -> Response:
    at = services.clock()
    taxonomy = services.taxonomy
    places = _places(me, now)
    closed = [entry for entry in taxonomy.values() if entry.action == "block"]
    return render(
        request,
        "exceptions/new",
        status,
        zone=now.zone,
        form=form,
        places=places,
        bundles=[(bundle.id, bundle.title) for bundle in now.policy.bundles.values()],
        categories=[(id, entry.title) for id, entry in taxonomy.items() if entry.exemptible],
        ends=ends(now.zone, at),
        never=[entry.title for entry in closed if not entry.exemptible and not entry.parent],
        hours=_hours(me, now, places),
    )


def _places(me: Visit, now: Standing) -> list[tuple[str, str]]:
    found = places_for(me, now.policy, "exception.grant")
    if any(grant.role == "administrator" and not grant.venues for grant in me.person.roles):
        found.append((EVERYWHERE, t("exceptions.everywhere")))
    return found


def _hours(me: Visit, now: Standing, places: list[tuple[str, str]]) -> int:
    """The longest exception they may grant somewhere."""
    maxima = now.policy.exception_hours_max
    venues = my_venues(me, now.policy, "exception.grant")
    roles = me.person.roles
    each = (exception_hours_max(roles, frozenset({venue}), maxima) for venue in venues)
    return max(each, default=0) if places else 0


def _concerns(me: Visit, one: Opened) -> bool:
    """Whether it is of a venue of theirs, or of none in particular."""
    return one.venue is None or any(grant.covers(one.venue) for grant in me.person.roles)


def _may(me: Visit, action: str, one: Opened) -> bool:
    if one.state == "over":
        return False
    if one.venue is not None:
        return may(me, action, one.venue)
    return any(grant.role == "administrator" and not grant.venues for grant in me.person.roles)


async def _waiting(services: Services, me: Visit, now: Standing, at: float) -> int:
    """Requests of learners that wait for somebody like them."""
    if not may(me, "request.decide"):
        return 0
    async with services.store.reading() as connection:
        waiting = await requests.queue(connection, at)
    return sum(may(me, "request.decide", one.venue) for one in waiting)
