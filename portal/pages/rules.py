"""`/rules`: the allow and deny lists, searched; rules that are due for review."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from portal.accounts.visits import Visit
from portal.deciding.audit_log import last_change_of
from portal.deciding.numbering import number_in
from portal.deciding.scopes import read_places
from portal.deciding.searching import (
    PAGE_RULES,
    Search,
    count_due,
    count_rules,
    find_due,
    find_rules,
)
from portal.forms import Form
from portal.identity import Allowed
from portal.rendering import Area, render, zone_of
from portal.services import Given

router = APIRouter()
area = Area("/rules", "rules.navigation", order=20, group="sites")

PAGES_MAX: Final = 2_000
FIELD_CHARACTERS_MAX: Final = 300
ACTIONS: Final = ("allow", "deny")
_FIELDS: Final = ("name", "action", "scope", "author", "text")
_KINDS: Final = ("profile", "venue", "room", "device")
_NOUNS: Final = ("rule", "essential", "bundle")
Reader = Annotated[Visit, Depends(Allowed("policy.read"))]


@router.get("/rules")
async def show_rules(request: Request, me: Reader, services: Given) -> Response:
    """Rules, the newest first."""
    query = request.query_params
    typed = {name: query.get(name, "").strip()[:FIELD_CHARACTERS_MAX] for name in _FIELDS}
    if typed["action"] not in ACTIONS:
        typed["action"] = ""
    search = Search(**typed, before=number_in(query.get("before", "")))
    zone = await zone_of(services)
    async with services.store.reading() as connection:
        page = await find_rules(connection, search)
        count = await count_rules(connection)
        due = await count_due(connection, today(services.clock(), zone))
        last = await last_change_of(connection, me.person.id, _NOUNS)
    places = await read_places(services)
    return render(
        request,
        "rules/list",
        zone=zone,
        form=Form.filled(**typed),
        page=page,
        places=places,
        groups=places.groups(_KINDS),
        narrow=search.is_narrow(),
        first=not search.before,
        count=count,
        due=due,
        last=last,
        older_query=urlencode(
            {**{k: v for k, v in typed.items() if v}, "before": page.next_before or 0}
        ),
    )


@router.get("/rules/review")
async def show_review(request: Request, me: Reader, services: Given) -> Response:
    """Decisions awaiting review: rules whose day has come."""
    number = min(number_in(request.query_params.get("page", "")), PAGES_MAX)
    zone = await zone_of(services)
    async with services.store.reading() as connection:
        day = today(services.clock(), zone)
        found = await find_due(connection, day, number * PAGE_RULES)
        count = await count_due(connection, day)
    return render(
        request,
        "rules/review",
        zone=zone,
        rules=found[:PAGE_RULES],
        places=await read_places(services),
        count=count,
        next_page=number + 1 if len(found) > PAGE_RULES else 0,
    )


def today(at: float, zone: ZoneInfo) -> Any:
    """The date on the organisation's clock."""
    return datetime.fromtimestamp(at, zone).date()
