"""`lychgate room ...`: parts of a venue with networks of their own."""

from __future__ import annotations

from typing import Annotated, Any

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
from lychgate.commands.options import Config, Json, refuse

app = typer.Typer(
    no_args_is_help=True, help="Rooms: parts of a venue, known by networks of their own."
)

Room = Annotated[str, typer.Argument(metavar="VENUE/ROOM", help="As in ellesmere-port/it-suite.")]
Title = Annotated[
    str | None, typer.Option("--title", help="How people call it.", show_default="its id")
]
Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--network", help="A network its queries come from, as in 10.20.3.0/24; may be repeated."
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", help="What people see there.", show_default="the venue's"),
]


@app.command()
def add(
    room: Room,
    network: Networks = None,
    title: Title = None,
    profile: Profile = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a room to a venue.

    Example: `lychgate room add crewe/it-suite --title "IT suite" --network 10.40.3.0/24`
    """
    from policy.commands.rooms import AddRoom

    venue, id = _parts(room)
    body = given(title=title, networks=network, profile=profile)
    decide(AddRoom(venue, id, body, reason), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(
    venue: Annotated[
        str | None, typer.Option(help="Only rooms of this venue.", show_default="all")
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show rooms.

    Example: `lychgate room list --venue ellesmere-port`
    """
    from lychgate.policy_screens import show_rows, written

    with telling_faults():
        venues = open_office(config).raw(["venues"]).get("venues", {})
    if venue is not None:
        venues = {venue: known(venues, venue, "venue", "--venue")}
    rooms = [
        (f"{id}/{room}", body)
        for id, one in venues.items()
        for room, body in one.get("rooms", {}).items()
    ]
    if as_json:
        show_json([{"id": id, **body} for id, body in rooms])
        return
    show_rows(
        ("room", "title", "profile", "networks"),
        [
            (
                id,
                body.get("title", id.partition("/")[2]),
                body.get("profile", "the venue's"),
                written(body.get("networks", [])),
            )
            for id, body in rooms
        ],
        "There is no room; `lychgate room add` makes one.",
    )


@app.command()
def show(room: Room, as_json: Json = False, config: Config = None) -> None:
    """Show one room.

    Example: `lychgate room show ellesmere-port/it-suite`
    """
    venue, id = _parts(room)
    with telling_faults():
        venues = open_office(config).raw(["venues"]).get("venues", {})
        place = known(venues, venue, "venue", "VENUE/ROOM")
        body: dict[str, Any] = known(place.get("rooms", {}), id, "room", "VENUE/ROOM")
    show_one("room", room, body, as_json=as_json)


@app.command()
def change(
    room: Room,
    network: Networks = None,
    title: Title = None,
    profile: Profile = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change a room: what is given replaces what it has; an empty text takes it away.

    Example: `lychgate room change crewe/it-suite --profile staff`
    """
    from policy.commands.rooms import ChangeRoom

    venue, id = _parts(room)
    new = changes(title=title, networks=network, profile=profile)
    require_changes("room change", new)
    decide(ChangeRoom(venue, id, new, reason), Manner(config, person, dry_run, as_json))


@app.command()
def remove(
    room: Room,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give a room up. Refused while a rule or an exception still names it.

    Example: `lychgate room remove crewe/it-suite`
    """
    from policy.commands.rooms import RemoveRoom

    venue, id = _parts(room)
    decide(RemoveRoom(venue, id, reason), Manner(config, person, dry_run, as_json))


def _parts(room: str) -> tuple[str, str]:
    venue, slash, id = room.partition("/")
    if not (venue and slash and id):
        refuse([f"VENUE/ROOM: {room!r} is no room; use VENUE/ROOM, as in ellesmere-port/it-suite"])
    return venue, id
