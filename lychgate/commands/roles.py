"""`lychgate role ...`: what each role may do."""

from __future__ import annotations

from typing import Annotated

import typer

from lychgate.commands.deciding import (
    DryRun,
    Manner,
    Person,
    Reason,
    decide,
    open_office,
    show_json,
    telling_faults,
)
from lychgate.commands.options import Config, Json

app = typer.Typer(no_args_is_help=True, help="Roles: what each of them may do.")

_WORDS = {"E": "everywhere", "V": "in venues", "-": ""}


@app.command("list")
def list_(as_json: Json = False, config: Config = None) -> None:
    """Show who may do what: everywhere, or only in the venues their role was given for.

    Example: `lychgate role list`
    """
    from lychgate.policy_screens import show_rows
    from policy.commands.permissions import PERMITTED
    from policy.people import ROLES

    with telling_faults():
        hours = (
            open_office(config).policy(["organisation", "profiles", "roles"]).exception_hours_max
        )
    if as_json:
        show_json(
            [
                {
                    "role": role,
                    "exception_hours_max": hours[role],
                    "permitted": {
                        action: _WORDS[cells[role]]
                        for action, cells in PERMITTED.items()
                        if cells[role] != "-"
                    },
                }
                for role in ROLES
            ]
        )
        return
    rows = [
        (action, *(_WORDS[cells[role]] for role in ROLES)) for action, cells in PERMITTED.items()
    ]
    rows.append(("longest exception", *(f"{hours[role]} hours" for role in ROLES)))
    show_rows(("action", *ROLES), rows, "")


@app.command()
def change(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="As in tutor.")],
    exception_hours: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="The longest exception somebody in this role may grant.",
            show_default="as it ships",
        ),
    ] = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Say how long an exception may last that a role grants; without hours, as it ships.

    Example: `lychgate role change tutor --exception-hours 8`
    """
    from policy.commands.organisation import ChangeRole

    decide(ChangeRole(role, exception_hours, reason), Manner(config, person, dry_run, as_json))
