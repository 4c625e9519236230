"""`/rules/essentials`: own sites that no list may close."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from policy.commands.command import Command
from policy.commands.essentials import AddEssential, RemoveEssential
from policy.store.reading import read_entries
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Allowed
from portal.pages.why import name_in
from portal.rendering import render
from portal.services import Given, Services
from portal.words import t

router = APIRouter()

SITE_CHARACTERS_MAX: Final = 300
PATH: Final = "/rules/essentials"
Reader = Annotated[Visit, Depends(Allowed("policy.read"))]
Adder = Annotated[Visit, Depends(Allowed("essential.add"))]
Remover = Annotated[Visit, Depends(Allowed("essential.remove"))]


@router.get(PATH)
async def show(request: Request, me: Reader, services: Given) -> Response:
    """The essentials of one's own, and the form for another one."""
    site = request.query_params.get("site", "")[:SITE_CHARACTERS_MAX]
    return await _show(request, services, Form.filled(site=site))


@router.post(PATH)
async def add(request: Request, me: Adder, services: Given) -> Response:
    """Add a site."""
    form = await read_form(request)
    site = name_in(form.text("site", "essentials.site_missing", SITE_CHARACTERS_MAX))
    reason = form.text("reason", "essentials.reason_missing")
    answer = await carry_out(
        request,
        form,
        AddEssential(site, reason),
        title=t("essentials.confirm_add", site=site),
        back=PATH,
        notice="essentials.added_done",
        fields={"essentials": "site", "sites": "site"},
        asks_reason=False,
    )
    return answer or await _show(request, services, form, 422 if form.errors else 200)


@router.get(f"{PATH}/remove")
async def ask_to_remove(request: Request, me: Remover, services: Given) -> Response:
    """What would happen without a site."""
    site = request.query_params.get("site", "")[:SITE_CHARACTERS_MAX]
    return await _remove(request, services, Form.filled(site=site))


@router.post(f"{PATH}/remove")
async def remove(request: Request, me: Remover, services: Given) -> Response:
    """Let lists decide about a site again."""
    return await _remove(request, services, await read_form(request))


async def _remove(request: Request, services: Services, form: Form) -> Response:
    site = form.text("site", "essentials.site_missing", SITE_CHARACTERS_MAX)
    command: Command = RemoveEssential(site, reason_of(form))
    answer = await carry_out(
        request,
        form,
        command,
        title=t("essentials.confirm_remove", site=site),
        back=PATH,
        notice="essentials.removed_done",
        is_grave=True,
    )
    return answer or await _show(request, services, form, 422 if form.errors else 200)


async def _show(request: Request, services: Services, form: Form, status: int = 200) -> Response:
    async with services.store.reading() as connection:
        own = await read_entries(connection, "essentials")
    return render(request, "essentials/list", status, form=form, own=own)
