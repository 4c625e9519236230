"""`/api/checks`: whether the filter works, as it was asked itself, for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from evidence.checks import reading
from evidence.checks.handling import (
    CHANGE,
    NOTE_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    RUN,
    AddTestName,
    RemoveTestName,
    erase_name,
    write_name,
)
from evidence.checks.own import own_names
from evidence.checks.results import Result, Run
from policy.commands.command import Refused
from portal.accounts.visits import Visit
from portal.api.models import Body
from portal.checks import READ, add_note, find_run, run_now
from portal.deciding.numbering import Number
from portal.identity import Allowed, actor_of, perform
from portal.reading_evidence import evidence_of, readable_venues
from portal.services import Given

router = APIRouter(tags=["checks"])

Reader = Annotated[Visit, Depends(Allowed(READ))]
Runner = Annotated[Visit, Depends(Allowed(RUN))]
Changer = Annotated[Visit, Depends(Allowed(CHANGE))]
Outcome = Literal["pass", "deviation", "unsure", "fail"]


class ResultOut(BaseModel):
    """What came of one question."""

    kind: str
    name: str
    """A site; hostile text. Empty where it is none, or none to be shown."""
    category: str
    expected: str
    outcome: Outcome
    said: str


class NoteOut(BaseModel):
    """What somebody did about a run."""

    at: float
    who: str
    text: str


class RunOut(BaseModel):
    """One check of one profile at one venue. Instants are POSIX seconds."""

    run: int
    at: float
    seconds: float
    venue: str
    profile: str
    who: str
    """A person, `cli:ACCOUNT`, or `schedule`."""
    way: Literal["subnet", "source", "machine"]
    outcome: Outcome
    counts: dict[str, int]
    troubles: list[ResultOut]
    passed: list[ResultOut]
    """Only of a run that is asked for by its number."""
    notes: list[NoteOut]


class NameOut(BaseModel):
    """A test site of your own."""

    name: str
    expected: Literal["blocked", "open"]
    reason: str
    at: float
    who: str


class Running(Body):
    """What to check."""

    venue: str = Field(max_length=100)
    profile: str = Field("", max_length=100)
    """Empty: each that the venue and its rooms have."""


class Noting(Body):
    """What was done."""

    text: str = Field(max_length=NOTE_CHARACTERS_MAX)


class Naming(Body):
    """A site to check as well."""

    name: str = Field(max_length=300)
    expected: Literal["blocked", "open"]
    reason: str = Field(max_length=REASON_CHARACTERS_MAX)


@router.get("/checks")
async def newest_checks(me: Reader, services: Given) -> list[RunOut]:
    """The newest run of each venue and profile that you may see."""
    async with evidence_of(services).reading() as connection:
        return [_run(one) for one in await reading.latest(connection, readable_venues(me, READ))]


@router.get("/checks/runs")
async def list_runs(
    me: Reader,
    services: Given,
    since: Annotated[float, Query(ge=0, le=1e11)] = 0,
    until: Annotated[float, Query(ge=0, le=1e11)] = 1e11,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[RunOut]:
    """Runs from an instant until before another, the newest first."""
    async with evidence_of(services).reading() as connection:
        found = await reading.runs(connection, since, until, readable_venues(me, READ), limit=limit)
    return [_run(one) for one in found]


@router.post("/checks/runs")
async def run_check(request: Request, me: Runner, services: Given, sent: Running) -> list[RunOut]:
    """Check a venue now; some seconds for each of its profiles."""
    try:
        found = await run_now(request, services, me, sent.venue, sent.profile)
    except ValueError as fault:
        raise Refused(str(fault)) from None
    return [_run(one) for one in found]


@router.get("/checks/runs/{number}")
async def show_run(me: Reader, services: Given, number: Number) -> RunOut:
    """One run with all its results."""
    return _run(await find_run(services, me, number))


@router.post("/checks/runs/{number}/notes")
async def note_action(
    request: Request, me: Runner, services: Given, number: Number, sent: Noting
) -> RunOut:
    """Say what was done about a run."""
    found = await find_run(services, me, number)
    await add_note(request, services, me, found, sent.text)
    return _run(await find_run(services, me, number))


@router.get("/checks/names")
async def list_names(me: Reader, services: Given) -> list[NameOut]:
    """Test sites of your own."""
    async with evidence_of(services).reading() as connection:
        found = await own_names(connection)
    return [
        NameOut(name=one.name, expected=one.expected, reason=one.reason, at=one.at, who=one.who)
        for one in found
    ]


@router.post("/checks/names")
async def add_name(request: Request, me: Changer, services: Given, sent: Naming) -> list[NameOut]:
    """Have a site checked as well."""
    evidence = evidence_of(services)
    command = AddTestName(sent.name, sent.expected, sent.reason)
    await perform(request, command)
    await write_name(evidence, command, actor_of(me), services.clock())
    return await list_names(me, services)


@router.delete("/checks/names")
async def remove_name(
    request: Request, me: Changer, services: Given, name: Annotated[str, Query(max_length=300)]
) -> list[NameOut]:
    """Have it checked no longer."""
    evidence = evidence_of(services)
    command = RemoveTestName(name)
    await perform(request, command)
    if not await erase_name(evidence, command):
        raise HTTPException(404)
    return await list_names(me, services)


def _run(found: Run) -> RunOut:
    return RunOut(
        run=found.id,
        at=found.at,
        seconds=found.seconds,
        venue=found.venue,
        profile=found.profile,
        who=found.who,
        way=found.way,
        outcome=found.outcome,
        counts=found.counts,
        troubles=[_result(one) for one in found.troubles],
        passed=[_result(one) for one in found.passed],
        notes=[NoteOut(at=one.at, who=one.who, text=one.text) for one in found.notes],
    )


def _result(found: Result) -> ResultOut:
    return ResultOut(
        kind=found.kind,
        name=found.name,
        category=found.category,
        expected=found.expected,
        outcome=found.outcome,
        said=found.said,
    )
