"""`/api/check`: is a site open somewhere, at some time, and why not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from policy.requests import PASTED_CHARACTERS_MAX, host_of
from portal.accounts.visits import Visit
from portal.checking import Host, check
from portal.identity import Allowed
from portal.services import Given
from portal.standing_policy import standing

router = APIRouter(tags=["check"])


class HostOut(BaseModel):
    """One name, as people there would see it."""

    name: str
    seen: Literal["open", "warning", "blocked"]
    why: str
    reason: str
    category: str | None
    rule: str | None
    sources: list[str]
    valid_until: str | None


class SupportingOut(BaseModel):
    """A bundle that holds the site, with its other hosts."""

    bundle: str
    title: str
    hosts: list[HostOut]


class CheckedOut(BaseModel):
    """A site, as people there would see it; it may need hosts that nobody knows of here."""

    site: HostOut
    supporting: list[SupportingOut]
    whole: bool
    can_be_approved: bool
    what_would_change_it: list[str]


@router.get("/check", response_model=CheckedOut)
async def check_site(
    me: Annotated[Visit, Depends(Allowed("policy.read"))],
    services: Given,
    site: Annotated[str, Query(max_length=PASTED_CHARACTERS_MAX)],
    place: Annotated[str, Query(max_length=200)],
    at: Annotated[str | None, Query(max_length=32)] = None,
) -> Any:
    """For a name or the address of a page, at a place such as `room:crewe/lab`; `at` is local
    time, as in `2026-12-01T14:30`, now without it.
    """
    now = await standing(services)
    try:
        found = await check(services, now.policy.bundles, host_of(site), place, at)
    except ValueError as fault:
        return _fault(str(fault))
    return CheckedOut(
        site=_host(found.host),
        supporting=[
            SupportingOut(
                bundle=one.bundle.id,
                title=one.bundle.title,
                hosts=[_host(host) for host in one.hosts],
            )
            for one in found.supporting
        ],
        whole=found.is_whole,
        can_be_approved=found.can_be_approved,
        what_would_change_it=list(found.host.changes),
    )


def _host(host: Host) -> HostOut:
    return HostOut(
        name=host.name,
        seen=host.seen,
        why=host.why,
        reason=host.reason,
        category=host.category,
        rule=host.rule,
        sources=list(host.sources),
        valid_until=host.valid_until,
    )


def _fault(text: str) -> Response:
    return JSONResponse({"faults": [f"check: {text}"]}, 422)
