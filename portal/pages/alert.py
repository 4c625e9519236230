"""`/alerts/id/N`: one alert, what is known of it, and what the safeguarding lead does with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from evidence.alerts import noise, reading
from evidence.alerts.handling import NOTE_CHARACTERS_MAX, OUTCOMES, AcknowledgeAlert, CloseAlert
from evidence.alerts.rows import Kept
from evidence.pseudonyms import SHORT_CHARACTERS, Identity
from evidence.reading.events import read_events
from evidence.revealing import reveal
from policy.commands.command import Command, Refused
from policy.commands.devices import GiveBackDevice, WithdrawDevice
from policy.commands.withdrawing import WithdrawAddress, device_at
from portal.accounts.visits import Visit
from portal.alerting import READ, find_alert, handle, theme_titles
from portal.charts import Stretch, week_grid
from portal.deciding.numbering import Number
from portal.forms import Form, read_form
from portal.identity import Allowed, actor_of, may, perform
from portal.pages.alerts import now_titles
from portal.reading_evidence import evidence_of, readable_venues
from portal.rendering import go, render
from portal.services import Given, Services
from portal.standing_policy import Standing, standing
from portal.words import t

router = APIRouter()

Reader = Annotated[Visit, Depends(Allowed(READ))]

OTHERS_MAX: Final = 20
WITHDRAWALS: Final = {"day": 1, "week": 7}
"""For how many days access is withdrawn."""


@router.get("/alerts/id/{number}")
async def show_alert(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """One alert."""
    found = await find_alert(services, me, number)
    return await _page(request, services, me, found, Form())


@router.post("/alerts/id/{number}/acknowledge")
async def acknowledge(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """Say that somebody looks after it."""
    found = await find_alert(services, me, number)
    form = await read_form(request)
    try:
        await handle(request, services, me, AcknowledgeAlert(found))
    except Refused as refused:
        if refused.permission:
            raise
        form.wrong("", t("alerts.handled_already"))
        return await _page(request, services, me, found, form, 422)
    return go(f"/alerts/id/{number}", "alerts.acknowledged_done")


@router.post("/alerts/id/{number}/close")
async def close(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """Say what came of it."""
    found = await find_alert(services, me, number)
    form = await read_form(request)
    chosen = form.chosen("outcome", OUTCOMES, "alerts.outcome_missing")
    note = form.text("note", characters_max=NOTE_CHARACTERS_MAX)
    if not form.errors:
        try:
            await handle(request, services, me, CloseAlert(found, chosen[0], note))
            return go(f"/alerts/id/{number}", "alerts.closed_done")
        except Refused as refused:
            if refused.permission:
                raise
            form.wrong("", t("alerts.handled_already"))
    return await _page(request, services, me, found, form, 422)


@router.post("/alerts/id/{number}/reveal")
async def look(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """Who the device is: shown once, in the answer to this form and nowhere else."""
    found = await find_alert(services, me, number)
    form = await read_form(request)
    why = form.text("why", "alerts.why_missing")
    if me.token is not None:
        raise HTTPException(403)
    if not form.errors:
        try:
            seen = await reveal(
                services.desk,
                evidence_of(services),
                services.taxonomy,
                actor_of(me),
                pseudonym=found.group.pseudonym,
                reason=why,
                at=services.clock(),
            )
        except Refused as refused:
            if refused.permission:
                raise
            form.wrong("why", t("alerts.nothing_kept"))
        else:
            now = await standing(services)
            return render(
                request,
                "alerts/revealed",
                zone=now.zone,
                one=found,
                seen=seen,
                withdrawn=_withdrawn(now, seen, services.clock()),
                can_withdraw=may(me, "device.withdraw"),
            )
    return await _page(request, services, me, found, form, 422)


@router.post("/alerts/id/{number}/access")
async def access(request: Request, me: Reader, services: Given, number: Number) -> Response:
    """Withdraw access from a device that was looked at, or give it back."""
    found = await find_alert(services, me, number)
    form = await read_form(request)
    now = await standing(services)
    command, notice = _access(form, now, services.clock())
    if command is not None:
        try:
            await perform(request, command)
            return go(f"/alerts/id/{number}", notice)
        except Refused as refused:
            if refused.permission:
                raise
            form.refused(refused)
    return await _page(request, services, me, found, form, 422)


def _access(form: Form, now: Standing, at: float) -> tuple[Command | None, str]:
    """The command of a form, and what is said when it is done."""
    device, address = form.text("device"), form.text("address")
    reason = form.text("reason", "alerts.reason_missing")
    if not device and address:
        try:
            device = device_at(now.policy, address) or ""
        except ValueError:
            device = ""
    if form.errors:
        return None, ""
    if form["deed"] == "back":
        return GiveBackDevice(device, reason), "alerts.given_back_done"
    days = WITHDRAWALS.get(form["until"], 1)
    local = datetime.fromtimestamp(at, now.zone) + timedelta(days=days - 1)
    until = local.replace(hour=23, minute=59, second=0, microsecond=0).timestamp()
    if until <= at:
        until += 86_400
    command: Command
    if device:
        command = WithdrawDevice(device, reason, until)
    else:
        command = WithdrawAddress(address, reason, until)
    return command, "alerts.withdrawn_done"


def _withdrawn(now: Standing, seen: Identity, at: float) -> bool:
    device = now.policy.devices.get(seen.device)
    if device is None and seen.address:
        try:
            known = device_at(now.policy, seen.address)
        except ValueError:
            known = None
        device = now.policy.devices.get(known) if known else None
    return device is not None and device.withdrawn and device.withdrawn_until > at


async def _page(
    request: Request, services: Services, me: Visit, found: Kept, form: Form, status: int = 200
) -> Response:
    now = await standing(services)
    venues = readable_venues(me, READ)
    async with evidence_of(services).reading() as connection:
        same = await reading.alerts(
            connection, venues, pseudonym=found.group.pseudonym, limit=OTHERS_MAX
        )
        samples = await read_events(connection, found.group.samples)
    group = found.group
    return render(
        request,
        "alerts/alert",
        status,
        zone=now.zone,
        form=form,
        one=found,
        group=group,
        short=group.pseudonym[:SHORT_CHARACTERS],
        titles=now_titles(now),
        theme=theme_titles().get(group.theme, group.theme),
        themes=theme_titles(),
        categories={id: entry.title for id, entry in services.taxonomy.items()},
        raises=[one.reason for one in noise.rules().raises if one.id in found.raises],
        chart=_chart(found, now),
        days=_days(found, now),
        others=[one for one in same if one.id != found.id],
        samples=samples,
        outcomes=OUTCOMES,
        people={id: person.name for id, person in now.policy.people.items()},
        can_handle=may(me, "alert.handle", group.venue),
        can_reveal=may(me, "identity.reveal", group.venue),
    )


def _chart(found: Kept, now: Standing) -> object:
    """When it looked: a row for each day."""
    days: dict[str, list[int]] = {}
    for at in found.group.looks:
        local = datetime.fromtimestamp(at, now.zone)
        minutes = days.setdefault(f"{local:%a} {local.day} {local:%b}", [])
        minutes.append(local.hour * 60 + local.minute)
    stretches = [
        Stretch(row, minute // 15 * 15, min(minute // 15 * 15 + 15, 1440), "")
        for row, minutes in enumerate(days.values())
        for minute in sorted({minute // 15 * 15 for minute in minutes})
    ]
    return week_grid("looks", t("alerts.chart"), t("alerts.chart_text"), list(days), stretches)


def _days(found: Kept, now: Standing) -> list[tuple[str, int]]:
    """The table beside the chart: looks by the hour."""
    counted: dict[str, int] = {}
    for at in found.group.looks:
        local = datetime.fromtimestamp(at, now.zone)
        key = f"{local.day} {local:%B %Y, %H}:00"
        counted[key] = counted.get(key, 0) + 1
    return list(counted.items())
