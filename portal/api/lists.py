"""`/api/lists`: published lists, how they stand, and decisions about them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from blocklists.differences import CategoryDifference, Changed
from blocklists.sheets import SheetFault
from blocklists.sources import Source, SourceFault
from blocklists.standing import SourceStatus
from blocklists.writing import KeepFault
from policy.commands.command import Refused
from portal.accounts.visits import Visit
from portal.deciding.list_acts import do_to_list, known_sources, want_refresh
from portal.identity import Allowed
from portal.services import Given

router = APIRouter(tags=["lists"])

Reader = Annotated[Visit, Depends(Allowed("policy.read"))]
Changer = Annotated[Visit, Depends(Allowed("list.change"))]
ListId = Annotated[str, Query(max_length=120)]


class Finding(BaseModel):
    """A check that a version did not pass."""

    gate: str
    message: str


class ListStatus(BaseModel):
    """How one list stands. Ages in seconds; null: never."""

    id: str
    title: str
    enabled: bool
    trust: str
    licence: str
    attribution: str
    current: str | None
    entries: dict[str, int]
    age_seconds: float | None
    checked_age_seconds: float | None
    held: str | None
    entries_held: int
    findings: list[Finding]
    problem: str
    stale: bool
    versions: int


class ListSource(BaseModel):
    """One list that there is."""

    id: str
    title: str
    publisher: str
    categories: list[str]
    enabled: bool
    trust: str
    licence: str
    attribution: str
    url: str
    homepage: str
    good: str
    bad: str


class ChangedRule(BaseModel):
    """A rule that comes or goes; `asked`: how often its names were asked for here lately."""

    rule: str
    asked: int


class CategoryChange(BaseModel):
    """What differs in one category; of each direction those most asked for."""

    category: str
    exceptions: bool
    added: int
    removed: int
    added_first: list[ChangedRule]
    removed_first: list[ChangedRule]


class Difference(BaseModel):
    """What a held version would change, or what the last update changed."""

    old: str | None
    new: str | None
    held: bool
    added: int
    removed: int
    categories: list[CategoryChange]


class ListDecision(BaseModel):
    """What to do with a list."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=120)
    act: Literal["accept", "rollback", "enable", "disable"]
    reason: str = Field(min_length=1, max_length=1_000)
    to: str | None = Field(None, max_length=120)
    """The version to go back to; the good one before when left out."""


class ListDecided(BaseModel):
    """What came of it."""

    sentences: list[str]
    audit_number: int | None
    index_fault: str
    """Why the index could not be made of it; "" when it was, or is still being made."""


@router.get("/lists")
async def list_statuses(me: Reader, services: Given) -> list[ListStatus]:
    """How every list stands that is in use, or has versions here."""
    try:
        found = await asyncio.to_thread(services.lists.status, services.clock())
    except SourceFault as fault:
        raise Refused(*fault.faults) from fault
    return [_status(one) for one in found]


@router.get("/lists/catalogue")
async def list_catalogue(me: Reader, services: Given) -> list[ListSource]:
    """Every list there is."""
    return [_source(one) for one in (await known_sources(services)).values()]


@router.get("/lists/difference")
async def show_difference(
    me: Reader, services: Given, id: ListId, since: ListId = ""
) -> Difference:
    """What a held version would change, or what the last update changed; from the version `since`
    if it is given.
    """
    if id not in await known_sources(services):
        raise HTTPException(404)
    try:
        old, new, found = await asyncio.to_thread(services.lists.difference, id, since or None)
    except (KeepFault, SheetFault, OSError) as fault:
        raise Refused(f"lists: {fault}") from fault
    shelf = await asyncio.to_thread(services.lists.shelf, id)
    return Difference(
        old=None if old is None else old.name,
        new=None if new is None else new.name,
        held=new is not None and new.name == shelf.state.held,
        added=found.added,
        removed=found.removed,
        categories=[_category(one) for one in found.categories],
    )


@router.post("/lists")
async def decide(
    request: Request, me: Changer, services: Given, given: ListDecision
) -> ListDecided:
    """Accept a held version, go back to an earlier one, use a list or use it no longer."""
    done, fault = await do_to_list(
        request, services, me, given.act, given.id, given.reason, given.to
    )
    return ListDecided(
        sentences=list(done.sentences), audit_number=done.audit_number, index_fault=fault
    )


class RefreshAsked(BaseModel):
    """That a refresh will come."""

    sentences: list[str]
    audit_number: int | None


@router.post("/lists/refresh", status_code=202)
async def refresh_now(request: Request, me: Changer, services: Given) -> RefreshAsked:
    """Ask for every list in use to be looked at now, due or not. The refresh of lists, another
    process, does it; 422 while such a wish waits, and for ten minutes after one.
    """
    done = await want_refresh(request, services, me)
    return RefreshAsked(sentences=list(done.sentences), audit_number=done.audit_number)


def _status(one: SourceStatus) -> ListStatus:
    return ListStatus(
        id=one.id,
        title=one.title,
        enabled=one.enabled,
        trust=one.trust,
        licence=one.licence,
        attribution=one.attribution,
        current=one.current,
        entries=dict(one.entries),
        age_seconds=one.age_seconds,
        checked_age_seconds=one.checked_age_seconds,
        held=one.held,
        entries_held=one.entries_held,
        findings=[Finding(gate=f.gate, message=f.message) for f in one.findings],
        problem=one.problem,
        stale=one.stale,
        versions=one.versions,
    )


def _source(one: Source) -> ListSource:
    return ListSource(
        id=one.id,
        title=one.title,
        publisher=one.publisher,
        categories=sorted(set(one.categories.values())),
        enabled=one.enabled,
        trust=one.trust,
        licence=one.licence,
        attribution=one.attribution,
        url=one.url,
        homepage=one.homepage,
        good=one.good,
        bad=one.bad,
    )


def _category(one: CategoryDifference) -> CategoryChange:
    return CategoryChange(
        category=one.category,
        exceptions=one.exceptions,
        added=one.added,
        removed=one.removed,
        added_first=[_changed(rule) for rule in one.added_first],
        removed_first=[_changed(rule) for rule in one.removed_first],
    )


def _changed(rule: Changed) -> ChangedRule:
    return ChangedRule(rule=rule.rule, asked=rule.asked)
