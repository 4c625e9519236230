"""`lychgate exception ...`: sites opened somewhere, for a purpose, until an end."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from lychgate.commands.deciding import (
    DryRun,
    Manner,
    Person,
    Reason,
    decide,
    open_office,
    show_json,
    show_one,
    telling_faults,
)
from lychgate.commands.options import Config, Json, refuse
from lychgate.commands.places import AtVenue, Everywhere, InRoom, OnDevice, lies_in, scope_of

app = typer.Typer(
    no_args_is_help=True,
    help="Exceptions: sites opened somewhere, for a purpose, until an end.",
)

Number = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, help="Of `lychgate exception list`.")
]


@app.command()
def grant(
    until: Annotated[
        str,
        typer.Option(
            help="When it ends: 12:00 for today, 2026-03-03T12:00, +2h.", show_default=False
        ),
    ],
    purpose: Annotated[str, typer.Option(help="What it is for.", show_default=False)],
    site: Annotated[
        list[str] | None,
        typer.Option(help="A site to open, as in ebay.co.uk; may be repeated.", show_default=False),
    ] = None,
    bundle: Annotated[
        list[str] | None,
        typer.Option(
            help="A platform with what it needs, as in facebook; `lychgate bundle list`.",
            show_default=False,
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="A whole category, as in social-media.", show_default=False),
    ] = None,
    venue: AtVenue = None,
    room: InRoom = None,
    device: OnDevice = None,
    everywhere: Everywhere = False,
    from_: Annotated[
        str | None, typer.Option("--from", help="When it begins.", show_default="now")
    ] = None,
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Open something for a class, for a while. It ends by itself.

    What cannot be exempted (gambling, adult, extremism and the like) stays blocked.

    Example: `lychgate exception grant --bundle facebook --room ellesmere-port/it-suite
    --until 12:00 --purpose "CV workshop" --as jo`
    """
    from lychgate.instants import read_instant
    from policy.commands.exceptions import GrantException

    where = scope_of(venue=venue, room=room, device=device, everywhere=everywhere)
    if where is None:
        refuse(["where: nothing is given; use --venue, --room, --device or --everywhere"])
    office = open_office(config)
    now = time.time()
    with telling_faults():
        zone = office.zone()
        end = read_instant(until, now, zone, "--until", whole_day=True)
        start = None if from_ is None else read_instant(from_, now, zone, "--from")
    command = GrantException(
        where=where,
        purpose=purpose,
        until=end,
        sites=site or (),
        categories=category or (),
        bundles=bundle or (),
        start=start,
    )
    decide(command, Manner(config, person, dry_run, as_json), office)


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    venue: AtVenue = None,
    room: InRoom = None,
    device: OnDevice = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show what is open now and what is to come; a venue stands for its rooms as well.

    Example: `lychgate exception list --venue ellesmere-port`
    """
    from lychgate.instants import show_span
    from lychgate.office import PLACES
    from lychgate.policy_screens import show_rows
    from lychgate.standing import state_of

    wanted = scope_of(venue=venue, room=room, device=device, everywhere=everywhere)
    with telling_faults():
        office = open_office(config)
        raw = office.raw([*PLACES, "exceptions"])
        policy = office.build(raw)
        zone = office.zone()
    now = time.time()
    found = [
        (body, state_of(exception, now), exception)
        for body, exception in zip(raw.get("exceptions", ()), policy.exceptions, strict=True)
        if (wanted is None or lies_in(exception.where, wanted)) and (all_ or exception.until > now)
    ]
    if as_json:
        show_json([{**body, "state": state} for body, state, _ in found])
        return
    show_rows(
        ("no", "state", "opens", "where", "from", "until", "for", "who"),
        [
            (
                str(body["id"]),
                state,
                _opens(body),
                body["where"].removeprefix("venue:").removeprefix("room:"),
                *show_span(exception.start, exception.until, zone),
                body["purpose"],
                body["approver"],
            )
            for body, state, exception in found
        ],
        "Nothing is open by an exception.",
    )


@app.command()
def show(number: Number, as_json: Json = False, config: Config = None) -> None:
    """Show one exception.

    Example: `lychgate exception show 5`
    """
    with telling_faults():
        body = open_office(config).numbered("exceptions", number)
    show_one("exception", number, body, as_json=as_json)


@app.command()
def change(
    number: Number,
    until: Annotated[
        str, typer.Option(help="When it ends: 12:30 for today, +1h from now.", show_default=False)
    ],
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Let an exception end earlier or later.

    Example: `lychgate exception change 5 --until 12:30 --reason "the class began late"`
    """
    from lychgate.instants import read_instant
    from policy.commands.exceptions import ChangeException

    office = open_office(config)
    with telling_faults():
        end = read_instant(until, time.time(), office.zone(), "--until", whole_day=True)
    manner = Manner(config, person, dry_run, as_json)
    decide(ChangeException(number, end, reason), manner, office)


@app.command()
def end(
    number: Number,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """End an exception now, or take back one that has not begun. It stays on record.

    Example: `lychgate exception end 5 --reason "the class is over"`
    """
    from policy.commands.exceptions import EndException

    decide(EndException(number, reason), Manner(config, person, dry_run, as_json))


def _opens(body: dict[str, Any]) -> str:
    words = [f"bundle {bundle}" for bundle in body.get("bundles", ())]
    return ", ".join([*body.get("sites", ()), *words, *body.get("categories", ())])
