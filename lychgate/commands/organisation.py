"""`lychgate organisation ...`: whose policy it is, and its clock."""

from __future__ import annotations

from typing import Annotated

import typer

from lychgate.commands.deciding import (
    DryRun,
    Manner,
    Person,
    Reason,
    changes,
    decide,
    open_office,
    require_changes,
    show_json,
    telling_faults,
)
from lychgate.commands.options import Config, Json

app = typer.Typer(
    no_args_is_help=True, help="The organisation: its name, clock, bank holidays, default profile."
)


@app.command()
def show(as_json: Json = False, config: Config = None) -> None:
    """Show the organisation.

    Example: `lychgate organisation show`
    """
    from lychgate.policy_screens import show_body

    with telling_faults():
        body = open_office(config).raw(["organisation"]).get("organisation", {})
    if as_json:
        show_json(body)
    else:
        show_body("organisation", body)


@app.command()
def change(
    name: Annotated[str | None, typer.Option(help="What it is called.", show_default=False)] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="The clock of timetables, as in Europe/London.", show_default=False),
    ] = None,
    default_profile: Annotated[
        str | None,
        typer.Option(
            help="For addresses that no venue claims, and venues without one.", show_default=False
        ),
    ] = None,
    holidays: Annotated[
        str | None,
        typer.Option(
            help="Whose bank holidays count, as in england-and-wales; empty: none.",
            show_default=False,
        ),
    ] = None,
    warn_minutes: Annotated[
        int | None,
        typer.Option(
            help="How long somebody may go on past a warning where their profile does not say; "
            "0: not at all.",
            show_default=False,
        ),
    ] = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change what is given, and nothing else.

    Example: `lychgate organisation change --name "Northshire Skills" --holidays england-and-wales`
    """
    from policy.commands.organisation import ChangeOrganisation

    new = changes(
        name=name,
        timezone=timezone,
        default_profile=default_profile,
        holidays=holidays,
        warn_minutes=warn_minutes,
    )
    require_changes("organisation change", new)
    decide(ChangeOrganisation(new, reason), Manner(config, person, dry_run, as_json))
