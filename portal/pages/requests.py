"""`/requests`: what people ask to have reviewed, the evidence, and the decision."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from policy.commands.command import Permission, words_of
from policy.commands.permissions import is_permitted
from policy.commands.reviews import ADMINISTRATORS, LIST, VERDICTS, DecideRequest
from policy.commands.scopes import whom
from policy.requests import ReviewRequest
from policy.store import requests as kept
from portal.accounts.visits import Visit
from portal.confirming import carry_out
from portal.deciding.numbering import Number
from portal.forms import Form, read_form
from portal.identity import Allowed, Me, may
from portal.lessons import ends, is_day, read_end
from portal.places import EVERYWHERE, places_for
from portal.rendering import Area, render
from portal.reviewing import Evidence, gather, may_see
from portal.services import Given, Services
from portal.spreadsheets import download
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()
area = Area("/requests", "requests.navigation", order=12, action="request.read", group="requests")

SHOWN_MAX: Final = 200
DECIDED_DAYS: Final = 30
EXPORT_DAYS: Final = 400
REVIEW_DAYS: Final = 182
"""When a rule is to be looked at again, unless somebody says otherwise: half a year."""
_DAY_SECONDS: Final = 86_400.0
_RULING: Final = {"scope": "scope", "pattern": "scope", "review": "review"}
_OPENING: Final = {"scope": "place", "where": "place", "until": "until", "purpose": "reason"}

Reader = Annotated[Visit, Depends(Allowed("request.read"))]


@router.get("/requests")
async def show_requests(request: Request, me: Reader, services: Given) -> Response:
    """What waits, and what was decided lately."""
    now = await standing(services)
    at = services.clock()
    async with services.store.reading() as connection:
        waiting = await kept.queue(connection, at)
        since = at - DECIDED_DAYS * _DAY_SECONDS
        lately = await kept.requests(connection, since=since)
        figures = await kept.resolved(connection, since, at + 1)
    seen = [one for one in waiting if may_see(me, now.policy, one, "request.read")]
    decided = [
        one
        for one in lately
        if one.outcome is not None and may_see(me, now.policy, one, "request.read")
    ]
    everywhere = is_permitted(me.person.roles, Permission("figures.read", None))
    return render(
        request,
        "requests/list",
        zone=now.zone,
        waiting=seen[:SHOWN_MAX],
        decided=decided[:SHOWN_MAX],
        more=max(0, len(seen) - SHOWN_MAX),
        titles=_titles(now),
        categories={id: entry.title for id, entry in now.policy.taxonomy.items()},
        figures=figures if everywhere else None,
        days=DECIDED_DAYS,
    )


@router.get("/requests/export")
async def export(request: Request, me: Reader, services: Given) -> Response:
    """Requests of a year as a spreadsheet; without what askers wrote."""
    now = await standing(services)
    at = services.clock()
    async with services.store.reading() as connection:
        found = await kept.requests(connection, since=at - EXPORT_DAYS * _DAY_SECONDS)
    header = t("requests.columns").split(",")
    rows = [_row(one, now.zone) for one in found if may_see(me, now.policy, one, "request.read")]
    return download("lychgate-requests.csv", header, rows)


@router.get("/requests/id/{number}")
async def show_request(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """The evidence, and the form to decide."""
    now = await standing(services)
    one = await _find(services, me, now, number)
    return await _page(request, services, me, now, one, _blank(now, one, services.clock()))


@router.post("/requests/id/{number}")
async def decide(request: Request, me: Me, services: Given, number: Number) -> Response:
    """What would happen, then the decision."""
    form = await read_form(request)
    now = await standing(services)
    one = await _find(services, me, now, number)
    chosen = form.chosen("verdict", VERDICTS, "requests.verdict_missing")
    verdict = next((word for word in VERDICTS if word in chosen), None)
    reason = form.text("reason", "requests.reason_missing")
    until = None
    review = ""
    if verdict == "open":
        until = read_end(form, now.zone, services.clock())
    if verdict in ("allow", "deny"):
        review = form.text("review", "requests.review_missing", 10)
        if review and not is_day(review):
            form.wrong("review", t("requests.review_missing"))
    if not form.errors and verdict is not None:
        place = form.text("place" if verdict == "open" else "scope")
        source = form.text("source", "", 100)
        command = DecideRequest(
            number=number,
            verdict=verdict,
            reason=reason,
            scope=place,
            review=review,
            until=until,
            bundle=form.text("bundle", "", 100) if verdict in ("open", "allow") else "",
            to=f"{LIST}{source}" if source else ADMINISTRATORS,
        )
        answer = await carry_out(
            request,
            form,
            command,
            title=t("requests.confirm", site=one.site),
            back=f"/requests/id/{number}",
            then="/requests",
            notice="requests.forwarded_done" if verdict == "forward" else "requests.decided_done",
            fields=_OPENING if verdict == "open" else _RULING,
            asks_reason=False,
        )
        if answer is not None:
            return answer
    return await _page(request, services, me, now, one, form, 422 if form.errors else 200)


async def _find(services: Services, me: Visit, now: Standing, number: int) -> ReviewRequest:
    """The request; 404 for one that is none, or of a venue that is not theirs."""
    async with services.store.reading() as connection:
        found = await kept.find(connection, number)
    if found is None or not may_see(me, now.policy, found, "request.read"):
        raise HTTPException(404)
    return found


def _blank(now: Standing, one: ReviewRequest, at: float) -> Form:
    review = datetime.fromtimestamp(at, now.zone) + timedelta(days=REVIEW_DAYS)
    venue = f"venue:{one.venue}" if one.venue in now.policy.venues else EVERYWHERE
    return Form.filled(scope=venue, place=venue, review=review.date().isoformat(), until="")


async def _page(
    request: Request,
    services: Services,
    me: Visit,
    now: Standing,
    one: ReviewRequest,
    form: Form,
    status: int = 200,
) -> Response:
    at = services.clock()
    with_log = may(me, "audit.read")
    evidence = await gather(services, now.policy, one, me, with_log=with_log)
    decides = one.waits(at) and may_see(me, now.policy, one, "request.decide")
    return render(
        request,
        "requests/request",
        status,
        zone=now.zone,
        form=form,
        one=one,
        waits=one.waits(at),
        seconds=int(one.seconds or 0),
        evidence=evidence,
        titles=_titles(now),
        categories={id: entry.title for id, entry in now.policy.taxonomy.items()},
        verdicts=_verdicts(me, one) if decides else [],
        scopes=_scopes(me, now, one),
        places=places_for(me, now.policy, "exception.grant"),
        ends=ends(now.zone, at),
        lists=_lists(one, evidence),
        bundles=[("", t("requests.site_alone")), *((b.id, b.title) for b in evidence.bundles)],
    )


def _verdicts(me: Visit, one: ReviewRequest) -> list[str]:
    """What they may make of it, as far as their roles go; the desk asks again."""
    found = []
    if one.kind == "open" and may(me, "exception.grant"):
        found.append("open")
    action = "rule.allow" if one.kind == "open" else "rule.deny"
    if may(me, action):
        found.append("allow" if one.kind == "open" else "deny")
    return [*found, "keep", "forward"]


def _scopes(me: Visit, now: Standing, one: ReviewRequest) -> list[tuple[str, str]]:
    """For whom a rule may be."""
    action = "rule.allow" if one.kind == "open" else "rule.deny"
    found = places_for(me, now.policy, action)
    if any(not grant.venues and grant.role != "tutor" for grant in me.person.roles):
        profiles = now.policy.profiles.values()
        found += [
            (f"profile:{each.id}", t("requests.profile", title=each.title)) for each in profiles
        ]
        found.append((EVERYWHERE, t("requests.everyone")))
    return found


def _lists(one: ReviewRequest, evidence: Evidence) -> list[tuple[str, str]]:
    named = {trace.source: trace.title for trace in evidence.traces}
    named = {**{source: source for source in one.said.sources}, **named}
    return [("", t("requests.administrators")), *named.items()]


def _titles(now: Standing) -> dict[str, str]:
    return {id: whom(words_of(now.policy), f"venue:{id}") for id in now.policy.venues}


def _row(one: ReviewRequest, zone: ZoneInfo) -> list[object]:
    def moment(at: float | None) -> str:
        return "" if at is None else datetime.fromtimestamp(at // 1, zone).isoformat()

    said = one.said
    return [
        one.number,
        one.kind,
        one.site,
        one.venue,
        moment(one.asked_at),
        one.askers,
        said.category,
        said.rule,
        " ".join(said.sources),
        one.outcome or "waiting",
        moment(one.decided_at),
        one.decided_by,
        None if one.seconds is None or one.outcome == "lapsed" else int(one.seconds),
        one.answer,
        one.forwarded,
        one.made,
    ]
