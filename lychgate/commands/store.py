"""`lychgate store ...`: the database of decisions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from lychgate.commands.deciding import (
    DryRun,
    Reason,
    open_office,
    show_json,
    telling_faults,
)
from lychgate.commands.options import FINDING, Config, Json, load

app = typer.Typer(no_args_is_help=True, help="The store: the database in which decisions are kept.")


@app.command()
def create(
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Fill it from this document.", show_default="the policy that ships"
        ),
    ] = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Make the store where lychgate.toml wants it (store.url), once.

    A running resolver takes it over within a second, unless filter.policy names a document.

    Example: `lychgate store create --from policy.toml`
    """
    from lychgate.policy_documents import read_document
    from lychgate.screens import show_faults
    from policy.commands.documents import ImportDocument

    office = open_office(config)
    with telling_faults():
        raw = None if from_ is None else read_document(office, from_)
        if dry_run:
            office.require_absent()
            typer.echo(f"{office.where}: it would be made, from {from_ or 'the policy that ships'}")
            return
        office.create()
        if raw is None:
            typer.echo(f"{office.where}: made; it holds the policy that ships")
        else:
            command = ImportDocument(raw, str(from_), reason or f"the store was made from {from_}")
            done = office.perform(command, person=None, at=time.time())
            show_faults(f"warning: {warning}" for warning in done.warnings)
            typer.echo(f"{office.where}: made; it holds what {from_} says")
    show_faults(f"warning: {warning}" for warning in office.warnings)


@app.command()
def check(as_json: Json = False, config: Config = None) -> None:
    """Look the store over: the database itself, the policy in it, the chain of the audit log.

    Exit status: 1 when anything is wrong.

    Example: `lychgate store check`
    """
    from lychgate.screens import show_faults
    from policy.commands.journal import verify_journal
    from policy.document import PolicyFault

    office = open_office(config)
    with telling_faults():
        faults = list(office.check())
        raw = office.raw()
        try:
            office.build(raw)
        except PolicyFault as fault:
            faults += fault.faults
        verdict = office.ask(verify_journal)
    if verdict.broken is not None:
        faults.append(f"audit log: entry {verdict.broken.number}: {verdict.broken.why}")
    counts = {key: len(value) for key, value in raw.items() if key != "organisation"}
    if "essentials" in raw:
        counts["essentials"] = len(raw["essentials"].get("sites", ()))
    if as_json:
        show_json(
            {
                "store": office.where,
                "faults": faults,
                "entries": counts,
                "audit_entries": verdict.entries,
                "warnings": list(office.warnings),
            }
        )
    else:
        held = ", ".join(f"{count:,} {key}" for key, count in counts.items())
        typer.echo(f"{office.where}: {held}; {verdict.entries:,} entries in the audit log")
        for line in faults:
            typer.echo(line)
        if not faults:
            typer.echo("It is sound: the database, the policy in it, and the chain of the log.")
    show_faults(f"warning: {warning}" for warning in office.warnings)
    if faults:
        raise typer.Exit(FINDING)


@app.command()
def upgrade(config: Config = None) -> None:
    """Bring the store to this version of Lychgate. An older Lychgate will not use it any more.

    The same as `lychgate migrate`: an archive is made first, and what cannot be used is undone.

    Example: `lychgate store upgrade`
    """
    from lychgate.commands.backups import migrate

    office = open_office(config)
    with telling_faults():
        office.require_present()
    migrate(ready_within=None, undo=False, force=False, config=config)


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The copy, a file not yet there.")],
    config: Config = None,
) -> None:
    """Copy the store to a file, while it is in use. For PostgreSQL use pg_dump.

    To go back to it, stop what uses the store and put the copy in its place.

    Example: `lychgate store backup /var/backups/lychgate.db`
    """
    from lychgate.office import backup as copy

    configuration = load(config)
    with telling_faults():
        copy(configuration, to)
    typer.echo(f"{to}: a whole copy, opened and found sound")
