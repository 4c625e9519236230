"""`/api/rules`: the allow and deny lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from policy.commands.command import Done, Refused
from policy.commands.rules import RULES_AT_ONCE_MAX, AddRules, ChangeRule, RemoveRule
from policy.commands.undoing import undoing
from portal.accounts.visits import Visit
from portal.deciding.audit_log import read_entry
from portal.deciding.numbering import NUMBER_MAX, Number
from portal.deciding.searching import Found, Search, find_due, find_rules, read_rule
from portal.identity import Allowed, Me, NotAllowed, may, perform
from portal.rendering import zone_of
from portal.services import Given

router = APIRouter(tags=["rules"])

Reader = Annotated[Visit, Depends(Allowed("policy.read"))]
Reason = Annotated[str, Query(max_length=1_000, description="Why: kept in the audit log.")]
DryRun = Annotated[bool, Query(description="Say what would happen, and change nothing.")]
Words = Annotated[str, Query(max_length=300)]


class NewRule(BaseModel):
    """What to allow or deny, for whom. One of `pattern`, `address` or `bundle` is needed."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["allow", "deny"]
    pattern: str | None = Field(None, max_length=300)
    """`example.com` with all below it, `=example.com` alone, `*.example.com` what is below it."""
    address: str | None = Field(None, max_length=60)
    """A network that no answer may lead to; only to be denied."""
    bundle: str | None = Field(None, max_length=60)
    scope: str = Field("organisation", max_length=200)
    """`organisation`, `profile:P`, `venue:V`, `room:V/R` or `device:D`."""
    reason: str | None = Field(None, max_length=1_000)
    review: date | None = None
    """When to look at it again."""
    expires: datetime | date | None = None


class NewRules(BaseModel):
    """Rules that are added together: all of them or none."""

    model_config = ConfigDict(extra="forbid")

    rules: list[NewRule] = Field(max_length=RULES_AT_ONCE_MAX)
    reason: str = Field(max_length=1_000)
    """For the rules that give no reason of their own."""
    override: bool = False
    """Even what reaches too far."""
    dry_run: bool = False
    """Say what would happen, and change nothing."""


class RuleChanges(BaseModel):
    """New values; what is left out stays, null takes away."""

    model_config = ConfigDict(extra="forbid")

    pattern: str | None = Field(None, max_length=300)
    address: str | None = Field(None, max_length=60)
    scope: str | None = Field(None, max_length=200)
    reason: str | None = Field(None, max_length=1_000)
    review: date | None = None
    expires: datetime | date | None = None


class ChangedRule(BaseModel):
    """A change of a rule."""

    model_config = ConfigDict(extra="forbid")

    changes: RuleChanges
    reason: str = Field("", max_length=1_000)
    override: bool = False
    dry_run: bool = False


class Rule(BaseModel):
    """One rule."""

    id: int
    action: str
    pattern: str | None = None
    address: str | None = None
    bundle: str | None = None
    scope: str
    reason: str
    author: str
    review: str | None
    expires: str | None


class Rules(BaseModel):
    """Some rules, and where to go on."""

    rules: list[Rule]
    next_before: int | None
    """Give this as `before` for the next page; null: there is none."""


class Decided(BaseModel):
    """What came of a decision."""

    subject: str
    sentences: list[str]
    """What changes for whom."""
    warnings: list[str]
    audit_number: int | None
    """Its entry in the audit log; null for a dry run, and when nothing changed."""
    dry_run: bool


