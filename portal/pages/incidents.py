"""`/alerts/id/N/export`: an incident to print, or as JSON or CSV, for a service's own form."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from evidence.reading.events import read_events
from portal.accounts.visits import Visit
from portal.alerting import READ, find_alert, incident
from portal.deciding.numbering import Number
from portal.identity import Allowed
from portal.pages.alerts import now_titles
from portal.reading_evidence import evidence_of
from portal.rendering import render
from portal.services import Given, Services
from portal.spreadsheets import download
from portal.standing_policy import standing
from portal.words import t

router = APIRouter()

Reader = Annotated[Visit, Depends(Allowed(READ))]


@router.get("/alerts/id/{number}/export")
async def show_incident(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """A page to print: without navigation, without who it was."""
    found = await find_alert(services, me, number)
    now = await standing(services)
    categories = _categories(services)
    return render(
        request,
        "alerts/print",
        zone=now.zone,
        one=incident(found, now_titles(now), categories),
        categories=categories,
        organisation=now.policy.organisation.name,
        people={id: person.name for id, person in now.policy.people.items()},
    )


@router.get("/alerts/id/{number}/export.json")
async def export_json(me: Reader, services: Given, number: Number) -> Response:
    """The same for programs."""
    found = await find_alert(services, me, number)
    titles = now_titles(await standing(services))
    text = json.dumps(incident(found, titles, _categories(services)), indent=2)
    headers = {"Content-Disposition": f'attachment; filename="lychgate-alert-{number}.json"'}
    return Response(text, media_type="application/json", headers=headers)


@router.get("/alerts/id/{number}/export.csv")
async def export_csv(me: Reader, services: Given, number: Number) -> Response:
    """The queries of it that are kept, for a spreadsheet."""
    found = await find_alert(services, me, number)
    now = await standing(services)
    async with evidence_of(services).reading() as connection:
        samples = await read_events(connection, found.group.samples)
    rows = [
        [
            datetime.fromtimestamp(one.at // 1, now.zone).isoformat(),
            one.name,
            one.domain,
            one.category,
            one.action,
            one.queries,
            one.venue,
            one.room,
            one.pseudonym,
            " ".join(one.sources),
        ]
        for one in reversed(samples)
    ]
    return download(f"lychgate-alert-{number}.csv", t("alerts.columns").split(","), rows)


def _categories(services: Services) -> dict[str, str]:
    return {id: entry.title for id, entry in services.taxonomy.items()}
