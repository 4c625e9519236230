"""`/sign-in/openid`: to the provider and back.

The browser keeps the secret of its voyage in a cookie that survives the way back (SameSite=Lax):
an answer that another browser set out for fits no cookie here, and is not looked at.
"""

from __future__ import annotations

import hmac
import logging
from typing import Final
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from policy.commands.command import Refused
from portal.accounts.secrets import new_secret
from portal.openid.arrivals import NotOurs
from portal.openid.provider import Provider, ProviderFault, ProviderSilent, Voyage
from portal.pages.signing_in import local
from portal.rendering import go, render
from portal.security import (
    cookie,
    forget_cookie,
    place_of,
    session_cookie,
    set_cookie,
)
from portal.services import Given, PortalSettings, Services
from portal.words import t

router = APIRouter()

RETURN_PATH: Final = "/sign-in/openid/return"
VOYAGE_SECONDS_MAX: Final = 900
"""How long somebody may take at the provider."""
NEXT_CHARACTERS_MAX: Final = 500
CODE_CHARACTERS_MAX: Final = 4_000
_LOG: Final = logging.getLogger("lychgate.portal")


@router.get("/sign-in/openid")
async def set_out(request: Request, services: Given, next: str = "") -> Response:
    """Send the browser to the provider."""
    provider = _provider(services)
    at = services.clock()
    if not services.accounts.may_try(place_of(request), at):
        return _say(request, 429, "sign-in.slow-down")
    voyage = Voyage(new_secret())
    try:
        target = await provider.way_there(voyage, _back(request, services), at)
    except ProviderFault as fault:
        _LOG.warning("OpenID Connect: %s", fault)
        return _say(request, 503, "openid.silent")
    answer = RedirectResponse(target, 303)
    there = quote(local(next[:NEXT_CHARACTERS_MAX]), safe="")
    settings = services.settings
    value = f"{int(at)}.{voyage.secret}.{there}"
    set_cookie(answer, settings, _cookie_name(settings), value, seconds=VOYAGE_SECONDS_MAX)
    return answer


@router.get(RETURN_PATH)
async def come_back(request: Request, services: Given) -> Response:
    """Believe the provider, once everything fits."""
    provider, settings = _provider(services), services.settings
    answer = await _come_in(request, services, provider)
    forget_cookie(answer, settings, _cookie_name(settings))
    return answer


@router.get("/sign-in/openid/sign-out")
async def leave(request: Request, services: Given) -> Response:
    """Send the browser on, to sign out at the provider too."""
    try:
        target = await _provider(services).way_out(
            f"{_base(request, services)}/sign-in", services.clock()
        )
    except ProviderFault as fault:
        _LOG.warning("OpenID Connect: %s", fault)
        return _say(request, 503, "openid.silent")
    return RedirectResponse(target, 303) if target else go("/sign-in")


async def _come_in(request: Request, services: Services, provider: Provider) -> Response:
    at, query = services.clock(), request.query_params
    held = cookie(request.scope, _cookie_name(services.settings), 4 * NEXT_CHARACTERS_MAX)
    began, _, rest = held.partition(".")
    secret, _, there = rest.partition(".")
    fresh = began.isdigit() and len(began) < 15 and 0 <= at - int(began) <= VOYAGE_SECONDS_MAX
    state = query.get("state", "")
    voyage = Voyage(secret)
    fits = state.isascii() and hmac.compare_digest(state, voyage.state)
    if not fresh or not secret or not fits:
        return _say(request, 400, "openid.old")
    if not services.accounts.may_try(place_of(request), at):
        return _say(request, 429, "sign-in.slow-down")
    code = query.get("code", "")
    if not code or len(code) > CODE_CHARACTERS_MAX:
        return _say(request, 403, "openid.denied")
    back = _back(request, services)
    assert services.arrivals is not None  # there is a provider
    try:
        said = query.get("iss", "")
        claims = await provider.claims(voyage, code, back, at, said_issuer=said)
        id = await services.arrivals.arrive(claims, at)
    except ProviderSilent as fault:
        _LOG.warning("OpenID Connect: %s", fault)
        return _say(request, 503, "openid.silent")
    except ProviderFault as fault:
        _LOG.warning("OpenID Connect: %s", fault)
        await services.accounts.care.note_refused(str(fault), at)
        return _say(request, 403, "openid.wrong")
    except NotOurs as fault:
        await services.accounts.care.note_refused(fault.why, at)
        return _say(request, 403, fault.reason)
    except Refused as fault:
        _LOG.warning("OpenID Connect: %s", "; ".join(fault.faults)[:500])
        return _say(request, 403, "openid.refused")
    person = await services.accounts.person(id)
    if person is None:
        return _say(request, 403, "openid.unknown")
    method = "oidc"
    session = await services.accounts.welcome(person, place=place_of(request), at=at, method=method)
    answer = go(local(unquote(there)))
    set_cookie(answer, services.settings, session_cookie(services.settings), session)
    return answer


def _provider(services: Services) -> Provider:
    if services.openid is None:
        raise HTTPException(404)
    return services.openid


def _base(request: Request, services: Services) -> str:
    """How browsers call us; the gate has looked at the name they said."""
    return services.settings.public_url or f"http://{request.headers.get('host', '')}"


def _back(request: Request, services: Services) -> str:
    return _base(request, services) + RETURN_PATH


def _cookie_name(settings: PortalSettings) -> str:
    return "__Host-lychgate-openid" if settings.is_encrypted else "lychgate-openid"


def _say(request: Request, status: int, reason: str) -> Response:
    title = t("openid.title")
    return render(request, "openid", status, title=title, text=t(reason))
