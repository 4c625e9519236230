"""`/api/explain`: what happens to a name, for whom, when, and why."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from portal.accounts.visits import Visit
from portal.deciding.listed import Entry, entries_for
from portal.identity import Allowed
from portal.services import Given

router = APIRouter(tags=["explain"])

Reader = Annotated[Visit, Depends(Allowed("policy.read"))]


class Client(BaseModel):
    """Who asks, as far as policy is concerned."""

    address: str | None
    """None when a place was asked about."""
    hostname: str | None
    served: bool
    venue: str
    room: str | None
    device: str | None
    profile: str
    withdrawn: bool


class MatchOut(BaseModel):
    """A category that the name is listed in."""

    category: str
    rule: str
    sources: list[str]


class DecisionOut(BaseModel):
    """What was decided, and why."""

    action: str
    reason: str
    """Which step of the decision order settled it."""
    category: str | None
    category_title: str | None
    rule: str | None
    sources: list[str]
    note: str
    valid_until: str | None
    matches: list[MatchOut]
    suggestions: list[MatchOut]


class Error(BaseModel):
    """An extended DNS error (RFC 8914)."""

    code: int
    text: str


class Explanation(BaseModel):
    """Everything there is to say about one name for one client at one time."""

    name: str
    unicode: str
    type: str
    at: str
    client: Client
    happens: str
    """`blocked`, `warned`, `answered here`, `rewritten`, `forwarded` or `refused`."""
    decision: DecisionOut
    answer: str | None
    extended_error: Error | None
    safe_search_host: str | None
    route: str | None
    what_would_change_it: list[str]
    policy: str
    warnings: list[str]
    lists: list[Entry] | None = Field(description="Entries of published lists; null: unreadable.")


@router.get("/explain", response_model=Explanation)
async def explain_name(
    me: Reader,
    services: Given,
    name: Annotated[str, Query(max_length=300)],
    client: Annotated[str, Query(max_length=60)] = "",
    place: Annotated[str, Query(max_length=200)] = "",
    at: Annotated[str, Query(max_length=40)] = "",
) -> Any:
    """What happens to a name, for the address of a `client`, or for anybody at a `place`:
    `venue:V`, `room:V/R`, `device:D`, `profile:P`, or `organisation`, which it is without either.
    `at` is a local time as in `2026-11-23T12:30`; now without it.
    """
    where = place or ("" if client else "organisation")
    try:
        found = await services.explain(name, client, at or None, place=where)
    except ValueError as fault:
        return JSONResponse({"faults": [str(fault)]}, 422)
    return {**found, "lists": await entries_for(services, found["name"])}
