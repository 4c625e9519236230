"""`/rules/suggestions`: names asked for here that look like a category and are in no list."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal, cast, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from policy.commands.command import Refused
from portal.accounts.visits import Visit
from portal.deciding.suggested import judge
from portal.forms import Form, read_form
from portal.identity import Allowed
from portal.rendering import go, render, zone_of
from portal.services import Given, Services, Suggestions
from portal.words import t

router = APIRouter()

SHOWN_MAX: Final = 100
DISMISSED_SHOWN_MAX: Final = 200
NAME_CHARACTERS_MAX: Final = 255
Act = Literal["dismiss", "undismiss"]
ACTS: Final[tuple[Act, ...]] = get_args(Act)
Reader = Annotated[Visit, Depends(Allowed("policy.read"))]
Decider = Annotated[Visit, Depends(Allowed("list.change"))]


@router.get("/rules/suggestions")
async def show_queue(request: Request, me: Reader, services: Given) -> Response:
    """The queue, best first, with the evidence."""
    return await _show(request, services, Form())


@router.post("/rules/suggestions")
async def decide(request: Request, me: Decider, services: Given) -> Response:
    """Take a name out of the queue, or let it back in."""
    form = await read_form(request)
    acts = form.chosen("act", ACTS)
    if not acts or services.suggestions is None:
        raise HTTPException(404)
    name = form.text("name", "suggestions.name_missing", NAME_CHARACTERS_MAX)
    reason = form.text("reason") or t("suggestions.no_reason")
    if not form.errors:
        try:
            await judge(request, services, me, cast(Act, acts[0]), name, reason)
            return go("/rules/suggestions", f"suggestions.{acts[0]}_done")
        except Refused as refused:
            if refused.permission:
                raise
            form.refused(refused)
    return await _show(request, services, form, 422)


async def _show(request: Request, services: Services, form: Form, status: int = 200) -> Response:
    queue = None if services.suggestions is None else services.suggestions()
    found, dismissed, fault = await asyncio.to_thread(_read, queue)
    return render(
        request,
        "suggestions/list",
        status,
        form=form,
        zone=await zone_of(services),
        counts=queue is not None and queue.counts,
        rows=[(one, urlencode({"action": "deny", "names": one.name})) for one in found[:SHOWN_MAX]],
        count=len(found),
        dismissed=dismissed,
        fault=fault,
        titles={word: entry.title for word, entry in services.taxonomy.items()},
    )


def _read(queue: Suggestions | None) -> tuple[Any, Any, str]:
    """The queue, the last that were dismissed, and what is wrong. Blocks."""
    if queue is None:
        return (), (), ""
    try:
        dismissed = sorted(queue.dismissals.items(), key=lambda one: -one[1].at)
        return queue.suggestions(), dismissed[:DISMISSED_SHOWN_MAX], ""
    except (ValueError, OSError) as fault:
        return (), (), str(fault)
