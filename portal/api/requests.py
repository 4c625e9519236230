"""`/api/requests`: what people asked to have reviewed, and decisions about it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from policy.commands.command import REASON_CHARACTERS_MAX, Permission
from policy.commands.permissions import is_permitted
from policy.commands.reviews import ADMINISTRATORS, DecideRequest, Verdict
from policy.requests import AskedFor, Figures, Outcome, ReviewRequest, Share
from policy.store import requests as kept
from portal.accounts.visits import Visit
from portal.api import models
from portal.api.models import outcome
from portal.deciding.numbering import Number
from portal.identity import Allowed, NotAllowed
from portal.reviewing import may_see
from portal.services import Given
from portal.standing_policy import standing

router = APIRouter(tags=["requests"])

PAGE_MAX = 500

Reader = Annotated[Visit, Depends(Allowed("request.read"))]


class RequestOut(BaseModel):
    """One request."""

    number: int
    kind: AskedFor
    site: str
    venue: str
    asked_at: float
    """POSIX seconds."""
    last_asked_at: float
    askers: int
    action: str
    """What was done with the site when it was asked; empty when nobody could say."""
    category: str | None
    rule: str | None
    sources: list[str]
    waits: bool
    forwarded: str
    outcome: Outcome | None
    decided_at: float | None
    decided_by: str
    answer: str
    made: str


class Decision(BaseModel):
    """What shall become of a request."""

    verdict: Verdict
    reason: str = Field(max_length=REASON_CHARACTERS_MAX)
    """Whoever asked can read it."""
    scope: str = Field("", max_length=200)
    """For whom the rule, or where the exception, is."""
    review: str = Field("", max_length=10)
    """When to look at the rule again."""
    until: float | None = Field(None, ge=0, lt=1e11, allow_inf_nan=False)
    """The end of the exception, POSIX seconds."""
    bundle: str = Field("", max_length=100)
    to: str = Field(ADMINISTRATORS, max_length=100)
    override: bool = False
    dry_run: bool = False


class ShareOut(BaseModel):
    """How many of the decided requests were upheld."""

    decided: int
    upheld: int
    ratio: float | None


class FiguresOut(BaseModel):
    """What became of the requests decided within a time."""

    outcomes: dict[str, int]
    """By `kind:outcome`, such as `open:allowed`."""
    by_category: dict[str, ShareOut]
    by_source: dict[str, ShareOut]
    decided: int
    seconds_median: float | None
    seconds_90_percent: float | None


@router.get("/requests")
async def list_requests(
    me: Reader,
    services: Given,
    state: Literal["waiting", "all"] = "waiting",
    since: Annotated[float, Query(ge=0, lt=1e11, allow_inf_nan=False)] = 0.0,
) -> list[RequestOut]:
    """Requests of the venues that the token's person may read: those that wait, the longest
    waiting first; or all asked since an instant, the newest first. At most 500.
    """
    now = await standing(services)
    at = services.clock()
    async with services.store.reading() as connection:
        if state == "waiting":
            found = await kept.queue(connection, at)
        else:
            found = await kept.requests(connection, since=since)
    seen = [one for one in found if may_see(me, now.policy, one, "request.read")]
    return [_out(one, at) for one in seen[:PAGE_MAX]]


@router.get("/requests/figures")
async def show_figures(
    me: Annotated[Visit, Depends(Allowed("figures.read"))],
    services: Given,
    since: Annotated[float, Query(ge=0, lt=1e11, allow_inf_nan=False)],
    until: Annotated[float, Query(ge=0, lt=1e11, allow_inf_nan=False)],
) -> FiguresOut:
    """What became of requests of all venues that were decided between two instants."""
    if not is_permitted(me.person.roles, Permission("figures.read", None)):
        raise NotAllowed("figures.read")
    async with services.store.reading() as connection:
        return _figures(await kept.resolved(connection, since, until))


@router.get("/requests/{number}")
async def show_request(me: Reader, services: Given, number: Number) -> RequestOut:
    """One request."""
    now = await standing(services)
    async with services.store.reading() as connection:
        found = await kept.find(connection, number)
    if found is None or not may_see(me, now.policy, found, "request.read"):
        raise HTTPException(404)
    return _out(found, services.clock())


@router.post("/requests/{number}/decision")
async def decide(request: Request, number: Number, decision: Decision) -> models.Outcome:
    """Decide a request, or pass it on."""
    values: dict[str, Any] = decision.model_dump(exclude={"dry_run"})
    return await outcome(request, DecideRequest(number, **values), decision.dry_run)


def _out(one: ReviewRequest, at: float) -> RequestOut:
    said = one.said
    return RequestOut(
        number=one.number,
        kind=one.kind,
        site=one.site,
        venue=one.venue,
        asked_at=one.asked_at,
        last_asked_at=one.last_asked_at,
        askers=one.askers,
        action=said.action,
        category=said.category,
        rule=said.rule,
        sources=list(said.sources),
        waits=one.waits(at),
        forwarded=one.forwarded,
        outcome=one.outcome,
        decided_at=one.decided_at,
        decided_by=one.decided_by,
        answer=one.answer,
        made=one.made,
    )


def _figures(found: Figures) -> FiguresOut:
    def shares(given: Any) -> dict[str, ShareOut]:
        return {key: _share(share) for key, share in given.items()}

    return FiguresOut(
        outcomes={f"{kind}:{outcome}": count for (kind, outcome), count in found.outcomes.items()},
        by_category=shares(found.by_category),
        by_source=shares(found.by_source),
        decided=found.decided,
        seconds_median=found.seconds_median,
        seconds_90_percent=found.quantile(0.9),
    )


def _share(share: Share) -> ShareOut:
    return ShareOut(decided=share.decided, upheld=share.upheld, ratio=share.ratio)
