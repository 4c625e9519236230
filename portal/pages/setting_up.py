"""`/set-up` and `/choose-password`: what one-time links lead to.

The secret of a link moves from the address into a cookie at once, so that it stays in no history of
the pages that follow, no log and no `Referer`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from policy.commands.command import Refused
from portal.accounts.links import Link
from portal.accounts.passwords import weakness
from portal.accounts.setting_up import LINK_GONE
from portal.forms import Form, read_form
from portal.rendering import go, render
from portal.security import cookie, forget_cookie, place_of, session_cookie, set_cookie
from portal.services import Given, PortalSettings, Services
from portal.words import t

router = APIRouter()

_ID: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,63}")


@router.get("/link/{secret}")
async def open_link(services: Given, secret: str, request: Request) -> Response:
    """Take a link's secret out of the address, and go where it leads."""
    at = services.clock()
    link = await services.accounts.link(secret, at)
    if link is not None:
        answer = go("/set-up" if link.person_id is None else "/choose-password")
    elif await services.accounts.entry_person(secret, at) is not None:
        answer = go("/come-in")
    else:
        return _gone(request)
    set_cookie(answer, services.settings, _cookie_name(services.settings), secret)
    return answer


@router.get("/set-up")
async def ask_first(request: Request, services: Given) -> Response:
    """The form for the first administrator."""
    link = await _link(request, services)
    if link is None or link.person_id is not None:
        return _gone(request)
    return render(request, "account/set_up")


@router.post("/set-up")
async def set_up(request: Request, services: Given) -> Response:
    """Make the first administrator."""
    link = await _link(request, services)
    if link is None or link.person_id is not None:
        return _gone(request)
    form = await read_form(request)
    name = form.text("name", "set-up.name_missing", 100)
    id = form.text("id", "", 100).lower()
    email = form.text("email", "", 320)
    if not _ID.fullmatch(id):
        form.wrong("id", t("set-up.id_wrong"))
    if email and not _EMAIL.fullmatch(email):
        form.wrong("email", t("set-up.email_wrong"))
    password = new_password(form, (name, id, email))
    if form.errors:
        return render(request, "account/set_up", 422, form=form)
    secret = _secret(request, services)
    try:
        await services.accounts.set_up(
            secret, id=id, name=name, email=email, password=password, at=services.clock()
        )
    except Refused as refused:
        if LINK_GONE in refused.faults:
            return _gone(request)
        form.refused(refused, {"people": "id", id: "id"})
        return render(request, "account/set_up", 422, form=form)
    return _finished(services, "set-up.done")


@router.get("/choose-password")
async def ask_choice(request: Request, services: Given) -> Response:
    """The form for somebody who got a link."""
    return await _choose(request, services, None)


@router.post("/choose-password")
async def choose(request: Request, services: Given) -> Response:
    """Take the password they chose."""
    return await _choose(request, services, await read_form(request))


@router.get("/come-in")
async def ask_entry(request: Request, services: Given) -> Response:
    """A button for whoever has a link made at the machine: a mere look must not use it up."""
    person = await services.accounts.entry_person(_secret(request, services), services.clock())
    return _gone(request) if person is None else render(request, "account/come_in", person=person)


@router.post("/come-in")
async def come_in(request: Request, services: Given) -> Response:
    """Sign in with the link."""
    secret = _secret(request, services)
    session = await services.accounts.come_in(secret, place=place_of(request), at=services.clock())
    if session is None:
        return _gone(request)
    answer = go("/")
    forget_cookie(answer, services.settings, _cookie_name(services.settings))
    set_cookie(answer, services.settings, session_cookie(services.settings), session)
    return answer


def new_password(form: Form, names: Sequence[str]) -> str:
    """A password that was typed twice, in the fields `password` and `again`."""
    password = form.secret("password", "password.missing")
    weak = weakness(password, names)
    if weak is not None:
        form.wrong("password", t(weak))
    elif form.secret("again") != password:
        form.wrong("again", t("password.differ"))
    return password


async def _choose(request: Request, services: Services, form: Form | None) -> Response:
    link = await _link(request, services)
    id = None if link is None else link.person_id
    person = None if id is None else await services.accounts.person(id)
    if person is None:
        return _gone(request)
    if form is None:
        return render(request, "account/choose", person=person)
    password = new_password(form, (person.id, person.name, person.email))
    if form.errors:
        return render(request, "account/choose", 422, person=person, form=form)
    secret = _secret(request, services)
    if not await services.accounts.accept(secret, password, services.clock()):
        return _gone(request)
    return _finished(services, "choose.done")


async def _link(request: Request, services: Services) -> Link | None:
    secret = _secret(request, services)
    return await services.accounts.link(secret, services.clock()) if secret else None


def _secret(request: Request, services: Services) -> str:
    return cookie(request.scope, _cookie_name(services.settings))


def _cookie_name(settings: PortalSettings) -> str:
    return "__Host-lychgate-link" if settings.is_encrypted else "lychgate-link"


def _finished(services: Services, notice: str) -> Response:
    answer = go("/sign-in", notice)
    forget_cookie(answer, services.settings, _cookie_name(services.settings))
    return answer


def _gone(request: Request) -> Response:
    title, text = t("set-up.gone_title"), t("set-up.gone")
    return render(request, "error", 404, title=title, text=text, faults=None)
