"""`/lists`: which published lists filter here, how they stand, and decisions about them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from blocklists.gates import UNUSABLE
from blocklists.sheets import SheetFault
from blocklists.sources import SourceFault
from blocklists.standing import SourceStatus
from blocklists.writing import KeepFault
from policy.commands.command import Refused
from portal.accounts.visits import Visit
from portal.deciding.list_acts import do_to_list, known_sources, want_refresh
from portal.forms import Form, read_form
from portal.identity import Allowed
from portal.rendering import Area, go, render, zone_of
from portal.services import Given, Services
from portal.words import t

router = APIRouter()
area = Area("/lists", "lists.navigation", order=30, group="sites")

ID_CHARACTERS_MAX: Final = 120
RULES_SHOWN_MAX: Final = 50
ACTS: Final = ("accept", "rollback", "enable", "disable")
Reader = Annotated[Visit, Depends(Allowed("policy.read"))]
Decider = Annotated[Visit, Depends(Allowed("list.change"))]


@router.get("/lists")
async def show_lists(request: Request, me: Reader, services: Given) -> Response:
    """Every list that is in use, or has versions here."""
    return await _list(request, services, Form())


@router.post("/lists/refresh")
async def refresh_now(request: Request, me: Decider, services: Given) -> Response:
    """Ask for a refresh; the refresh of lists, another process, does it."""
    form = await read_form(request)
    try:
        await want_refresh(request, services, me)
    except Refused as refused:
        if refused.permission:
            raise
        form.refused(refused)
        return await _list(request, services, form, 422)
    return go("/lists", "lists.refresh_done")


async def _list(request: Request, services: Services, form: Form, status: int = 200) -> Response:
    at = services.clock()
    found, readable = await statuses(services, at)
    shown = sorted(found, key=lambda one: (not one.enabled, not _worry(one), one.title))
    return render(
        request,
        "lists/list",
        status,
        form=form,
        wish=await asyncio.to_thread(services.lists.refresh_wanted),
        zone=await zone_of(services),
        rows=[(one, _worry(one)) for one in shown],
        readable=readable,
    )


@router.get("/lists/catalogue")
async def show_catalogue(request: Request, me: Reader, services: Given) -> Response:
    """Every list there is."""
    sources = await known_sources(services)
    category = request.query_params.get("category", "")[:ID_CHARACTERS_MAX]
    found = [one for one in sources.values() if not category or category in one.categories.values()]
    there = sorted({word for one in sources.values() for word in one.categories.values()})
    titles = [(word, services.taxonomy[word].title) for word in there if word in services.taxonomy]
    form = Form.filled(category=category)
    return render(request, "lists/catalogue", sources=found, categories=titles, form=form)


@router.get("/lists/show")
async def show_list(request: Request, me: Reader, services: Given) -> Response:
    """One list: what it is, how it stands, its versions."""
    word = request.query_params.get("id", "")[:ID_CHARACTERS_MAX]
    return await _show(request, services, word, Form(), index_fault="")


@router.get("/lists/difference")
async def show_difference(request: Request, me: Reader, services: Given) -> Response:
    """What a held version would change, or what the last update changed."""
    word = request.query_params.get("id", "")[:ID_CHARACTERS_MAX]
    since = request.query_params.get("from", "")[:ID_CHARACTERS_MAX] or None
    return await _difference(request, services, word, since, Form())


async def _difference(
    request: Request,
    services: Services,
    word: str,
    since: str | None,
    form: Form,
    status: int = 200,
) -> Response:
    source = await _source(services, word)
    try:
        old, new, found = await asyncio.to_thread(services.lists.difference, word, since)
    except (KeepFault, SheetFault, OSError) as fault:
        form.wrong("", str(fault))
        return await _show(request, services, word, form, index_fault="", status=422)
    shelf = await asyncio.to_thread(services.lists.shelf, word)
    held = new is not None and new.name == shelf.state.held
    return render(
        request,
        "lists/difference",
        status,
        form=form,
        source=source,
        old="" if old is None else old.name,
        new="" if new is None else new.name,
        held=held,
        found=found,
        findings=shelf.state.findings if held else (),
        usable=not any(one.gate in UNUSABLE for one in shelf.state.findings),
        most=RULES_SHOWN_MAX,
        titles={word: entry.title for word, entry in services.taxonomy.items()},
    )


@router.post("/lists/decide")
async def decide(request: Request, me: Decider, services: Given) -> Response:
    """Accept a held version, go back to an earlier one, use a list or use it no longer."""
    form = await read_form(request)
    word = form.text("id", characters_max=ID_CHARACTERS_MAX)
    acts = form.chosen("act", ACTS)
    if not acts:
        raise HTTPException(404)
    act: Any = acts[0]
    to = form.text("to")
    reason = form.text("reason")
    if not reason:
        form.wrong(f"{act}-reason{to}", t("lists.reason_missing"))
        return await _again(request, services, word, act, form)
    try:
        _, fault = await do_to_list(request, services, me, act, word, reason, to or None)
    except Refused as refused:
        if refused.permission:
            raise
        form.refused(refused)
        return await _again(request, services, word, act, form)
    if fault:
        return await _show(request, services, word, Form(), index_fault=fault)
    return go("/lists", f"lists.{act}_done")


async def _again(request: Request, services: Services, word: str, act: str, form: Form) -> Response:
    """The page that has the form of an act, with its faults."""
    if act == "accept":
        return await _difference(request, services, word, None, form, 422)
    return await _show(request, services, word, form, index_fault="", status=422)


async def statuses(services: Services, at: float) -> tuple[list[SourceStatus], bool]:
    """How lists stand; and whether the choice of them could be read."""
    try:
        return list(await asyncio.to_thread(services.lists.status, at)), True
    except SourceFault:
        return [], False


async def _source(services: Services, word: str) -> Any:
    source = (await known_sources(services)).get(word)
    if source is None:
        raise HTTPException(404)
    return source


async def _show(
    request: Request,
    services: Services,
    word: str,
    form: Form,
    *,
    index_fault: str,
    status: int = 200,
) -> Response:
    source = await _source(services, word)
    standing, _ = await statuses(services, services.clock())
    shelf = await asyncio.to_thread(services.lists.shelf, word)
    versions = await asyncio.to_thread(shelf.versions)
    one = next((one for one in standing if one.id == word), None)
    return render(
        request,
        "lists/show",
        status,
        form=form,
        zone=await zone_of(services),
        source=source,
        standing=one,
        worry=_worry(one) if one is not None else "",
        state=shelf.state,
        versions=versions,
        categories=sorted(set(source.categories.values())),
        taxonomy=services.taxonomy,
        locked=source.locked(services.taxonomy),
        index_fault=index_fault,
    )


def _worry(source: SourceStatus) -> str:
    """The key of what is the matter; "" for nothing."""
    if source.held is not None:
        return "lists.held"
    if source.problem:
        return "lists.problem"
    if source.stale:
        return "lists.stale"
    return "lists.not_fetched" if source.enabled and source.current is None else ""
