"""`/audit`: who decided what, when and why; whether that record is whole; as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from policy.commands.journal import verify_journal
from policy.commands.undoing import undoing
from portal.accounts.visits import Visit
from portal.deciding.audit_log import Wanted, find_entries, read_entry, write_csv
from portal.deciding.differences import differences
from portal.deciding.numbering import Number, number_in
from portal.forms import Form
from portal.identity import Allowed
from portal.rendering import Area, render, zone_of
from portal.services import Given
from portal.standing_policy import names_of_people
from portal.words import t, texts

router = APIRouter()
area = Area("/audit", "audit.navigation", order=90, action="audit.read", group="setup")

FIELD_CHARACTERS_MAX: Final = 200
_FIELDS: Final = ("actor", "action", "subject", "outcome", "since", "until")
_OUTCOMES: Final = ("done", "refused")
Reader = Annotated[Visit, Depends(Allowed("audit.read"))]


@router.get("/audit")
async def show_log(request: Request, me: Reader, services: Given) -> Response:
    """Entries, the newest first."""
    zone = await zone_of(services)
    form, wanted = read_filters(request, zone)
    async with services.store.reading() as connection:
        found, before = await find_entries(connection, wanted)
    typed = {name: form[name] for name in _FIELDS if form[name]}
    return render(
        request,
        "audit/list",
        422 if form.errors else 200,
        form=form,
        zone=zone,
        entries=found,
        narrow=bool(typed),
        csv_query=urlencode(typed),
        people=await names_of_people(services),
        actions=_actions(form["action"]),
        older_query=urlencode({**typed, "before": before}) if before else "",
    )


@router.get("/audit/export.csv")
async def export(request: Request, me: Reader, services: Given) -> Response:
    """The same entries for a spreadsheet."""
    form, wanted = read_filters(request, await zone_of(services))
    if form.errors:
        return await show_log(request, me, services)

    async def lines() -> AsyncIterator[str]:
        async with services.store.reading() as connection:
            async for line in write_csv(connection, wanted):
                yield line

    disposition = 'attachment; filename="lychgate-audit.csv"'
    return StreamingResponse(
        lines(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition}
    )


@router.get("/audit/verify")
async def verify(request: Request, me: Reader, services: Given) -> Response:
    """Whether an entry was altered, removed or slipped in."""
    digest = request.query_params.get("digest", "").strip().lower()[:FIELD_CHARACTERS_MAX]
    async with services.store.reading() as connection:
        verdict = await verify_journal(connection, digest)
    form = Form.filled(digest=digest)
    return render(request, "audit/verify", form=form, verdict=verdict, digest=digest)


@router.get("/audit/{number:int}")
async def show_entry(request: Request, number: Number, me: Reader, services: Given) -> Response:
    """One entry whole."""
    async with services.store.reading() as connection:
        entry = await read_entry(connection, number)
    if entry is None:
        raise HTTPException(404)
    return render(
        request,
        "audit/entry",
        zone=await zone_of(services),
        entry=entry,
        differences=differences(entry.before, entry.after),
        can_undo=undoing(entry, "") is not None,
    )


def _actions(chosen: str) -> list[tuple[str, str]]:
    """What may be looked for: each thing that can be done, and what a link asked for."""
    known = [(key.removeprefix("did."), text) for key, text in texts().items() if key[:4] == "did."]
    known.sort(key=lambda pair: pair[1])
    if chosen and chosen not in dict(known):
        known.insert(0, (chosen, chosen))
    return [("", t("audit.anything")), *known]


def read_filters(request: Request, zone: ZoneInfo) -> tuple[Form, Wanted]:
    """What is looked for, and the form that shows it again."""
    query = request.query_params
    typed = {name: query.get(name, "").strip()[:FIELD_CHARACTERS_MAX] for name in _FIELDS}
    if typed["outcome"] not in _OUTCOMES:
        typed["outcome"] = ""
    form = Form.filled(**typed)
    until = _midnight(form, "until", zone)
    wanted = Wanted(
        actor=typed["actor"],
        action=typed["action"],
        subject=typed["subject"],
        outcome=typed["outcome"],
        since=_midnight(form, "since", zone),
        until=None if until is None else _day_after(until, zone),
        before=number_in(query.get("before", "")),
    )
    return form, wanted


def _midnight(form: Form, name: str, zone: ZoneInfo) -> float | None:
    """The beginning of a day that was typed; None for none."""
    if not form[name]:
        return None
    try:
        return datetime.strptime(form[name], "%Y-%m-%d").replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        form.wrong(name, t("audit.day_wrong"))
        return None


def _day_after(at: float, zone: ZoneInfo) -> Any:
    try:
        return (datetime.fromtimestamp(at, zone) + timedelta(days=1)).timestamp()
    except OverflowError:
        return at
