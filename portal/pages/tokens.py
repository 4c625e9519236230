"""`/account/tokens`: making and revoking API tokens."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from policy.commands.permissions import PERMITTED
from portal.accounts.tokens import DAYS_MAX, READ, SCOPES, TITLE_CHARACTERS_MAX
from portal.accounts.visits import Visit
from portal.forms import Form, read_form
from portal.identity import Me, actor_of, may
from portal.rendering import go, render
from portal.services import Given
from portal.words import t

router = APIRouter()

_DAY_SECONDS: Final = 86_400.0


@router.get("/account/tokens/new")
async def ask(request: Request, me: Me) -> Response:
    """The form for a new token."""
    return _form(request, me, Form.filled(days="90", scopes=[READ]))


@router.post("/account/tokens/new")
async def make(request: Request, me: Me, services: Given) -> Response:
    """Make a token. It is the answer itself and no redirect: nothing keeps it."""
    form = await read_form(request)
    title = form.text("title", "token.name_missing", TITLE_CHARACTERS_MAX)
    scopes = form.chosen("scopes", [scope for scope, _ in scopes_of(me)], "token.scopes_missing")
    days = form.whole("days", 1, DAYS_MAX, "token.days_wrong")
    if form.errors or days is None:
        return _form(request, me, form, 422)
    at = services.clock()
    secret = await services.visits.make_token(
        actor_of(me), title=title, scopes=scopes, at=at, expires_at=at + days * _DAY_SECONDS
    )
    if secret is None:
        form.wrong("", t("token.too_many"))
        return _form(request, me, form, 422)
    return render(request, "account/token_made", secret=secret)


@router.post("/account/tokens/renew")
async def renew(request: Request, me: Me, services: Given) -> Response:
    """Another secret for a token; programs with the old one are out at once."""
    form = await read_form(request)
    secret = await services.visits.renew_token(actor_of(me), form.text("id"), services.clock())
    if secret is None:
        return go("/account")
    return render(request, "account/token_made", secret=secret)


@router.post("/account/tokens/revoke")
async def revoke(request: Request, me: Me, services: Given) -> Response:
    """Make a token void."""
    form = await read_form(request)
    at = services.clock()
    await services.visits.revoke_token(actor_of(me), me.person.id, form.text("id"), at)
    return go("/account", "token.revoked")


def scopes_of(me: Visit) -> list[tuple[str, str]]:
    """The scopes of which somebody may anything at all, with their words."""
    actions = [action for action in PERMITTED if may(me, action)]
    nouns = {action.partition(".")[0] for action in actions if not action.endswith(".read")}
    return [(scope, t(f"scope.{scope}")) for scope in SCOPES if scope == READ or scope in nouns]


def _form(request: Request, me: Visit, form: Form, status: int = 200) -> Response:
    return render(request, "account/token", status, form=form, scopes=scopes_of(me))
