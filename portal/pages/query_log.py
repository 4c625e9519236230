"""`/query-log`: queries that were blocked, warned about, monitored or suspected, without names.

Devices have pseudonyms here. Who is behind one is asked elsewhere, with a reason. A reader sees the
venues of their roles and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from evidence.pseudonyms import SHORT_CHARACTERS
from evidence.reading import Event, EventFilter, EventPage, events
from policy.store import StoreFault
from policy.types import Reason
from portal.accounts.visits import Visit
from portal.forms import Form
from portal.identity import Allowed
from portal.reading_evidence import readable_venues
from portal.rendering import Area, render
from portal.services import Given, Services
from portal.spreadsheets import download
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()
area = Area("/query-log", "query_log.navigation", order=60, action="event.read", group="seeing")

Reader = Annotated[Visit, Depends(Allowed("event.read"))]

PAGE_EVENTS: Final = 50
EXPORT_EVENTS_MAX: Final = 10_000
FIELD_CHARACTERS_MAX: Final = 253
ACTIONS: Final = ("block", "warn", "monitor", "allow")
_FIELDS: Final = ("name", "device", "venue", "room", "category", "action", "since", "until")
_DIGITS_MAX: Final = 16
_QTYPES: Final = {1: "A", 28: "AAAA", 65: "HTTPS", 5: "CNAME", 15: "MX", 16: "TXT", 12: "PTR"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, and what it means."""

    form: Form
    filter: EventFilter
    before: int | None


@router.get("/query-log")
async def show_log(request: Request, me: Reader, services: Given) -> Response:
    """Events, the newest first."""
    policy = await standing(services)
    wanted = read_filter(request.query_params, me, policy, services)
    page, problem = EventPage((), None), ""
    if services.evidence is None:
        problem = t("query_log.off")
    else:
        try:
            async with services.evidence.reading() as connection:
                page = await events(
                    connection, wanted.filter, before=wanted.before, limit=PAGE_EVENTS
                )
        except StoreFault:
            problem = t("query_log.unreadable")
    typed = {name: wanted.form[name] for name in _FIELDS if wanted.form[name]}
    return render(
        request,
        "query_log/list",
        422 if wanted.form.errors else 200,
        form=wanted.form,
        zone=policy.zone,
        events=page.events,
        problem=problem,
        venues=_venues(policy, wanted.filter, readable_venues(me, "event.read")),
        titles=dict(policy.venues),
        categories={id: entry.title for id, entry in services.taxonomy.items()},
        short=SHORT_CHARACTERS,
        types=_QTYPES,
        actions=ACTIONS,
        reasons=get_args(Reason),
        narrow=bool(typed),
        csv_query=urlencode(typed),
        query_of=lambda **more: urlencode({**typed, **more}),
        older_query=urlencode({**typed, "before": page.next}) if page.next else "",
    )


@router.get("/query-log/export.csv")
async def export(request: Request, me: Reader, services: Given) -> Response:
    """The same events for a spreadsheet, up to `EXPORT_EVENTS_MAX`."""
    policy = await standing(services)
    wanted = read_filter(request.query_params, me, policy, services)
    if wanted.form.errors or services.evidence is None:
        return await show_log(request, me, services)
    found: list[Event] = []
    before = wanted.before
    async with services.evidence.reading() as connection:
        while len(found) < EXPORT_EVENTS_MAX:
            page = await events(connection, wanted.filter, before=before, limit=500)
            found += page.events
            before = page.next
            if before is None:
                break
    header = [t(f"query_log.{column}") for column in _COLUMNS]
    return download("lychgate-query-log.csv", header, [_row(one, policy.zone) for one in found])


def read_filter(
    query: Mapping[str, str], me: Visit, policy: Standing, services: Services
) -> Wanted:
    """What is looked for, and the form that shows it again."""
    typed = {name: query.get(name, "").strip()[:FIELD_CHARACTERS_MAX] for name in _FIELDS}
    form = Form.filled(**typed)
    readable = readable_venues(me, "event.read")
    venues: frozenset[str] | None = readable
    if typed["venue"]:
        chosen = frozenset({typed["venue"]})
        venues = chosen if readable is None else chosen & readable
    since, until = _midnight(form, "since", policy.zone), _midnight(form, "until", policy.zone)
    category, action = typed["category"], typed["action"]
    before = query.get("before", "")
    return Wanted(
        form,
        EventFilter(
            venues=venues,
            since=since,
            until=None if until is None else _day_after(until, policy.zone),
            action=action if action in ACTIONS else "",
            categories=(category, *services.taxonomy.descendants(category))
            if category in services.taxonomy
            else (),
            room=typed["room"],
            name_contains=typed["name"].lower(),
            pseudonym=typed["device"].lower(),
        ),
        int(before)
        if before.isascii() and before.isdigit() and len(before) <= _DIGITS_MAX
        else None,
    )


_COLUMNS: Final = (
    "when",
    "name",
    "type",
    "queries",
    "device",
    "venue",
    "room",
    "profile",
    "action",
    "reason",
    "category",
    "rule",
    "sources",
    "suggestions",
    "check",
)


def _row(one: Event, zone: ZoneInfo) -> Sequence[object]:
    return (
        datetime.fromtimestamp(one.at, zone).isoformat(timespec="seconds"),
        one.name,
        _QTYPES.get(one.qtype, f"TYPE{one.qtype}"),
        one.queries,
        one.pseudonym[:SHORT_CHARACTERS],
        one.venue,
        one.room,
        one.profile,
        one.action,
        one.reason,
        one.category,
        one.rule,
        " ".join(one.sources),
        " ".join(one.suggestions),
        t("query_log.of_a_check") if one.is_check else "",
    )


def _venues(
    policy: Standing, wanted: EventFilter, readable: frozenset[str] | None
) -> list[tuple[str, str]]:
    """Venues to choose among."""
    found = [pair for pair in policy.venues if readable is None or pair[0] in readable]
    return [("", t("query_log.every_venue")), *found]


def _midnight(form: Form, name: str, zone: ZoneInfo) -> float | None:
    """The beginning of a day that was typed; None for none."""
    if not form[name]:
        return None
    try:
        at = datetime.strptime(form[name], "%Y-%m-%d").replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        form.wrong(name, t("query_log.day_wrong"))
        return None
    return max(at, 0.0)


def _day_after(at: float, zone: ZoneInfo) -> float:
    try:
        return (datetime.fromtimestamp(at, zone) + timedelta(days=1)).timestamp()
    except (OverflowError, ValueError):
        return at
