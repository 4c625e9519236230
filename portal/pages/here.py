"""`/here`: what is blocked where somebody is, asking for a review, seeing the answer, help.

Nobody signs in. Who they are is told by their address, which is looked at and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from categoriser.taxonomy import Category
from policy.commands.command import Refused
from policy.commands.requests import WHY_CHARACTERS_MAX, TooManyAsked
from policy.entries import ORGANISATION
from policy.requests import ASKED_FOR, PASTED_CHARACTERS_MAX, AskedFor, host_of
from policy.types import Action
from policy.view import View
from portal.asking import Flood, Visitor, ask, look_up, visitor_of
from portal.forms import Form, read_form
from portal.opened import Opened, opened
from portal.rendering import render, zone_of
from portal.services import Given, Services
from portal.words import t

SITE_CHARACTERS_SHOWN: Final = 300

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a category stands now, and what becomes of it next."""

    category: Category
    action: Action
    changes_at: float | None
    """POSIX seconds; None: no change is known."""
    becomes: Action | None


@router.get("/here")
async def show_here(request: Request, services: Given) -> Response:
    """What is blocked here now, and why."""
    visitor = await visitor_of(request, services)
    at = services.clock()
    categories = list(_standing(visitor, at))
    return render(
        request,
        "here/here",
        zone=await zone_of(services),
        visitor=visitor,
        profile=visitor.policy.profiles[visitor.client.profile],
        blocked=[one for one in categories if one.action == "block"],
        warned=[one for one in categories if one.action == "warn"],
        open_now=await _open_here(services, visitor, at),
    )


@router.get("/here/ask")
async def show_ask(
    request: Request, services: Given, kind: str = "open", site: str = ""
) -> Response:
    """The form; `site` may be filled in by a link from the block page."""
    kind = kind if kind in ASKED_FOR else "open"
    try:
        site = host_of(site) if site else ""
    except ValueError:
        site = site[:SITE_CHARACTERS_SHOWN]
    return await _ask_form(request, services, Form.filled(kind=kind, site=site))


@router.post("/here/ask")
async def send_request(request: Request, services: Given) -> Response:
    """Take a request in; the answer is the code, and no redirect: nothing keeps it."""
    form = await read_form(request)
    kind = next(iter(form.chosen("kind", ASKED_FOR)), "open")
    site = form.text("site", "here.site_missing", PASTED_CHARACTERS_MAX)
    why = form.text("why", "", WHY_CHARACTERS_MAX)
    if not form.errors:
        try:
            asked = await ask(request, services, _kind(kind), site, why)
            return render(request, "here/asked", asked=asked, kind=kind)
        except (Flood, TooManyAsked):
            form.wrong("", t("here.too_many"))
            return await _ask_form(request, services, form, 429)
        except Refused:
            form.wrong("site", t("here.site_wrong"))
    return await _ask_form(request, services, form, 422)


@router.get("/here/answer")
async def show_answer_form(request: Request) -> Response:
    """Where a code is typed."""
    return render(request, "here/answer", found=None)


@router.post("/here/answer")
async def show_answer(request: Request, services: Given) -> Response:
    """What became of a request; by a form, so that codes stay out of addresses and histories."""
    form = await read_form(request)
    code = form.text("code", "here.code_missing", 100)
    if form.errors:
        return render(request, "here/answer", 422, form=form, found=None)
    try:
        found = await look_up(request, services, code)
    except Flood:
        form.wrong("code", t("here.too_many_codes"))
        return render(request, "here/answer", 429, form=form, found=None)
    if found is None:
        form.wrong("code", t("here.code_wrong"))
        return render(request, "here/answer", 422, form=form, found=None)
    waits = found.waits(services.clock())
    state: str = found.outcome or "lapsed"
    if waits:
        state = "forwarded" if found.forwarded else "waiting"
    zone = await zone_of(services)
    return render(request, "here/answer", found=found, state=state, zone=zone)


@router.get("/here/help")
async def show_help(request: Request, services: Given) -> Response:
    """Where to turn to."""
    visitor = await visitor_of(request, services)
    ours = visitor.policy.help_links
    categories = [
        (entry.title, (*ours.get(entry.id, ()), *entry.help))
        for entry in services.taxonomy.values()
        if entry.help or entry.id in ours
    ]
    own = visitor.policy.pages.get(ORGANISATION, "")
    links = ours.get(ORGANISATION, ())
    return render(
        request, "here/help", visitor=visitor, categories=categories, own=own, links=links
    )


async def _ask_form(
    request: Request, services: Services, form: Form, status: int = 200
) -> Response:
    visitor = await visitor_of(request, services)
    return render(request, "here/ask", status, form=form, visitor=visitor)


def _kind(word: str) -> AskedFor:
    return "close" if word == "close" else "open"


def _standing(visitor: Visitor, at: float) -> Iterator[Standing]:
    """Every category that does not do what the one above it does."""
    policy = visitor.policy
    view = policy.view(visitor.client, at)
    later: dict[float, View] = {}
    for id, category in policy.taxonomy.items():
        above = category.parent
        if above is not None and _like(view, id, above):
            continue
        changes_at = view.changes.get(id)
        becomes = None
        if changes_at is not None:
            then = later.setdefault(changes_at, policy.view(visitor.client, changes_at))
            becomes = then.actions[id]
        yield Standing(category, view.actions[id], changes_at, becomes)


def _like(view: View, one: str, other: str) -> bool:
    same = view.actions[one] == view.actions[other]
    return same and view.changes.get(one) == view.changes.get(other)


async def _open_here(services: Services, visitor: Visitor, at: float) -> list[Opened]:
    """What an exception opens where they are, now."""
    if not visitor.is_known:
        return []
    venue, room = visitor.client.venue, visitor.client.room
    places = {"organisation", f"venue:{venue}", f"room:{venue}/{room}"}
    found = await opened(services, visitor.policy, at)
    return [one for one in found if one.where in places and one.state == "open"]
