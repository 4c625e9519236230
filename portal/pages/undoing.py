"""`/undo/17`: take back what an entry of the audit log did, as a new decision."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from policy.audit import AuditEntry
from policy.commands.undoing import undoing
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.deciding.audit_log import read_entry
from portal.deciding.differences import differences
from portal.deciding.numbering import Number
from portal.forms import Form, read_form
from portal.identity import Me, NotAllowed, may
from portal.rendering import render, zone_of
from portal.services import Given, Services
from portal.words import t

router = APIRouter()


@router.get("/undo/{number:int}")
async def ask(request: Request, number: Number, me: Me, services: Given) -> Response:
    """What would be given back."""
    return await _undo(request, number, me, services, Form())


@router.post("/undo/{number:int}")
async def undo(request: Request, number: Number, me: Me, services: Given) -> Response:
    """Give it back."""
    return await _undo(request, number, me, services, await read_form(request))


async def _undo(
    request: Request, number: int, me: Visit, services: Services, form: Form
) -> Response:
    entry = await _known(number, me, services)
    command = undoing(entry, reason_of(form) or t("undo.reason", number=number))
    if command is None:
        form.wrong("", t("undo.cannot"))
    else:
        noun = entry.subject.partition(":")[0]
        back = {"essential": "/rules/essentials", "bundle": "/rules/bundles"}.get(noun, "/rules")
        answer = await carry_out(
            request,
            form,
            command,
            title=t("undo.title", number=number),
            back=back,
            notice="undo.undone_done",
        )
        if answer is not None:
            return answer
    return render(
        request,
        "audit/not_undone",
        422,
        form=form,
        entry=entry,
        zone=await zone_of(services),
        differences=differences(entry.before, entry.after),
    )


async def _known(number: int, me: Visit, services: Services) -> AuditEntry:
    """An entry of one's own, or any for whoever may read the log."""
    async with services.store.reading() as connection:
        entry = await read_entry(connection, number)
    if entry is not None and entry.actor == me.person.id:
        return entry
    if not may(me, "audit.read"):
        raise NotAllowed("audit.read")
    if entry is None:
        raise HTTPException(404)
    return entry
