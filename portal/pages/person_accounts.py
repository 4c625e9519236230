"""`/people/id/PERSON/...`: what others do to somebody's account.

Nobody does it to their own here: for that there is `/account`, which asks for the password.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from portal.accounts.links import INVITATION_SECONDS
from portal.accounts.visits import Visit
from portal.forms import read_form
from portal.identity import actor_of
from portal.overseeing import require_over
from portal.pages.people import Overseer
from portal.rendering import go, render
from portal.services import Given, Services
from portal.standing_policy import Standing, standing

router = APIRouter()


@router.post("/people/id/{person}/link")
async def give_link(request: Request, me: Overseer, services: Given, person: str) -> Response:
    """A link to choose a password. It is the answer itself and no redirect: nothing keeps it."""
    now = await _over(me, services, person)
    at = services.clock()
    secret = await services.accounts.invite(actor_of(me), person, at)
    base = services.settings.public_url or str(request.base_url).rstrip("/")
    return render(
        request,
        "people/link",
        zone=now.zone,
        person=now.policy.people[person],
        link=f"{base}/link/{secret}",
        until=at + INVITATION_SECONDS,
    )


Deed = Callable[[Services, Visit, str, float], Awaitable[None]]


async def _unlock(services: Services, me: Visit, person: str, at: float) -> None:
    await services.accounts.care.unlock(actor_of(me), person, at)


async def _drop_factor(services: Services, me: Visit, person: str, at: float) -> None:
    await services.accounts.drop_second_factor(actor_of(me), person, at)


async def _end_sessions(services: Services, me: Visit, person: str, at: float) -> None:
    await services.accounts.end_sessions(actor_of(me), person, at)


async def _require_change(services: Services, me: Visit, person: str, at: float) -> None:
    await services.accounts.require_change(actor_of(me), person, at)


async def _unbind(services: Services, me: Visit, person: str, at: float) -> None:
    await services.accounts.care.unbind(actor_of(me), person, at)


DEEDS: Final[dict[str, tuple[Deed, str]]] = {
    "unlock": (_unlock, "people.unlocked_done"),
    "no-second-factor": (_drop_factor, "people.factor_done"),
    "end-sessions": (_end_sessions, "people.sessions_done"),
    "unbind": (_unbind, "openid.unbound_done"),
    "new-password": (_require_change, "people.new_password_done"),
}


@router.post("/people/id/{person}/account")
async def change_account(request: Request, me: Overseer, services: Given, person: str) -> Response:
    """One of `DEEDS`, by the button that was pressed."""
    form = await read_form(request)
    await _over(me, services, person)
    chosen = form.chosen("deed", DEEDS)
    if not chosen:
        raise HTTPException(404)
    deed, notice = DEEDS[chosen[0]]
    await deed(services, me, person, services.clock())
    return go(f"/people/id/{person}", notice)


async def _over(me: Visit, services: Services, person: str) -> Standing:
    now = await standing(services)
    if person == me.person.id:
        raise HTTPException(404)
    await require_over(me, services, now, person)
    return now
