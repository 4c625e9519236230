"""`lychgate essential ...`: sites that no list may close."""

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

app = typer.Typer(no_args_is_help=True, help="Essentials: your own sites that no list may close.")

Site = Annotated[
    str,
    typer.Argument(
        metavar="SITE", help="As in portal.example with all below it, or =portal.example alone."
    ),
]


@app.command()
def add(
    site: Site,
    reason: Annotated[str, typer.Option("--reason", help="Why: kept with the site.")],
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Keep a site open whatever lists say, also where access is withdrawn.

    Example: `lychgate essential add portal.example --reason "our learning platform"`
    """
    from policy.commands.essentials import AddEssential

    decide(AddEssential(site, reason), Manner(config, person, dry_run, as_json))


@app.command("list")
def list_(
    shipped: Annotated[bool, typer.Option("--shipped", help="Also those that ship.")] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show essential sites: your own, and why.

    Example: `lychgate essential list`
    """
    from lychgate.policy_screens import show_rows
    from policy.store.reading import read_entries

    with telling_faults():
        office = open_office(config)
        own = office.ask(lambda connection: read_entries(connection, "essentials"))
        found = [(site, body.get("reason", ""), body.get("author", "")) for site, body in own]
        if shipped:
            found += [(site, "shipped", "") for site in office.shipped_essentials]
    if as_json:
        show_json([{"id": site, "reason": why, "author": who} for site, why, who in found])
        return
    show_rows(("site", "why", "who"), found, "None of your own; `lychgate essential add` adds one.")


@app.command()
def remove(
    site: Site,
    reason: Reason = "",
    person: Person = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Let lists and profiles decide about a site of your own again.

    Example: `lychgate essential remove portal.example`
    """
    from policy.commands.essentials import RemoveEssential

    decide(RemoveEssential(site, reason), Manner(config, person, dry_run, as_json))