@router.get("/rules")
async def list_rules(
    me: Reader,
    services: Given,
    name: Words = "",
    action: Literal["", "allow", "deny"] = "",
    scope: Words = "",
    author: Words = "",
    text: Words = "",
    before: Annotated[int, Query(ge=0, le=NUMBER_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Rules:
    """Rules, the newest first: those that mention a `name` or cover it, of a `scope`, by an
    `author`, with a `text` in their reason.
    """
    search = Search(name, action, scope, author, text, before)
    async with services.store.reading() as connection:
        page = await find_rules(connection, search, limit)
    return Rules(rules=[shown(rule) for rule in page.rules], next_before=page.next_before)


@router.get("/rules/review")
async def list_due(
    me: Reader,
    services: Given,
    offset: Annotated[int, Query(ge=0, le=200_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Rule]:
    """Rules that are to be looked at again by now, the longest overdue first."""
    zone = await zone_of(services)
    today = datetime.fromtimestamp(services.clock(), zone).date()
    async with services.store.reading() as connection:
        found = await find_due(connection, today, offset, limit)
    return [shown(rule) for rule in found[:limit]]


@router.get("/rules/{number}")
async def show_rule(me: Reader, services: Given, number: Number) -> Rule:
    """One rule."""
    async with services.store.reading() as connection:
        rule = await read_rule(connection, number)
    if rule is None:
        raise HTTPException(404)
    return shown(rule)


@router.post("/rules", status_code=201)
async def add_rules(request: Request, me: Me, given: NewRules) -> Decided:
    """Add rules, all of them or none."""
    bodies = [rule.model_dump(mode="json", exclude_none=True) for rule in given.rules]
    command = AddRules(bodies, given.reason, override=given.override)
    return decided(await perform(request, command, dry_run=given.dry_run), given.dry_run)


@router.patch("/rules/{number}")
async def change_rule(request: Request, me: Me, number: Number, given: ChangedRule) -> Decided:
    """Change a rule."""
    changes = given.changes.model_dump(mode="json", exclude_unset=True)
    command = ChangeRule(number, changes, given.reason, override=given.override)
    return decided(await perform(request, command, dry_run=given.dry_run), given.dry_run)


@router.delete("/rules/{number}")
async def remove_rule(
    request: Request, me: Me, number: Number, reason: Reason = "", dry_run: DryRun = False
) -> Decided:
    """Remove a rule: lists and profiles decide again."""
    return decided(await perform(request, RemoveRule(number, reason), dry_run=dry_run), dry_run)


@router.post("/undo/{number}")
async def undo(
    request: Request,
    me: Me,
    services: Given,
    number: Number,
    reason: Annotated[str, Body(max_length=1_000, embed=True)] = "",
    dry_run: Annotated[bool, Body(embed=True)] = False,
) -> Decided:
    """Undo what an entry of the audit log did to rules, essentials or bundles; of one's own, or of
    anybody for whoever may read the log.
    """
    async with services.store.reading() as connection:
        entry = await read_entry(connection, number)
    if (entry is None or entry.actor != me.person.id) and not may(me, "audit.read"):
        raise NotAllowed("audit.read")
    if entry is None:
        raise HTTPException(404)
    command = undoing(entry, reason or f"Undo of entry {number} of the audit log")
    if command is None:
        allowed = "allowed: an entry about a rule, an essential or a bundle"
        raise Refused(f"undo: entry {number}: nothing undoes {entry.action}; {allowed}")
    return decided(await perform(request, command, dry_run=dry_run), dry_run)


def shown(rule: Found) -> Rule:
    """A rule for programs."""
    body: Mapping[str, Any] = rule.body
    return Rule(
        id=rule.number,
        action=str(body.get("action", "")),
        pattern=body.get("pattern"),
        address=body.get("address"),
        bundle=body.get("bundle"),
        scope=rule.scope,
        reason=str(body.get("reason", "")),
        author=str(body.get("author", "")),
        review=body.get("review"),
        expires=body.get("expires"),
    )


def decided(done: Done, dry_run: bool) -> Decided:
    """What came of a command, for programs."""
    return Decided(
        subject=done.subject,
        sentences=list(done.sentences),
        warnings=list(done.warnings),
        audit_number=done.audit_number,
        dry_run=dry_run,
    )
