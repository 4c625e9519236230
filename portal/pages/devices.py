"""`/venues/devices`: machines that policy knows, and whose access is withdrawn."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from policy.commands.devices import (
    AddDevice,
    ChangeDevice,
    GiveBackDevice,
    RemoveDevice,
    WithdrawDevice,
)
from policy.types import Device
from portal.accounts.visits import Visit
from portal.confirming import carry_out, reason_of
from portal.forms import Form, read_form
from portal.identity import Me
from portal.pages.venues import cannot
from portal.places import may_know_why
from portal.rendering import render
from portal.services import Given
from portal.standing_policy import Standing, id_from, lines, standing
from portal.words import t

router = APIRouter()

PAGE: Final = 50
"""Devices on a page; there may be 20,000."""
_KEYS: Final = ("addresses", "client_ids", "hostnames")


@router.get("/venues/devices")
async def show_devices(request: Request, me: Me, services: Given) -> Response:
    """Devices, a page at a time, or those that hold what somebody looks for."""
    now = await standing(services)
    wanted = request.query_params.get("q", "").strip().lower()[:100]
    only = request.query_params.get("show", "") == "withdrawn"
    at = services.clock()
    found = [
        device
        for device in now.policy.devices.values()
        if wanted in _text_of(device) and (not only or is_withdrawn(device, at))
    ]
    page = request.query_params.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    pages = max(math.ceil(len(found) / PAGE), 1)
    number = min(max(number, 1), pages)
    shown = found[(number - 1) * PAGE : number * PAGE]
    return render(
        request,
        "venues/devices",
        zone=now.zone,
        standing=now,
        at=at,
        devices=[(device, now.venues_of(device.id), is_withdrawn(device, at)) for device in shown],
        count=len(found),
        number=number,
        pages=pages,
        wanted=wanted,
        only=only,
    )


@router.get("/venues/devices/add")
async def ask_device(request: Request, me: Me, services: Given) -> Response:
    """The form for a new device."""
    return _form(request, await standing(services), None, Form())


@router.post("/venues/devices/add")
async def add_device(request: Request, me: Me, services: Given) -> Response:
    """Add a device."""
    form = await read_form(request)
    now = await standing(services)
    body = {key: value for key, value in _body(form, now).items() if value}
    id = form.text("id") or id_from(form.text("title"))
    answer = await carry_out(
        request,
        form,
        AddDevice(id, body, reason_of(form)),
        title=t("devices.add_title"),
        back="/venues/devices",
        notice="devices.added_done",
        fields={"devices": "id", id: "id"},
    )
    return answer or _form(request, now, None, form)


@router.get("/venues/devices/id/{device}")
async def show_device(request: Request, me: Me, services: Given, device: str) -> Response:
    """The form with what the device has, and whether its access is withdrawn."""
    now = await standing(services)
    known = _known(now, device)
    body = now.raw["devices"][device]
    texts = {key: "\n".join(body.get(key, ())) for key in _KEYS}
    form = Form.filled(title=known.title, profile=known.profile or "", **texts)
    return _form(request, now, known, form, services.clock(), me)


@router.post("/venues/devices/id/{device}")
async def change_device(request: Request, me: Me, services: Given, device: str) -> Response:
    """Another title, profile, other addresses or names."""
    form = await read_form(request)
    now = await standing(services)
    known = _known(now, device)
    changes = {key: value or None for key, value in _body(form, now).items()}
    answer = await carry_out(
        request,
        form,
        ChangeDevice(device, changes, reason_of(form)),
        title=t("devices.change_title", title=known.title),
        back=f"/venues/devices/id/{device}",
        notice="devices.changed_done",
        fields={"devices": "addresses", device: "addresses"},
    )
    return answer or _form(request, now, known, form, services.clock(), me)


@router.post("/venues/devices/id/{device}/remove")
async def remove_device(request: Request, me: Me, services: Given, device: str) -> Response:
    """Forget a device."""
    form = await read_form(request)
    known = _known(await standing(services), device)
    title = t("devices.remove_title", title=known.title)
    answer = await carry_out(
        request,
        form,
        RemoveDevice(device, reason_of(form)),
        title=title,
        back=f"/venues/devices/id/{device}",
        then="/venues/devices",
        notice="devices.removed_done",
        is_grave=True,
    )
    return answer or cannot(request, form, title, f"/venues/devices/id/{device}")


@router.get("/venues/devices/id/{device}/withdraw")
async def ask_withdrawal(request: Request, me: Me, services: Given, device: str) -> Response:
    """The form: why, and until when."""
    now = await standing(services)
    return render(request, "venues/withdraw", device=_known(now, device), form=Form())


@router.post("/venues/devices/id/{device}/withdraw")
async def withdraw(request: Request, me: Me, services: Given, device: str) -> Response:
    """Leave a device nothing but essential sites."""
    form = await read_form(request)
    now = await standing(services)
    known = _known(now, device)
    reason = form.text("reason", "devices.reason_missing")
    until = _end(form, services.clock(), now.zone)
    answer = await carry_out(
        request,
        form,
        WithdrawDevice(device, reason, until),
        title=t("devices.withdraw_title", title=known.title),
        back=f"/venues/devices/id/{device}",
        notice="devices.withdrawn_done",
        fields={"until": "day"},
        asks_reason=False,
        is_grave=True,
    )
    status = 422 if form.errors else 200
    return answer or render(request, "venues/withdraw", status, device=known, form=form)


@router.post("/venues/devices/id/{device}/give-back")
async def give_back(request: Request, me: Me, services: Given, device: str) -> Response:
    """Give the access back."""
    form = await read_form(request)
    known = _known(await standing(services), device)
    answer = await carry_out(
        request,
        form,
        GiveBackDevice(device, reason_of(form)),
        title=t("devices.give_back_title", title=known.title),
        back=f"/venues/devices/id/{device}",
        notice="devices.given_back_done",
    )
    assert answer is not None, "giving back refuses nobody but those who may not"
    return answer


def is_withdrawn(device: Device, at: float) -> bool:
    """Whether nothing but essential sites is open to it."""
    return device.withdrawn and device.withdrawn_until > at


def _end(form: Form, at: float, zone: ZoneInfo) -> float | None:
    """When access comes back: one of the choices, or the start of a day and time typed."""
    choice = form.chosen("end", ["hour", "today", "week", "other"])
    here = datetime.fromtimestamp(at, zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    if not choice:
        return None
    if choice[0] == "hour":
        return at + 3600
    if choice[0] != "other":
        return (midnight + timedelta(days=1 if choice[0] == "today" else 7)).timestamp()
    try:
        day = date.fromisoformat(form.text("day"))
        clock = time.fromisoformat(form.text("time") or "00:00")
        return datetime.combine(day, clock.replace(tzinfo=None), zone).timestamp()
    except (ValueError, OverflowError):
        form.wrong("day", t("devices.day_wrong"))
        return None


def _known(now: Standing, device: str) -> Device:
    if device not in now.policy.devices:
        raise HTTPException(404)
    return now.policy.devices[device]


def _text_of(device: Device) -> str:
    parts = [device.id, device.title, *map(str, device.addresses)]
    return "\n".join([*parts, *device.client_ids, *device.hostnames]).lower()


def _body(form: Form, now: Standing) -> dict[str, Any]:
    profile = form.chosen("profile", now.policy.profiles)
    known_by = {key: lines(form.text(key)) for key in _KEYS}
    title = form.text("title", "devices.title_missing")
    if not any(known_by.values()):
        form.wrong("addresses", t("devices.nothing"))
    return {"title": title, **known_by, "profile": profile[0] if profile else ""}


def _form(
    request: Request,
    now: Standing,
    device: Device | None,
    form: Form,
    at: float = 0.0,
    me: Visit | None = None,
) -> Response:
    status = 422 if form.errors else 200
    return render(
        request,
        "venues/device",
        status,
        zone=now.zone,
        form=form,
        standing=now,
        device=device,
        withdrawn=device is not None and is_withdrawn(device, at),
        told_why=device is not None and me is not None and may_know_why(me, now, device.id),
        venues=None if device is None else now.venues_of(device.id),
    )
