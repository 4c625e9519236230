"""`lychgate device ...`: single machines, and the access that is withdrawn from some."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lychgate.commands.deciding import (
    DryRun,
    Manner,
    Person,
    Reason,
    changes,
    decide,
    given,
    known,
    open_office,
    require_changes,
    show_json,
    show_one,
    telling_faults,
)
from lychgate.commands.options import Config, Json

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

app = typer.Typer(
    no_args_is_help=True, help="Devices: single machines; access withdrawn and given back."
)

Device = Annotated[str, typer.Argument(metavar="DEVICE", help="Its id, as in laptop-12.")]
Title = Annotated[
    str | None, typer.Option("--title", help="How people call it.", show_default="its id")
]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", help="As in 10.20.3.12; may be repeated.", show_default=False),
]
ClientIds = Annotated[
    list[str] | None,
    typer.Option(
        "--client-id", help="What a forwarder sends for it; may be repeated.", show_default=False
    ),
]
Hostnames = Annotated[
    list[str] | None,
    typer.Option(
        "--hostname", help="Its name in DHCP leases; may be repeated.", show_default=False
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", help="What is seen on it.", show_default="that of its place"),
]


@app.command()
def add(
    device: Device,
    address: Addresses = None,
    client_id: ClientIds = None,
    hostname: Hostnames = None,
    title: Title = None,
    profile: Profile = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a device, known by its address, a client id or its name in DHCP.

    Example: `lychgate device add laptop-12 --address 10.20.3.12 --title "Laptop 12"`
    """
    from policy.commands.devices import AddDevice

    body = given(
        title=title, addresses=address, client_ids=client_id, hostnames=hostname, profile=profile
    )
    decide(AddDevice(device, body, reason), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="Only those without access now.")
    ] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show all devices.

    Example: `lychgate device list --withdrawn`
    """
    from lychgate.policy_screens import show_rows
    from lychgate.standing import ends_at

    with telling_faults():
        office = open_office(config)
        devices = office.raw(["devices"]).get("devices", {})
        zone = office.zone()
    now = time.time()
    rows = []
    for id, body in devices.items():
        lost = body.get("withdrawn", False) and ends_at(body, "withdrawn_until", zone) > now
        if lost or not withdrawn:
            rows.append((id, body, lost))
    if as_json:
        show_json([{"id": id, **body, "without_access": lost} for id, body, lost in rows])
        return
    show_rows(
        ("device", "title", "known by", "profile", "access"),
        [
            (
                id,
                body.get("title", id),
                ", ".join(
                    text
                    for key in ("addresses", "client_ids", "hostnames")
                    for text in body.get(key, ())
                ),
                body.get("profile", "that of its place"),
                _access(body, zone) if lost else "",
            )
            for id, body, lost in rows
        ],
        "There is no such device.",
    )


@app.command()
def show(device: Device, as_json: Json = False, config: Config = None) -> None:
    """Show one device.

    Example: `lychgate device show laptop-12`
    """
    with telling_faults():
        devices = open_office(config).raw(["devices"]).get("devices", {})
        body: dict[str, Any] = known(devices, device, "device", "DEVICE")
    show_one("device", device, body, as_json=as_json)


@app.command()
def change(
    device: Device,
    address: Addresses = None,
    client_id: ClientIds = None,
    hostname: Hostnames = None,
    title: Title = None,
    profile: Profile = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change a device: what is given replaces what it has; an empty text takes it away.

    Example: `lychgate device change laptop-12 --address 10.20.3.40`
    """
    from policy.commands.devices import ChangeDevice

    new = changes(
        title=title, addresses=address, client_ids=client_id, hostnames=hostname, profile=profile
    )
    require_changes("device change", new)
    decide(ChangeDevice(device, new, reason), Manner(config, person, dry_run, as_json))


@app.command()
def remove(
    device: Device,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Forget a device: it is then filtered like others where it is.

    Example: `lychgate device remove laptop-12`
    """
    from policy.commands.devices import RemoveDevice

    decide(RemoveDevice(device, reason), Manner(config, person, dry_run, as_json))


@app.command()
def withdraw(
    device: Device,
    reason: Annotated[str, typer.Option("--reason", help="Why: kept with the device.")],
    until: Annotated[
        str | None,
        typer.Option(
            help="When access comes back by itself: 15:00, 2026-03-03, +1h.",
            show_default="when it is given back",
        ),
    ] = None,
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Leave a device nothing but essential sites.

    Example: `lychgate device withdraw laptop-12 --reason "agreed with the learner" --until +1h`
    """
    from lychgate.instants import read_instant
    from policy.commands.devices import WithdrawDevice

    office = open_office(config)
    at: float | None = None
    if until is not None:
        with telling_faults():
            at = read_instant(until, time.time(), office.zone(), "--until", whole_day=True)
    manner = Manner(config, person, dry_run, as_json)
    decide(WithdrawDevice(device, reason, at), manner, office)


@app.command("give-back")
def give_back(
    device: Device,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give a device its access back.

    Example: `lychgate device give-back laptop-12`
    """
    from policy.commands.devices import GiveBackDevice

    decide(GiveBackDevice(device, reason), Manner(config, person, dry_run, as_json))


def _access(body: dict[str, Any], zone: ZoneInfo) -> str:
    from lychgate.instants import show_span
    from lychgate.standing import ends_at

    _, end = show_span(-math.inf, ends_at(body, "withdrawn_until", zone), zone)
    until = f" until {end}" if end else ""
    why = f": {body['withdrawn_reason']}" if "withdrawn_reason" in body else ""
    return f"withdrawn{until}{why}"
