"""`/checks`: whether the filter works, as it was asked itself; when, by whom, what was done."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from evidence.checks import reading
from evidence.checks.handling import (
    CHANGE,
    EXPECTED,
    NOTE_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    RUN,
    AddTestName,
    RemoveTestName,
    erase_name,
    write_name,
)
from evidence.checks.own import OwnName, own_names
from evidence.checks.results import SCHEDULE, Run
from policy.commands.command import Refused
from policy.store import StoreFault
from portal.accounts.visits import Visit
from portal.checks import READ, add_note, find_run, run_now, runnable_venues
from portal.deciding.numbering import Number
from portal.forms import Form, read_form
from portal.identity import Allowed, actor_of, may, perform
from portal.reading_evidence import evidence_of, readable_venues
from portal.rendering import Area, go, render
from portal.services import Given, Services
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()
area = Area("/checks", "checks.navigation", order=27, action=READ, group="seeing")

Reader = Annotated[Visit, Depends(Allowed(READ))]

PAGE_RUNS: Final = 50
LATEST_MAX: Final = 200
"""Venues and profiles on the page, those in trouble first."""
DAYS: Final = 400
_WORST: Final = ("fail", "deviation", "unsure", "pass")


@router.get("/checks")
async def show_checks(request: Request, me: Reader, services: Given) -> Response:
    """How the newest checks stand, and those before."""
    return await _page(request, services, me, Form())


@router.post("/checks")
async def run_check(
    request: Request, me: Annotated[Visit, Depends(Allowed(RUN))], services: Given
) -> Response:
    """Check a venue now."""
    form = await read_form(request)
    now = await standing(services)
    chosen = form.chosen("venue", [id for id, _ in now.venues], "checks.venue_missing")
    if not form.errors:
        try:
            found = await run_now(request, services, me, chosen[0])
        except Refused as refused:
            if refused.permission:
                raise
            form.wrong("venue", "; ".join(refused.faults))
        except ValueError as fault:
            form.wrong("venue", str(fault))
        else:
            if len(found) == 1 and found[0].id and may(me, READ, chosen[0]):
                return go(f"/checks/id/{found[0].id}", "checks.run_done")
            return go("/checks", "checks.run_done")
    return await _page(request, services, me, form, 422)


@router.get("/checks/id/{number}")
async def show_run(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """One run in detail."""
    found = await find_run(services, me, number)
    return await _run_page(request, services, me, found, Form())


@router.post("/checks/id/{number}/notes")
async def note(
    request: Request, me: Annotated[Visit, Depends(Allowed(RUN))], services: Given, number: Number
) -> Response:
    """Say what was done about it."""
    found = await find_run(services, me, number)
    form = await read_form(request)
    text = form.text("note", "checks.note_missing", NOTE_CHARACTERS_MAX)
    if not form.errors:
        try:
            await add_note(request, services, me, found, text)
            return go(f"/checks/id/{number}", "checks.noted_done")
        except Refused as refused:
            if refused.permission:
                raise
            form.refused(refused)
    return await _run_page(request, services, me, found, form, 422)


@router.get("/checks/names")
async def show_names(request: Request, me: Reader, services: Given) -> Response:
    """Names of our own that are checked as well."""
    return await _names_page(request, services, me, Form())


@router.post("/checks/names")
async def add_name(
    request: Request, me: Annotated[Visit, Depends(Allowed(CHANGE))], services: Given
) -> Response:
    """Add one."""
    evidence = evidence_of(services)
    form = await read_form(request)
    name = form.text("name", "checks.name_missing", 300)
    expected = form.chosen("expected", EXPECTED, "checks.expected_missing")
    reason = form.text("reason", "checks.reason_missing", REASON_CHARACTERS_MAX)
    if not form.errors:
        command = AddTestName(name, expected[0], reason)
        try:
            await perform(request, command)
            await write_name(evidence, command, actor_of(me), services.clock())
            return go("/checks/names", "checks.added_done")
        except Refused as refused:
            if refused.permission:
                raise
            form.refused(refused)
    return await _names_page(request, services, me, form, 422)


@router.post("/checks/names/remove")
async def remove_name(
    request: Request, me: Annotated[Visit, Depends(Allowed(CHANGE))], services: Given
) -> Response:
    """Remove one."""
    evidence = evidence_of(services)
    form = await read_form(request)
    command = RemoveTestName(form["name"][:300])
    try:
        await perform(request, command)
        await erase_name(evidence, command)
        return go("/checks/names", "checks.removed_done")
    except Refused as refused:
        if refused.permission:
            raise
        form = Form()
        form.refused(refused)
    return await _names_page(request, services, me, form, 422)


async def _page(
    request: Request, services: Services, me: Visit, form: Form, status: int = 200
) -> Response:
    now = await standing(services)
    venues = readable_venues(me, READ)
    problem = "" if services.evidence else t("checks.off")
    newest: list[Run] = []
    before: list[Run] = []
    at = services.clock()
    if services.evidence is not None:
        try:
            async with services.evidence.reading() as connection:
                newest = list(await reading.latest(connection, venues))
                since = at - DAYS * 86_400.0
                runs = await reading.runs(connection, since, at + 60, venues, limit=PAGE_RUNS)
                before = list(runs)
        except StoreFault:
            problem = t("checks.unreadable")
    newest.sort(key=lambda run: (_WORST.index(run.outcome), run.venue, run.profile))
    return render(
        request,
        "checks/checks",
        status,
        form=form,
        problem=problem,
        newest=newest[:LATEST_MAX],
        left=max(len(newest) - LATEST_MAX, 0),
        runs=before,
        choices=[("", t("checks.choose_venue")), *runnable_venues(me, now)],
        **_words(now),
    )


async def _run_page(
    request: Request, services: Services, me: Visit, found: Run, form: Form, status: int = 200
) -> Response:
    now = await standing(services)
    return render(
        request,
        "checks/run",
        status,
        form=form,
        run=found,
        categories={id: entry.title for id, entry in services.taxonomy.items()},
        can_note=may(me, RUN, found.venue),
        **_words(now),
    )


async def _names_page(
    request: Request, services: Services, me: Visit, form: Form, status: int = 200
) -> Response:
    now = await standing(services)
    problem = "" if services.evidence else t("checks.off")
    names: tuple[OwnName, ...] = ()
    if services.evidence is not None:
        try:
            async with services.evidence.reading() as connection:
                names = await own_names(connection)
        except StoreFault:
            problem = t("checks.unreadable")
    return render(
        request,
        "checks/names",
        status,
        form=form,
        names=names,
        problem=problem,
        can_change=may(me, CHANGE),
        **_words(now),
    )


def _words(now: Standing) -> dict[str, Any]:
    people = {id: person.name for id, person in now.policy.people.items()}
    return {
        "zone": now.zone,
        "venues": dict(now.venues),
        "profiles": dict(now.profiles),
        "people": people | {SCHEDULE: t("checks.schedule")},
    }
