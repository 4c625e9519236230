"""`/api/exceptions`: what is open for a while, granting, ending and prolonging it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from policy.commands.command import REASON_CHARACTERS_MAX
from policy.commands.exceptions import (
    OPENED_MAX,
    ChangeException,
    EndException,
    GrantException,
)
from portal.api.models import Outcome, Reading, outcome
from portal.deciding.numbering import Number
from portal.opened import opened
from portal.services import Given
from portal.standing_policy import standing

router = APIRouter(tags=["exceptions"])

Instant = Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=300)]


class ExceptionOut(BaseModel):
    """One exception."""

    number: int
    where: str
    """`organisation`, `venue:V`, `room:V/R` or `device:D`."""
    opens: list[str]
    """Titles of bundles and categories, and sites."""
    purpose: str
    approver: str
    start: float
    """POSIX seconds; 0 when none was given."""
    until: float
    state: Literal["open", "ahead", "over"]


class NewException(BaseModel):
    """What shall be open where, until when."""

    where: str = Field(max_length=200)
    purpose: str = Field(max_length=REASON_CHARACTERS_MAX)
    until: Instant
    start: Instant | None = None
    sites: list[Name] = Field(default=[], max_length=OPENED_MAX)
    categories: list[Name] = Field(default=[], max_length=OPENED_MAX)
    bundles: list[Name] = Field(default=[], max_length=OPENED_MAX)
    dry_run: bool = False


class OtherEnd(BaseModel):
    """Another end of an exception."""

    until: Instant
    reason: str = Field("", max_length=REASON_CHARACTERS_MAX)
    dry_run: bool = False


class Ending(BaseModel):
    """Why it ends now."""

    reason: str = Field("", max_length=REASON_CHARACTERS_MAX)


@router.get("/exceptions")
async def list_exceptions(me: Reading, services: Given) -> list[ExceptionOut]:
    """Exceptions that have not ended, the next to end first."""
    now = await standing(services)
    found = await opened(services, now.policy, services.clock())
    return [
        ExceptionOut(
            number=one.number,
            where=one.where,
            opens=list(one.what),
            purpose=one.purpose,
            approver=one.approver,
            start=one.start,
            until=one.until,
            state=one.state,
        )
        for one in found
    ]


@router.post("/exceptions")
async def grant_exception(request: Request, new: NewException) -> Outcome:
    """Open something somewhere, for a while."""
    values = new.model_dump(exclude={"dry_run"})
    return await outcome(request, GrantException(**values), new.dry_run)


@router.post("/exceptions/{number}/until")
async def change_exception(request: Request, number: Number, other: OtherEnd) -> Outcome:
    """Let one end earlier or later."""
    command = ChangeException(number, other.until, other.reason)
    return await outcome(request, command, other.dry_run)


@router.post("/exceptions/{number}/end")
async def end_exception(request: Request, number: Number, ending: Ending) -> Outcome:
    """End one now, or take back one that has not begun."""
    return await outcome(request, EndException(number, ending.reason), dry_run=False)
