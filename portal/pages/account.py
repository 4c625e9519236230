"""`/account`: what somebody sees and changes of their own account."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from portal.accounts.accounts import SignInRefused
from portal.forms import Form, read_form
from portal.identity import Known, Me, actor_of
from portal.pages.setting_up import new_password
from portal.rendering import go, render, zone_of
from portal.security import place_of
from portal.services import Given, Services
from portal.words import t

router = APIRouter()


@router.get("/account")
async def show_account(request: Request, me: Me, services: Given) -> Response:
    """Name, roles, sessions, tokens."""
    id = me.person.id
    account = await services.accounts.account(id)
    return render(
        request,
        "account/account",
        zone=await zone_of(services),
        has_password=account is not None and account.password is not None,
        left=await services.accounts.recovery_codes_left(id),
        sessions=await services.visits.sessions(id, services.clock()),
        tokens=await services.visits.tokens(id),
    )


@router.get("/account/password")
async def ask_password(request: Request, me: Known) -> Response:
    """The form for another password."""
    return render(request, "account/password", forced=me.must_change)


@router.post("/account/password")
async def change_password(request: Request, me: Known, services: Given) -> Response:
    """Another password; whoever knew the old one is signed out everywhere else."""
    form = await read_form(request)
    old = form.secret("old", "password.missing")
    person = me.person
    password = new_password(form, (person.id, person.name, person.email))
    if old and password == old:
        form.wrong("password", t("password-change.same"))
    if not form.errors:
        await check_password(request, services, form, person.id, old, "old")
    if form.errors:
        return render(request, "account/password", 422, form=form, forced=me.must_change)
    but = "" if me.session is None else me.session.digest
    at = services.clock()
    await services.accounts.change_password(actor_of(me), password, but=but, at=at)
    return go("/account", "password-change.done")


@router.post("/account/sessions")
async def end_sessions(request: Request, me: Me, services: Given) -> Response:
    """End one session, or all but this."""
    form = await read_form(request)
    but = "" if me.session is None else me.session.digest
    digest = form.text("digest")
    await services.accounts.end_sessions(
        actor_of(me), me.person.id, services.clock(), but=but, digest=digest
    )
    return go("/account", "account.sessions_ended")


async def check_password(
    request: Request, services: Services, form: Form, person_id: str, password: str, field: str
) -> None:
    """Say beside a field if it does not hold the password of somebody who is signed in."""
    place, at = place_of(request), services.clock()
    try:
        if not await services.accounts.verify(person_id, password, place=place, at=at):
            form.wrong(field, t("password-change.old_wrong"))
    except SignInRefused as refused:
        form.wrong(field, t(refused.reason))
