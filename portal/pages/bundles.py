"""`/rules/bundles`: platforms with their supporting hosts, those that ship and one's own."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from policy.bundles import shipped_bundles
from policy.commands.bundles import AddBundle, ChangeBundle, RemoveBundle
from policy.commands.command import Command
from policy.store.reading import read_entries
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.deciding.pasted import read_pasted
from portal.forms import Form, read_form
from portal.identity import Allowed
from portal.rendering import render
from portal.services import Given, Services
from portal.words import t

router = APIRouter()

ID_CHARACTERS_MAX: Final = 60
SITES_CHARACTERS_MAX: Final = 60_000
PATH: Final = "/rules/bundles"
Reader = Annotated[Visit, Depends(Allowed("policy.read"))]
Adder = Annotated[Visit, Depends(Allowed("bundle.add"))]
Changer = Annotated[Visit, Depends(Allowed("bundle.change"))]
Remover = Annotated[Visit, Depends(Allowed("bundle.remove"))]


@router.get(PATH)
async def show(request: Request, me: Reader, services: Given) -> Response:
    """Every bundle there is."""
    own = await own_bundles(services)
    shipped = {id: one for id, one in shipped_bundles().items() if id not in own}
    return render(request, "bundles/list", own=own, shipped=shipped)


@router.get(f"{PATH}/add")
async def ask(request: Request, me: Adder) -> Response:
    """The form for a new one; filled from a shipped one, to put another in its place."""
    form = Form()
    shipped = shipped_bundles().get(request.query_params.get("like", ""))
    if shipped is not None:
        sites = "\n".join(site.text for site in shipped.sites)
        form = Form.filled(id=shipped.id, title=shipped.title, sites=sites)
    return render(request, "bundles/form", form=form, bundle="")


@router.post(f"{PATH}/add")
async def add(request: Request, me: Adder) -> Response:
    """Add one."""
    form = await read_form(request)
    title = form.text("title", "bundles.title_missing")
    id = form.text("id", characters_max=ID_CHARACTERS_MAX) or _id_of(title)
    command = AddBundle(id, {"title": title, "sites": _sites(form)}, reason_of(form))
    answer = await carry_out(
        request,
        form,
        command,
        title=t("bundles.confirm_add", title=title),
        back=PATH,
        notice="bundles.added_done",
        fields={"bundles": "id"},
    )
    status = 422 if form.errors else 200
    return answer or render(request, "bundles/form", status, form=form, bundle="")


@router.get(f"{PATH}/change")
async def ask_to_change(request: Request, me: Changer, services: Given) -> Response:
    """The form of one's own bundle."""
    id, body = await _known(services, request.query_params.get("id", ""))
    sites = "\n".join(body.get("sites", ()))
    form = Form.filled(title=str(body.get("title", id)), sites=sites)
    return render(request, "bundles/form", form=form, bundle=id)


@router.post(f"{PATH}/change")
async def change(request: Request, me: Changer, services: Given) -> Response:
    """Change one's own bundle."""
    form = await read_form(request)
    id, _ = await _known(services, form["bundle"])
    title = form.text("title", "bundles.title_missing")
    command = ChangeBundle(id, {"title": title, "sites": _sites(form)}, reason_of(form))
    answer = await carry_out(
        request,
        form,
        command,
        title=t("bundles.confirm_change", title=title),
        back=PATH,
        notice="bundles.changed_done",
    )
    status = 422 if form.errors else 200
    return answer or render(request, "bundles/form", status, form=form, bundle=id)


@router.get(f"{PATH}/remove")
async def ask_to_remove(request: Request, me: Remover, services: Given) -> Response:
    """What would happen without it."""
    return await _remove(request, services, Form.filled(bundle=request.query_params.get("id", "")))


@router.post(f"{PATH}/remove")
async def remove(request: Request, me: Remover, services: Given) -> Response:
    """Give one's own bundle up."""
    return await _remove(request, services, await read_form(request))


async def own_bundles(services: Services) -> dict[str, dict[str, Any]]:
    """The bundles of the organisation, by id."""
    async with services.store.reading() as connection:
        return dict(await read_entries(connection, "bundles"))


async def _remove(request: Request, services: Services, form: Form) -> Response:
    id, body = await _known(services, form["bundle"])
    command: Command = RemoveBundle(id, reason_of(form))
    answer = await carry_out(
        request,
        form,
        command,
        title=t("bundles.confirm_remove", title=body.get("title", id)),
        back=PATH,
        notice="bundles.removed_done",
        is_grave=True,
    )
    if answer is not None:
        return answer
    form = Form.filled(title=str(body.get("title", id)), sites="\n".join(body.get("sites", ())))
    return render(request, "bundles/form", form=form, bundle=id)


async def _known(services: Services, id: str) -> tuple[str, dict[str, Any]]:
    own = await own_bundles(services)
    if id not in own:
        raise HTTPException(404)
    return id, own[id]


def _sites(form: Form) -> list[str]:
    typed = form.text("sites", "bundles.sites_missing", SITES_CHARACTERS_MAX)
    return [one.text for one in read_pasted(typed)]


def _id_of(title: str) -> str:
    """`Crewe's Moodle` as an id: `crewe-s-moodle`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:ID_CHARACTERS_MAX].strip("-")
