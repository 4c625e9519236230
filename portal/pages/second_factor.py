"""`/account/second-factor`: setting a second factor up, new recovery codes, turning it off."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from portal.accounts import factors
from portal.accounts.visits import Visit
from portal.forms import Form, read_form
from portal.identity import Known, actor_of
from portal.pages.account import check_password
from portal.rendering import go, render
from portal.services import Given, Services
from portal.words import t

router = APIRouter()

_SEED: Final = re.compile(r"[A-Z2-7]{32}")
_PATH: Final = "/account/second-factor"


@router.get(_PATH)
async def show(request: Request, me: Known, services: Given) -> Response:
    """The picture to scan; or, once it is on, what may be done with it."""
    if me.has_second_factor:
        return await _show_on(request, me, services, Form())
    return _show_picture(request, me, services, Form(), factors.new_seed())


@router.post(_PATH)
async def change(request: Request, me: Known, services: Given) -> Response:
    """Turn it on with a code of it, renew its recovery codes, or turn it off: all with a password.

    The recovery codes are the answer itself and no redirect: nothing keeps them.
    """
    form = await read_form(request)
    if me.has_second_factor:
        return await _change_on(request, me, services, form)
    seed = form["seed"]
    if not _SEED.fullmatch(seed):
        return go(_PATH)
    code = form.text("code", "second-factor.missing", 20)
    password = form.secret("password", "password.missing")
    if not form.errors:
        await check_password(request, services, form, me.person.id, password, "password")
    if not form.errors:
        codes = await services.accounts.enrol(actor_of(me), seed, code, services.clock())
        if codes is not None:
            return render(request, "account/codes", codes=codes)
        form.wrong("code", t("second-factor.wrong"))
    return _show_picture(request, me, services, form, seed, 422)


async def _change_on(request: Request, me: Visit, services: Services, form: Form) -> Response:
    password = form.secret("password", "password.missing")
    if not form.errors:
        await check_password(request, services, form, me.person.id, password, "password")
    if form.errors:
        return await _show_on(request, me, services, form, 422)
    at, actor = services.clock(), actor_of(me)
    if form["do"] == "off" and not services.settings.second_factor_required:
        await services.accounts.drop_second_factor(actor, me.person.id, at)
        return go("/account", "second-factor.off_done")
    codes = await services.accounts.renew_recovery_codes(actor, at)
    return render(request, "account/codes", codes=codes)


async def _show_on(
    request: Request, me: Visit, services: Services, form: Form, status: int = 200
) -> Response:
    left = await services.accounts.recovery_codes_left(me.person.id)
    required = services.settings.second_factor_required
    return render(request, "account/factor_on", status, form=form, left=left, required=required)


def _show_picture(
    request: Request, me: Visit, services: Services, form: Form, seed: str, status: int = 200
) -> Response:
    address = factors.address_of(seed, me.person.id, t("site.name"))
    return render(
        request,
        "account/factor",
        status,
        form=form,
        seed=seed,
        picture=Markup(factors.qr_code(address, t("second-factor.qr"))),  # our own SVG
        required=services.settings.second_factor_required,
    )
