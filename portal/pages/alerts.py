"""`/alerts`: what waits for the safeguarding lead, what was held back, and how notices went out."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from evidence.alerts import noise, reading
from evidence.alerts.rows import Kept
from evidence.alerts.themes import SEVERITIES, alerting, severity_of
from policy.store import StoreFault
from portal.accounts.visits import Visit
from portal.alerting import READ, theme_titles
from portal.forms import Form
from portal.identity import Allowed
from portal.reading_evidence import readable_venues
from portal.rendering import Area, render
from portal.services import Given, Services
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()
area = Area("/alerts", "alerts.navigation", order=15, action=READ, group="seeing")

Reader = Annotated[Visit, Depends(Allowed(READ))]

PAGE_ALERTS: Final = 50
DAYS: Final = 30
STATES: Final = ("new", "acknowledged", "closed")


def chosen_venues(me: Visit, venue: str) -> frozenset[str] | None:
    """The venues whose alerts are shown: the one chosen, if it is theirs; None for all."""
    readable = readable_venues(me, READ)
    if not venue:
        return readable
    mine = frozenset({venue})
    return mine if readable is None else mine & readable


@router.get("/alerts")
async def show_alerts(request: Request, me: Reader, services: Given) -> Response:
    """The queue: those nobody looks after first, the gravest of them first."""
    now = await standing(services)
    query = request.query_params
    state = query.get("state", "") if query.get("state") in STATES else ""
    severity = query.get("severity", "") if query.get("severity") in SEVERITIES else ""
    theme = query.get("theme", "") if query.get("theme") in theme_titles() else ""
    venue = query.get("venue", "") if query.get("venue", "") in now.policy.venues else ""
    venues = chosen_venues(me, venue)
    problem = "" if services.evidence else t("alerts.off")
    found: list[Kept] = []
    counted: dict[tuple[str, str], int] = {}
    if services.evidence is not None:
        try:
            async with services.evidence.reading() as connection:
                counted = await reading.counts(connection, venues)
                found = await reading.alerts(
                    connection,
                    venues,
                    state=state,
                    severity=severity,
                    theme=theme,
                    limit=PAGE_ALERTS + 1,
                )
        except StoreFault:
            problem = t("alerts.unreadable")
    return render(
        request,
        "alerts/list",
        zone=now.zone,
        form=Form.filled(state=state, severity=severity, theme=theme, venue=venue),
        alerts=found[:PAGE_ALERTS],
        more=len(found) > PAGE_ALERTS,
        counts={one: sum(n for (s, _), n in counted.items() if s == one) for one in STATES},
        high=counted.get(("new", "high"), 0),
        problem=problem,
        narrow=bool(state or severity or theme or venue),
        venues=_venues(me, now),
        titles=now_titles(now),
        themes=theme_titles(),
        severities=SEVERITIES,
        states=STATES,
    )


@router.get("/alerts/held")
async def show_held(request: Request, me: Reader, services: Given) -> Response:
    """What was not shown as an alert, and by which rule."""
    now = await standing(services)
    since = services.clock() - DAYS * 86_400.0
    venues = readable_venues(me, READ)
    problem = "" if services.evidence else t("alerts.off")
    by_rule: dict[str, tuple[int, int]] = {}
    newest: list[Kept] = []
    suspected: list[Any] = []
    if services.evidence is not None:
        try:
            async with services.evidence.reading() as connection:
                by_rule, newest = await reading.held(connection, since, venues)
                suspected = list(await reading.suspected(connection, since, venues))
        except StoreFault:
            problem = t("alerts.unreadable")
    return render(
        request,
        "alerts/held",
        zone=now.zone,
        rules=noise.rules().holds,
        rule_titles=noise.titles(),
        counts=by_rule,
        held=newest,
        suspected=suspected,
        problem=problem,
        days=DAYS,
        titles=now_titles(now),
        themes=theme_titles(),
        categories={id: entry.title for id, entry in services.taxonomy.items()},
    )


@router.get("/alerts/notices")
async def show_notices(request: Request, me: Reader, services: Given) -> Response:
    """Who is told of what, how it was delivered, and what makes an alert."""
    now = await standing(services)
    venues = readable_venues(me, READ)
    problem = "" if services.evidence else t("alerts.off")
    by_state: dict[str, int] = {}
    newest: list[Any] = []
    if services.evidence is not None:
        try:
            async with services.evidence.reading() as connection:
                by_state, rows = await reading.notices(connection, venues)
                newest = list(rows)
        except StoreFault:
            problem = t("alerts.unreadable")
    return render(
        request,
        "alerts/notices",
        zone=now.zone,
        counts=by_state,
        notices=newest,
        problem=problem,
        recipients=[
            one
            for one in services.notice_settings.recipients
            if venues is None or not one.venues or one.venues & venues
        ],
        titles=now_titles(now),
        thresholds=noise.rules().thresholds,
        raises=noise.rules().raises,
        kinds=_kinds(services),
        digest=services.alert_settings.digest_only,
    )


def now_titles(now: Standing) -> dict[str, str]:
    """What venues are called, by id; and rooms, by `crewe/it-suite`."""
    rooms = {
        f"{id}/{room}": place.title
        for id, venue in now.policy.venues.items()
        for room, place in venue.rooms.items()
    }
    return dict(now.venues) | rooms


def _venues(me: Visit, now: Standing) -> list[tuple[str, str]]:
    readable = readable_venues(me, READ)
    mine = [one for one in now.venues if readable is None or one[0] in readable]
    return [("", t("alerts.every_venue")), *mine]


def _kinds(services: Services) -> list[tuple[str, str, str]]:
    """Categories that make alerts, and how grave each is here."""
    chosen = services.alert_settings.severity
    mine = alerting(services.taxonomy)
    return [
        (id, entry.title, severity_of(id, services.taxonomy, chosen) or "none")
        for id, entry in services.taxonomy.items()
        if id in mine
    ]
