"""`/why`: what happens to a name, for whom, when, and why; what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from portal.accounts.visits import Visit
from portal.deciding.listed import traces_of
from portal.deciding.pasted import read_pasted
from portal.deciding.scopes import Places, read_places
from portal.forms import Form
from portal.identity import Allowed
from portal.rendering import Area, render, zone_of
from portal.services import Given, Services
from portal.words import t

router = APIRouter()
area = Area("/why", "why.navigation", order=10, group="sites")

FIELD_CHARACTERS_MAX: Final = 300
_FIELDS: Final = ("name", "client", "place", "at")
_KINDS: Final = ("profile", "venue", "room", "device")
_STARTER: Final = "starter:"
Reader = Annotated[Visit, Depends(Allowed("policy.read"))]


@router.get("/why")
async def show_why(request: Request, me: Reader, services: Given) -> Response:
    """The question, and the answer to it."""
    typed = {name: request.query_params.get(name, "")[:FIELD_CHARACTERS_MAX] for name in _FIELDS}
    form = Form.filled(**typed)
    places = await read_places(services)
    shown: dict[str, Any] = {"groups": places.groups(_KINDS), "found": None}
    if typed["name"].strip():
        shown |= await _answer(form, services, places)
    elif "name" in request.query_params:
        form.wrong("name", t("why.name_missing"))
    status = 422 if form.errors else 200
    return render(request, "why", status, form=form, zone=await zone_of(services), **shown)


async def _answer(form: Form, services: Services, places: Places) -> dict[str, Any]:
    name = name_in(form.text("name"))
    client, place = form.text("client"), form.text("place")
    if client:
        place = ""  # an address says more than where it may be
    try:
        found = await services.explain(
            name, client, form.text("at") or None, place=place or ("" if client else "organisation")
        )
    except ValueError as fault:
        field, said = _field_of(str(fault))
        form.wrong(field, said)
        return {}
    traces = await traces_of(services, found["name"])
    decision = found["decision"]
    category = services.taxonomy.get(decision["category"] or "")
    names = {**found["client"], "category": category}
    scope = scope_of(found["client"], place)
    query = {"names": found["name"], "scope": scope}
    return {
        "found": found,
        "traces": traces or (),
        "readable": traces is not None,
        "starters": [one for one in decision["sources"] if one.startswith(_STARTER)],
        "category": category,
        "because": because(found),
        "at": _spoken(found["at"]),
        "until": _spoken(decision["valid_until"]),
        "who": _who(names, places),
        "allow_query": urlencode({"action": "allow", **query}),
        "deny_query": urlencode({"action": "deny", **query}),
    }


def name_in(text: str) -> str:
    """The name in what was typed, which may be an address of a page."""
    found = read_pasted(text)
    return found[0].text if len(found) == 1 else text


def because(found: Mapping[str, Any]) -> str:
    """Why, in one sentence."""
    if not found["client"]["served"]:
        return t("why.not_served")
    if found["happens"] == "answered here":
        return t("why.special")
    return str(found["decision"]["note"])


def scope_of(client: Mapping[str, Any], place: str) -> str:
    """The widest scope that a rule for this client, and nobody's else at other venues, has."""
    if place.startswith(("profile:", "device:", "room:")):
        return place
    return "organisation" if client["venue"] == "unknown" else f"venue:{client['venue']}"


def _spoken(text: str | None) -> str:
    """`21 November 2026, 11:08` of a local ISO time; "" for none."""
    if text is None:
        return ""
    local = datetime.fromisoformat(text)
    return f"{local.day} {local:%B %Y, %H:%M}"


def _field_of(fault: str) -> tuple[str, str]:
    """The field that a fault of `explain` is about, and the rest of it."""
    where, _, rest = fault.partition(": ")
    field = {"NAME": "name", "--client": "client", "--at": "at", "place": "place"}.get(where)
    return (field, rest) if field and rest else ("", fault)


def _who(client: Mapping[str, Any], places: Places) -> list[str]:
    """Who is asking, in a few words each."""
    said = []
    if client["address"]:
        hostname = client["hostname"]
        said.append(f"{hostname} ({client['address']})" if hostname else client["address"])
    if client["device"]:
        said.append(t("why.device", title=places.word(f"device:{client['device']}")))
    if client["room"]:
        said.append(places.word(f"room:{client['venue']}/{client['room']}"))
    elif client["venue"] == "unknown":
        said.append(t("why.no_venue"))
    else:
        said.append(places.word(f"venue:{client['venue']}"))
    said.append(t("why.profile", title=places.word(f"profile:{client['profile']}")))
    if client["withdrawn"]:
        said.append(t("why.withdrawn"))
    return said
