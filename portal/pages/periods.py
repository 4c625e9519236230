"""`/profiles/id/PROFILE/periods`: stretches of the week in which some categories differ.

A period is known by its name, which people choose: it stands in the query and in forms, never in
the path.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from categoriser.taxonomy import Taxonomy
from policy.calendar import WHEN
from policy.commands.profiles import AddPeriod, ChangePeriod, RemovePeriod
from policy.types import ACTIONS, Profile
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Me
from portal.pages.profiles import actions_in, grid, known_profile
from portal.rendering import render
from portal.services import Given
from portal.standing_policy import Standing, standing
from portal.timetables import DAYS
from portal.words import t

router = APIRouter()

NAME_CHARACTERS_MAX: Final = 60


@router.get("/profiles/id/{profile}/periods/add")
async def ask_period(request: Request, me: Me, services: Given, profile: str) -> Response:
    """The form for a new period."""
    known = known_profile(await standing(services), profile)
    form = Form.filled(days=DAYS[:5], when="any")
    return _form(request, services.taxonomy, known, "", form)


@router.post("/profiles/id/{profile}/periods/add")
async def add_period(request: Request, me: Me, services: Given, profile: str) -> Response:
    """Add a period after the others: where two hold at once the later counts."""
    form = await read_form(request)
    known = known_profile(await standing(services), profile)
    body = _body(form, services.taxonomy)
    answer = await carry_out(
        request,
        form,
        AddPeriod(profile, body, reason_of(form)),
        title=t("periods.add_title", title=known.title),
        back=f"/profiles/id/{profile}",
        notice="periods.added_done",
        fields={"periods": "name"},
    )
    return answer or _form(request, services.taxonomy, known, "", form)


@router.get("/profiles/id/{profile}/periods/change")
async def ask_change(request: Request, me: Me, services: Given, profile: str) -> Response:
    """The form with what the period has."""
    now = await standing(services)
    known, body = _period(now, profile, request.query_params.get("name", ""))
    actions = {f"action-{id}": action for id, action in body.get("actions", {}).items()}
    filled: dict[str, Any] = {
        "name": body["name"],
        "days": body["days"],
        "from": body["from"][:5],
        "to": body["to"][:5],
        "when": body.get("when", "any"),
        **actions,
    }
    return _form(request, services.taxonomy, known, body["name"], Form.filled(**filled))


@router.post("/profiles/id/{profile}/periods/change")
async def change_period(request: Request, me: Me, services: Given, profile: str) -> Response:
    """Another period in its place."""
    form = await read_form(request)
    known, old = _period(await standing(services), profile, request.query_params.get("name", ""))
    name = old["name"]
    answer = await carry_out(
        request,
        form,
        ChangePeriod(profile, name, _body(form, services.taxonomy), reason_of(form)),
        title=t("periods.change_title", name=name),
        back=f"/profiles/id/{profile}",
        notice="periods.changed_done",
    )
    return answer or _form(request, services.taxonomy, known, name, form)


@router.post("/profiles/id/{profile}/periods/remove")
async def remove_period(request: Request, me: Me, services: Given, profile: str) -> Response:
    """Take a period away."""
    form = await read_form(request)
    _, old = _period(await standing(services), profile, form.text("name"))
    answer = await carry_out(
        request,
        form,
        RemovePeriod(profile, old["name"], reason_of(form)),
        title=t("periods.remove_title", name=old["name"]),
        back=f"/profiles/id/{profile}/periods/change?name={quote(old['name'], safe='')}",
        then=f"/profiles/id/{profile}",
        notice="periods.removed_done",
        is_grave=True,
    )
    return answer or render(
        request, "cannot", 422, form=form, title=t("periods.remove_title", name=old["name"]),
        back=f"/profiles/id/{profile}",
    )  # fmt: skip


def _period(now: Standing, profile: str, name: str) -> tuple[Profile, dict[str, Any]]:
    """A period as it is written, or the page that says there is none."""
    known = known_profile(now, profile)
    for body in now.raw["profiles"][profile].get("periods", ()):
        if body["name"] == name:
            return known, body
    raise HTTPException(404)


def _body(form: Form, taxonomy: Taxonomy) -> dict[str, Any]:
    body = {
        "name": form.text("name", "periods.name_missing", NAME_CHARACTERS_MAX),
        "days": form.chosen("days", DAYS, "periods.days_missing"),
        "from": form.text("from", "periods.from_missing"),
        "to": form.text("to", "periods.to_missing"),
        "when": next(iter(form.chosen("when", WHEN)), "any"),
        "actions": {id: action for id, action in actions_in(form, taxonomy).items() if action},
    }
    if not body["actions"]:
        form.wrong("actions", t("periods.actions_missing"))
    return body


def _form(
    request: Request, taxonomy: Taxonomy, profile: Profile, name: str, form: Form
) -> Response:
    return render(
        request,
        "profiles/period",
        422 if form.errors else 200,
        form=form,
        profile=profile,
        name=name,
        days=DAYS,
        whens=WHEN,
        groups=grid(profile, taxonomy),
        actions=ACTIONS,
    )
