"""`lychgate venue ...`: the places people come to, known by their networks."""

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
    telling_faults,
)
from lychgate.commands.options import Config, Json

app = typer.Typer(
    no_args_is_help=True, help="Venues: the places people come to, known by their networks."
)

Venue = Annotated[str, typer.Argument(metavar="VENUE", help="Its id, as in ellesmere-port.")]
Title = Annotated[
    str | None, typer.Option("--title", help="How people call it.", show_default="its id")
]
Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--network", help="A network its queries come from, as in 10.20.0.0/16; may be repeated."
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", help="What people see there.", show_default="the organisation's"),
]


@app.command()
def add(
    venue: Venue,
    network: Networks = None,
    title: Title = None,
    profile: Profile = None,
    replaces: Annotated[
        str,
        typer.Option(
            "--replaces",
            help="A venue that goes in the same step, as in here: the one that ships.",
            show_default=False,
        ),
    ] = "",
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a venue. Rooms are added one by one: `lychgate room add`.

    The policy that ships has one venue, `here`, with every private network: your first venue
    replaces it.

    Example: `lychgate venue add crewe --title "Crewe hub" --network 10.40.0.0/16
    --profile learners --replaces here`
    """
    from policy.commands.venues import AddVenue

    body = given(title=title, networks=network, profile=profile)
    decide(AddVenue(venue, body, reason, replaces), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(as_json: Json = False, config: Config = None) -> None:
    """Show all venues.

    Example: `lychgate venue list`
    """
    from lychgate.policy_screens import show_rows, written

    with telling_faults():
        raw = open_office(config).raw(["venues", "organisation"])
    venues = raw.get("venues", {})
    if as_json:
        show_json([{"id": id, **body} for id, body in venues.items()])
        return
    default = f"{raw.get('organisation', {}).get('default_profile', '')} (default)"
    show_rows(
        ("venue", "title", "profile", "networks", "rooms"),
        [
            (
                id,
                body.get("title", id),
                body.get("profile", default),
                written(body.get("networks", [])),
                ", ".join(body.get("rooms", {})),
            )
            for id, body in venues.items()
        ],
        "There is no venue; `lychgate venue add` makes one.",
    )


@app.command()
def show(venue: Venue, as_json: Json = False, config: Config = None) -> None:
    """Show one venue with its rooms, and who has a role there.

    Example: `lychgate venue show ellesmere-port`
    """
    from lychgate.policy_screens import show_body, show_rows, written

    with telling_faults():
        raw = open_office(config).raw(["venues", "people"])
        body: dict[str, Any] = known(raw.get("venues", {}), venue, "venue", "VENUE")
    people = [
        (id, one["name"], role["role"])
        for id, one in raw.get("people", {}).items()
        for role in one.get("roles", ())
        if venue in role.get("venues", [venue])
    ]
    if as_json:
        with_roles = [{"id": id, "name": name, "role": role} for id, name, role in people]
        show_json({"id": venue, **body, "people": with_roles})
        return
    show_body(f"venue {venue}", {key: value for key, value in body.items() if key != "rooms"})
    rooms = body.get("rooms", {}).items()
    show_rows(
        ("room", "title", "profile", "networks"),
        [
            (
                id,
                inner.get("title", id),
                inner.get("profile", "the venue's"),
                written(inner.get("networks", [])),
            )
            for id, inner in rooms
        ],
        "It has no rooms.",
    )
    show_rows(("person", "name", "role"), people, "Nobody has a role there.")


@app.command()
def change(
    venue: Venue,
    network: Networks = None,
    title: Title = None,
    profile: Profile = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change a venue: what is given replaces what it has; an empty text takes it away.

    Example: `lychgate venue change crewe --network 10.40.0.0/16 --network 10.41.0.0/16`
    """
    from policy.commands.venues import ChangeVenue

    new = changes(title=title, networks=network, profile=profile)
    require_changes("venue change", new)
    decide(ChangeVenue(venue, new, reason), Manner(config, person, dry_run, as_json))


@app.command()
def remove(
    venue: Venue,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Give a venue up, with its rooms. Refused while anything still names it.

    Example: `lychgate venue remove crewe --reason "the lease ended"`
    """
    from policy.commands.venues import RemoveVenue

    decide(RemoveVenue(venue, reason), Manner(config, person, dry_run, as_json))
