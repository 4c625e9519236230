"""`lychgate term ...`: the stretches of teaching that periods may follow."""

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
    no_args_is_help=True, help="Terms: stretches of teaching, which periods may follow."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help='As in "Spring 2027".')]


@app.command()
def add(
    name: Name,
    from_: Annotated[str, typer.Option("--from", help="The first day.", show_default=False)],
    to: Annotated[str, typer.Option(help="The last day, which is in it.", show_default=False)],
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Add a term.

    Example: `lychgate term add "Spring 2027" --from 2027-01-05 --to 2027-03-26`
    """
    from policy.commands.terms import AddTerm

    body = {"name": name, "from": from_, "to": to}
    decide(AddTerm(body, reason), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(as_json: Json = False, config: Config = None) -> None:
    """Show all terms.

    Example: `lychgate term list`
    """
    from lychgate.policy_screens import show_rows

    with telling_faults():
        terms = open_office(config).raw(["terms"]).get("terms", [])
    if as_json:
        show_json(terms)
        return
    show_rows(
        ("term", "first day", "last day"),
        [(term["name"], term["from"], term["to"]) for term in terms],
        "There is no term; `lychgate term add` makes one.",
    )


@app.command()
def change(
    name: Name,
    from_: Annotated[
        str | None, typer.Option("--from", help="The first day.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="The last day, which is in it.", show_default=False)
    ] = None,
    rename: Annotated[str | None, typer.Option(help="Another name.", show_default=False)] = None,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Change a term's days, or its name.

    Example: `lychgate term change "Spring 2027" --to 2027-04-01`
    """
    from policy.commands.terms import ChangeTerm

    new = changes(name=rename, **{"from": from_, "to": to})
    require_changes("term change", new)
    decide(ChangeTerm(name, new, reason), Manner(config, person, dry_run, as_json))


@app.command()
def remove(
    name: Name,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Take a term away: its days count as holidays then.

    Example: `lychgate term remove "Spring 2027"`
    """
    from policy.commands.terms import RemoveTerm

    decide(RemoveTerm(name, reason), Manner(config, person, dry_run, as_json))
