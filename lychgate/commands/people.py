"""`lychgate person ...`: who may decide what, and where."""

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

app = typer.Typer(no_args_is_help=True, help="People: who may decide what, and where.")

Id = Annotated[str, typer.Argument(metavar="PERSON", help="Their id, as in jo.")]
Name = Annotated[str | None, typer.Option("--name", help="As in J. Okafor.", show_default=False)]
Email = Annotated[str | None, typer.Option("--email", show_default=False)]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="As in tutor@ellesmere-port,crewe; without venues it holds everywhere. One of "
        "administrator, partner-administrator, tutor, safeguarding-lead, leadership; may be "
        "repeated.",
    ),
]


@app.command()
def add(
    id: Id,
    name: Annotated[str, typer.Option("--name", help="As in J. Okafor.", show_default=False)],
    email: Email = None,
    role: Roles = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a person with their roles.

    Example: `lychgate person add jo --name "J. Okafor" --role tutor@ellesmere-port`
    """
    from policy.commands.people import AddPerson

    body = given(name=name, email=email, roles=_roles(role))
    decide(AddPerson(id, body, reason), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(as_json: Json = False, config: Config = None) -> None:
    """Show everybody who has a role.

    Example: `lychgate person list`
    """
    from lychgate.policy_screens import show_rows

    with telling_faults():
        people = open_office(config).raw(["people"]).get("people", {})
    if as_json:
        show_json([{"id": id, **body} for id, body in people.items()])
        return
    show_rows(
        ("person", "name", "roles", "e-mail"),
        [
            (
                id,
                body["name"],
                "; ".join(map(_written, body.get("roles", ()))),
                body.get("email", ""),
            )
            for id, body in people.items()
        ],
        "Nobody has a role yet: `lychgate person add` gives one.",
    )


@app.command()
def show(id: Id, as_json: Json = False, config: Config = None) -> None:
    """Show one person, and what their roles permit.

    Example: `lychgate person show jo`
    """
    from lychgate.policy_screens import show_body, show_rows
    from policy.commands.permissions import PERMITTED

    with telling_faults():
        people = open_office(config).raw(["people"]).get("people", {})
        body: dict[str, Any] = known(people, id, "person", "PERSON")
    roles = body.get("roles", [])
    allowed = {
        role["role"]: [
            action for action, cells in PERMITTED.items() if cells.get(role["role"], "-") != "-"
        ]
        for role in roles
    }
    if as_json:
        show_json({"id": id, **body, "permitted": allowed})
        return
    show_body(f"person {id}", {key: value for key, value in body.items() if key != "roles"})
    show_rows(
        ("role", "where", "may"),
        [
            (
                role["role"],
                ", ".join(role.get("venues", ())) or "everywhere",
                ", ".join(allowed[role["role"]]),
            )
            for role in roles
        ],
        "Without a role: nothing is permitted.",
    )


@app.command()
def change(
    id: Id,
    name: Name = None,
    email: Email = None,
    role: Roles = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change a person: roles that are given replace all they have; an empty text takes away.

    Example: `lychgate person change jo --role tutor@ellesmere-port,crewe`
    """
    from policy.commands.people import ChangePerson

    new = changes(name=name, email=email, roles=[""] if role == [""] else _roles(role))
    require_changes("person change", new)
    decide(ChangePerson(id, new, reason), Manner(config, person, dry_run, as_json))


@app.command()
def remove(
    id: Id,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Remove a person. What they decided stays, and stays explained.

    Example: `lychgate person remove jo --reason "left in March"`
    """
    from policy.commands.people import RemovePerson

    decide(RemovePerson(id, reason), Manner(config, person, dry_run, as_json))


def _roles(texts: list[str] | None) -> list[dict[str, Any]] | None:
    """`tutor@crewe,chester` as the policy has it; None when nothing was typed."""
    if texts is None:
        return None
    roles: list[dict[str, Any]] = []
    for text in texts:
        role, at, venues = text.partition("@")
        names = [venue.strip() for venue in venues.split(",") if venue.strip()]
        roles.append({"role": role.strip(), **({"venues": names} if at else {})})
    return roles


def _written(role: dict[str, Any]) -> str:
    venues = role.get("venues")
    return f"{role['role']} at {', '.join(venues)}" if venues else f"{role['role']} everywhere"
