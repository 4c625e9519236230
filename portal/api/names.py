"""`/api/essentials`, `/api/bundles`, `/api/suggestions`: what else is decided about names."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from policy.bundles import shipped_bundles
from policy.commands.bundles import SITES_MAX, AddBundle, ChangeBundle, RemoveBundle
from policy.commands.command import Refused
from policy.commands.essentials import AddEssential, RemoveEssential
from policy.store.reading import read_entries
from portal.accounts.visits import Visit
from portal.api.rules import Decided, DryRun, Reason, decided
from portal.deciding.suggested import judge
from portal.identity import Allowed, Me, perform
from portal.services import Given

router = APIRouter(tags=["names"])

Reader = Annotated[Visit, Depends(Allowed("policy.read"))]
Judge = Annotated[Visit, Depends(Allowed("list.change"))]
Site = Annotated[str, Query(max_length=300)]
BundleId = Annotated[str, Query(max_length=60)]


class Essential(BaseModel):
    """A site that no list may close."""

    site: str
    reason: str
    author: str


class NewEssential(BaseModel):
    """A site that learning cannot do without, and why."""

    model_config = ConfigDict(extra="forbid")

    site: str = Field(max_length=300)
    reason: str = Field(max_length=1_000)
    dry_run: bool = False


class Bundle(BaseModel):
    """A platform with its supporting hosts."""

    id: str
    title: str
    sites: list[str]
    shipped: bool


class NewBundle(BaseModel):
    """A new bundle, or an own one in place of a shipped one."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=60)
    title: str = Field(max_length=200)
    sites: list[str] = Field(max_length=SITES_MAX)
    reason: str = Field("", max_length=1_000)
    dry_run: bool = False


class BundleChanges(BaseModel):
    """New values; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=60)
    title: str | None = Field(None, max_length=200)
    sites: list[str] | None = Field(None, max_length=SITES_MAX)
    reason: str = Field("", max_length=1_000)
    dry_run: bool = False


class Evidence(BaseModel):
    """One reason to look at a name."""

    kind: str
    category: str
    what: str
    weight: float
    spelt: str
    note: str


class SuggestionOut(BaseModel):
    """A name asked for here that looks like a category and is in no list."""

    name: str
    unicode: str
    category: str
    likelihood: float
    score: float
    asked: int
    first_day: str
    last_day: str
    evidence: list[Evidence]


class Judgement(BaseModel):
    """What to do with a suggested name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=255)
    act: Literal["dismiss", "undismiss"]
    reason: str = Field(min_length=1, max_length=500)


@router.get("/essentials")
async def list_essentials(me: Reader, services: Given) -> list[Essential]:
    """The organisation's own essential sites."""
    async with services.store.reading() as connection:
        own = await read_entries(connection, "essentials")
    return [
        Essential(site=site, reason=body.get("reason", ""), author=body.get("author", ""))
        for site, body in own
    ]


@router.post("/essentials", status_code=201)
async def add_essential(request: Request, me: Me, given: NewEssential) -> Decided:
    """Make a site essential."""
    command = AddEssential(given.site, given.reason)
    return decided(await perform(request, command, dry_run=given.dry_run), given.dry_run)


@router.delete("/essentials")
async def remove_essential(
    request: Request, me: Me, site: Site, reason: Reason = "", dry_run: DryRun = False
) -> Decided:
    """Let lists decide about a site again."""
    return decided(await perform(request, RemoveEssential(site, reason), dry_run=dry_run), dry_run)


@router.get("/bundles")
async def list_bundles(me: Reader, services: Given) -> list[Bundle]:
    """Every bundle there is: the organisation's own, and those that ship."""
    async with services.store.reading() as connection:
        own = dict(await read_entries(connection, "bundles"))
    found = [
        Bundle(id=id, title=body.get("title", id), sites=body.get("sites", []), shipped=False)
        for id, body in own.items()
    ]
    return found + [
        Bundle(id=id, title=one.title, sites=[site.text for site in one.sites], shipped=True)
        for id, one in shipped_bundles().items()
        if id not in own
    ]


@router.post("/bundles", status_code=201)
async def add_bundle(request: Request, me: Me, given: NewBundle) -> Decided:
    """Add a bundle."""
    command = AddBundle(given.id, {"title": given.title, "sites": given.sites}, given.reason)
    return decided(await perform(request, command, dry_run=given.dry_run), given.dry_run)


@router.patch("/bundles")
async def change_bundle(request: Request, me: Me, given: BundleChanges) -> Decided:
    """Change a bundle of one's own."""
    changes = given.model_dump(include={"title", "sites"}, exclude_none=True)
    command = ChangeBundle(given.id, changes, given.reason)
    return decided(await perform(request, command, dry_run=given.dry_run), given.dry_run)


@router.delete("/bundles")
async def remove_bundle(
    request: Request, me: Me, id: BundleId, reason: Reason = "", dry_run: DryRun = False
) -> Decided:
    """Give a bundle of one's own up."""
    return decided(await perform(request, RemoveBundle(id, reason), dry_run=dry_run), dry_run)


@router.get("/suggestions", response_model=list[SuggestionOut])
async def list_suggestions(
    me: Reader, services: Given, limit: Annotated[int, Query(ge=1, le=1_000)] = 50
) -> Any:
    """Names for the review queue, the likeliest and most asked for first."""
    if services.suggestions is None:
        return []
    queue = services.suggestions()
    try:
        found = await asyncio.to_thread(queue.suggestions)
    except (ValueError, OSError) as fault:
        raise Refused(f"suggestions: {fault}") from fault
    return [one.to_json() for one in found[:limit]]


@router.post("/suggestions", status_code=204)
async def judge_suggestion(request: Request, me: Judge, services: Given, given: Judgement) -> None:
    """Take a name out of the queue, or let it back in."""
    if services.suggestions is None:
        raise HTTPException(404)
    await judge(request, services, me, given.act, given.name, given.reason)
