"""`/api/profiles`: what groups of people may see, and their periods."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from policy.commands.profiles import (
    AddPeriod,
    AddProfile,
    ChangePeriod,
    ChangeProfile,
    RemovePeriod,
    RemoveProfile,
    SetActions,
)
from policy.timetable import expand
from portal.api.models import Body, DryRun, Outcome, Reading, outcome, there
from portal.services import Given, Services
from portal.standing_policy import Standing, standing

router = APIRouter(tags=["profiles"])


class Period(Body):
    """A stretch of the week, as `policy.toml` has it."""

    name: str
    days: list[str]
    start: str = Field(alias="from", examples=["12:00"])
    end: str = Field(alias="to", examples=["13:00"])
    when: str = "any"
    actions: dict[str, str] = {}


class ProfileBody(Body):
    """A profile, as `policy.toml` has it."""

    title: str | None = None
    answer: str | None = None
    safe_search: bool | None = None
    youtube: str | None = None
    warn_minutes: int | None = None
    actions: dict[str, str] | None = None
    """By category; those that are left out are as by default."""


class NewProfile(ProfileBody):
    """A profile to add."""

    id: str


class Profile(ProfileBody):
    """A profile, and what it amounts to."""

    id: str
    periods: list[Period] = []
    actions_in_force: dict[str, str]
    """The action of every category outside its periods."""


@router.get("/profiles")
async def list_profiles(me: Reading, services: Given) -> list[Profile]:
    """Every profile."""
    now = await standing(services)
    return [_profile(services, now, id) for id in now.policy.profiles]


@router.get("/profiles/{profile}")
async def show_profile(me: Reading, services: Given, profile: str) -> Profile:
    """One profile."""
    now = await standing(services)
    there(profile, now.policy.profiles)
    return _profile(services, now, profile)


@router.post("/profiles", status_code=201)
async def add_profile(
    request: Request, sent: NewProfile, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Add a profile."""
    body = {key: value for key, value in sent.written().items() if key != "id"}
    return await outcome(request, AddProfile(sent.id, body, reason), dry_run)


@router.patch("/profiles/{profile}")
async def change_profile(
    request: Request, profile: str, sent: ProfileBody, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Change a profile: only the keys that are sent; null takes one away."""
    return await outcome(request, ChangeProfile(profile, sent.written(), reason), dry_run)


@router.patch("/profiles/{profile}/actions")
async def set_actions(
    request: Request,
    profile: str,
    sent: dict[str, str | None],
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Other actions for some categories; null: as by default."""
    return await outcome(request, SetActions(profile, sent, reason), dry_run)


@router.delete("/profiles/{profile}")
async def remove_profile(
    request: Request, profile: str, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Give a profile up that nobody has."""
    return await outcome(request, RemoveProfile(profile, reason), dry_run)


@router.post("/profiles/{profile}/periods", status_code=201)
async def add_period(
    request: Request, profile: str, sent: Period, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Add a period after the others."""
    return await outcome(request, AddPeriod(profile, _whole(sent), reason), dry_run)


@router.put("/profiles/{profile}/periods")
async def change_period(
    request: Request,
    profile: str,
    sent: Period,
    name: str = Query(description="The period's name until now."),
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Another period in the place of one."""
    return await outcome(request, ChangePeriod(profile, name, _whole(sent), reason), dry_run)


@router.delete("/profiles/{profile}/periods")
async def remove_period(
    request: Request,
    profile: str,
    name: str = Query(description="The period's name."),
    reason: str = "",
    dry_run: DryRun = False,
) -> Outcome:
    """Take a period away."""
    return await outcome(request, RemovePeriod(profile, name, reason), dry_run)


def _whole(period: Period) -> dict[str, Any]:
    return period.model_dump(by_alias=True)


def _profile(services: Services, now: Standing, id: str) -> Profile:
    actions = {word: entry.action for word, entry in services.taxonomy.items()}
    actions |= expand(now.policy.profiles[id].actions, services.taxonomy)
    return Profile.model_validate(
        {**now.raw["profiles"][id], "id": id, "actions_in_force": actions}
    )
