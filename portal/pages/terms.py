"""`/settings/terms`: when there is teaching. A term is known by its name, which stands in the
query, never in the path.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from policy.commands.terms import AddTerm, ChangeTerm, RemoveTerm
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.pages.settings import Owner
from portal.rendering import render
from portal.services import Given
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
NAME_CHARACTERS_MAX: Final = 60


@router.get("/settings/terms")
async def show_terms(request: Request, me: Owner, services: Given) -> Response:
    """Every term, the earliest first."""
    now = await standing(services)
    terms = sorted(now.raw.get("terms", ()), key=lambda term: str(term["from"]))
    return render(request, "settings/terms", zone=now.zone, terms=terms)


@router.get("/settings/terms/add")
async def ask_term(request: Request, me: Owner) -> Response:
    """The form for a new term."""
    return _form(request, "", Form())


@router.post("/settings/terms/add")
async def add_term(request: Request, me: Owner, services: Given) -> Response:
    """Add a term."""
    form = await read_form(request)
    answer = await carry_out(
        request,
        form,
        AddTerm(_body(form), reason_of(form)),
        title=t("terms.add_title"),
        back="/settings/terms",
        notice="terms.added_done",
        fields={"terms": "name"} | await _faulty(services),
    )
    return answer or _form(request, "", form)


@router.get("/settings/terms/change")
async def ask_change(request: Request, me: Owner, services: Given) -> Response:
    """The form with what the term has."""
    term = _term(await standing(services), request.query_params.get("name", ""))
    form = Form.filled(name=term["name"], **{key: str(term[key]) for key in ("from", "to")})
    return _form(request, term["name"], form)


@router.post("/settings/terms/change")
async def change_term(request: Request, me: Owner, services: Given) -> Response:
    """Another name, or other days."""
    name = _term(await standing(services), request.query_params.get("name", ""))["name"]
    form = await read_form(request)
    answer = await carry_out(
        request,
        form,
        ChangeTerm(name, _body(form), reason_of(form)),
        title=t("terms.change_title", name=name),
        back="/settings/terms",
        notice="terms.changed_done",
        fields={"terms": "name"} | await _faulty(services),
    )
    return answer or _form(request, name, form)


@router.post("/settings/terms/remove")
async def remove_term(request: Request, me: Owner, services: Given) -> Response:
    """Take a term away: its days are holidays then."""
    form = await read_form(request)
    name = _term(await standing(services), form.text("name"))["name"]
    title = t("terms.remove_title", name=name)
    answer = await carry_out(
        request,
        form,
        RemoveTerm(name, reason_of(form)),
        title=title,
        back=f"/settings/terms/change?name={quote(name, safe='')}",
        then="/settings/terms",
        notice="terms.removed_done",
        is_grave=True,
    )
    return answer or render(request, "cannot", 422, form=form, title=title, back="/settings/terms")


async def _faulty(services: Any) -> dict[str, str]:
    """Faults of a term as a whole, such as `terms[2]`, stand beside its first day."""
    count = len((await standing(services)).raw.get("terms", ()))
    return {str(number): "from" for number in range(count + 1)}


def _term(now: Standing, name: str) -> dict[str, Any]:
    for term in now.raw.get("terms", ()):
        if term["name"] == name:
            return dict(term)
    raise HTTPException(404)


def _body(form: Form) -> dict[str, str]:
    body = {"name": form.text("name", "terms.name_missing", NAME_CHARACTERS_MAX)}
    for key, missing in (("from", "terms.from_missing"), ("to", "terms.to_missing")):
        body[key] = form.text(key, missing)
        if body[key] and not _DAY.fullmatch(body[key]):
            form.wrong(key, t("terms.day_wrong"))
    return body


def _form(request: Request, name: str, form: Form) -> Response:
    return render(request, "settings/term", 422 if form.errors else 200, form=form, name=name)
