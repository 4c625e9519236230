"""`/settings`: what is the organisation's: name, clock, terms, roles, texts of the block page."""

from __future__ import annotations

from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from policy.commands.organisation import ChangeOrganisation, ChangeRole
from policy.commands.permissions import PERMITTED
from policy.holidays import DIVISIONS
from policy.passes import WARN_MINUTES_MAX
from policy.people import EXCEPTION_HOURS_MAX, HOURS_MAX, ROLES
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Allowed, Me
from portal.rendering import Area, render
from portal.services import Given
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()
area = Area(
    "/settings", "settings.navigation", order=70, action="organisation.change", group="setup"
)

Owner = Annotated[Visit, Depends(Allowed("organisation.change"))]
"""An administrator of the whole organisation."""

ZONES_FIRST: Final = ("Europe/London", "Europe/Dublin", "UTC")
GRANTING: Final = tuple(role for role in ROLES if PERMITTED["exception.grant"][role] != "-")
"""Roles that may approve exceptions at all."""

_NOUNS: Final = {"policy": "permissions.reading", "audit": "permissions.reading"}
"""Titles of what no token has a scope for."""


@router.get("/settings")
async def show_settings(request: Request, me: Owner, services: Given) -> Response:
    """The organisation as it stands."""
    now = await standing(services)
    return render(request, "settings/organisation", standing=now)


@router.get("/settings/organisation")
async def ask_organisation(request: Request, me: Owner, services: Given) -> Response:
    """The form with what the organisation has."""
    now = await standing(services)
    one = now.policy.organisation
    form = Form.filled(
        name=one.name,
        timezone=one.timezone,
        default_profile=one.default_profile,
        holidays=one.holidays,
        warn_minutes=str(one.warn_minutes),
    )
    return _organisation(request, now, form)


@router.post("/settings/organisation")
async def change_organisation(request: Request, me: Owner, services: Given) -> Response:
    """Another name, clock, default profile, bank holidays, time past a warning."""
    form = await read_form(request)
    now = await standing(services)
    profile = form.chosen("default_profile", now.policy.profiles, "settings.profile_missing")
    changes: dict[str, Any] = {
        "name": form.text("name", "settings.name_missing", 200),
        "timezone": form.text("timezone", "settings.timezone_missing", 100),
        "default_profile": profile[0] if profile else None,
        "holidays": next(iter(form.chosen("holidays", DIVISIONS)), None),
        "warn_minutes": form.whole("warn_minutes", 0, WARN_MINUTES_MAX, "profiles.minutes_wrong"),
    }
    answer = await carry_out(
        request,
        form,
        ChangeOrganisation(changes, reason_of(form)),
        title=t("settings.change_title"),
        back="/settings",
        notice="settings.changed_done",
    )
    return answer or _organisation(request, now, form)


@router.get("/settings/roles")
async def show_roles(request: Request, me: Owner, services: Given) -> Response:
    """How long exceptions of each role may last."""
    now = await standing(services)
    form = Form.filled(
        **{f"hours-{role}": str(now.policy.exception_hours_max[role]) for role in GRANTING}
    )
    return _roles(request, form)


@router.post("/settings/roles/{role}")
async def change_role(request: Request, me: Owner, services: Given, role: str) -> Response:
    """Another longest exception for one role."""
    if role not in GRANTING:
        raise HTTPException(404)
    form = await read_form(request)
    hours = form.whole(f"hours-{role}", 0, HOURS_MAX, "settings.hours_wrong")
    standard = next(hours for word, hours in EXCEPTION_HOURS_MAX.items() if word == role)
    answer = await carry_out(
        request,
        form,
        ChangeRole(role, None if hours == standard else hours, reason_of(form)),
        title=t("settings.role_title", role=t(f"role.{role}")),
        back="/settings/roles",
        notice="settings.role_done",
    )
    if answer is not None:
        return answer
    now = await standing(services)
    typed = {f"hours-{word}": str(now.policy.exception_hours_max[word]) for word in GRANTING}
    shown = Form.filled(**(typed | {f"hours-{role}": form[f"hours-{role}"]}))
    shown.errors.update(form.errors)
    return _roles(request, shown)


@router.get("/settings/permissions")
async def show_permissions(request: Request, me: Me) -> Response:
    """Who may do what, in words, for everybody."""
    groups: dict[str, list[tuple[str, list[str]]]] = {}
    for action, cells in PERMITTED.items():
        row = (action, [cells[role] for role in ROLES])
        groups.setdefault(_NOUNS.get(noun := action.partition(".")[0], f"scope.{noun}"), []).append(
            row
        )
    mine = sorted({grant.role for grant in me.person.roles}, key=ROLES.index)
    return render(request, "settings/permissions", groups=groups, roles=ROLES, mine=mine)


def _organisation(request: Request, now: Standing, form: Form) -> Response:
    zones = [*ZONES_FIRST, *sorted(zone for zone in available_timezones() if "/" in zone)]
    if form["timezone"] not in zones:
        zones.insert(0, form["timezone"])
    return render(
        request,
        "settings/form",
        422 if form.errors else 200,
        form=form,
        standing=now,
        zones=[(zone, zone) for zone in dict.fromkeys(zones)],
        holidays=[("", t("settings.holidays_none")), *((d, t(f"holidays.{d}")) for d in DIVISIONS)],
    )


def _roles(request: Request, form: Form) -> Response:
    rows = [(role, t(f"role.{role}"), EXCEPTION_HOURS_MAX[role]) for role in GRANTING]
    return render(request, "settings/roles", 422 if form.errors else 200, form=form, rows=rows)
