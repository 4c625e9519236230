"""`/api/devices`: devices, and whether their access is withdrawn."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from policy.commands.devices import (
    DEVICES_MAX,
    AddDevice,
    ChangeDevice,
    GiveBackDevice,
    RemoveDevice,
    WithdrawDevice,
)
from portal.accounts.visits import Visit
from portal.api.models import Body, DryRun, Outcome, Reading, outcome, there
from portal.places import may_know_why
from portal.services import Given
from portal.standing_policy import Standing, standing

router = APIRouter(tags=["devices"])


class DeviceBody(Body):
    """A device, as `policy.toml` has it, without its access."""

    title: str | None = None
    addresses: list[str] | None = None
    client_ids: list[str] | None = None
    hostnames: list[str] | None = None
    profile: str | None = None


class Device(DeviceBody):
    """A device, and its access."""

    id: str
    withdrawn: bool = False
    withdrawn_until: str | None = None
    """ISO 8601; null: until it is given back."""
    withdrawn_reason: str = ""
    """Empty for whoever could not withdraw it there."""


class NewDevice(DeviceBody):
    """A device to add."""

    id: str


class Withdrawal(Body):
    """Why access is withdrawn, and until when."""

    reason: str
    until: float | None = None
    """POSIX seconds; null: until it is given back."""


@router.get("/devices")
async def list_devices(
    me: Reading,
    services: Given,
    offset: Annotated[int, Query(ge=0, le=DEVICES_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Device]:
    """Devices in order of their entry, some at a time."""
    now = await standing(services)
    some = list(now.raw.get("devices", {}))[offset : offset + limit]
    return [_device(me, now, id) for id in some]


@router.get("/devices/{device}")
async def show_device(me: Reading, services: Given, device: str) -> Device:
    """One device."""
    now = await standing(services)
    there(device, now.raw.get("devices", {}))
    return _device(me, now, device)


@router.post("/devices", status_code=201)
async def add_device(
    request: Request, sent: NewDevice, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Add a device."""
    body = {key: value for key, value in sent.written().items() if key != "id"}
    return await outcome(request, AddDevice(sent.id, body, reason), dry_run)


@router.patch("/devices/{device}")
async def change_device(
    request: Request, device: str, sent: DeviceBody, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Change a device: only the keys that are sent; null takes one away."""
    return await outcome(request, ChangeDevice(device, sent.written(), reason), dry_run)


@router.delete("/devices/{device}")
async def remove_device(
    request: Request, device: str, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Forget a device."""
    return await outcome(request, RemoveDevice(device, reason), dry_run)


@router.post("/devices/{device}/withdraw")
async def withdraw(
    request: Request, device: str, sent: Withdrawal, dry_run: DryRun = False
) -> Outcome:
    """Leave a device nothing but essential sites."""
    return await outcome(request, WithdrawDevice(device, sent.reason, sent.until), dry_run)


@router.post("/devices/{device}/give-back")
async def give_back(
    request: Request, device: str, reason: str = "", dry_run: DryRun = False
) -> Outcome:
    """Give a device its access back."""
    return await outcome(request, GiveBackDevice(device, reason), dry_run)


def _device(me: Visit, now: Standing, id: str) -> Device:
    found = Device.model_validate({**now.raw["devices"][id], "id": id})
    if not may_know_why(me, now, id):
        found.withdrawn_reason = ""
    return found
