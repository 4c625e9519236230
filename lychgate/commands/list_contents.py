"""`lychgate lists ...`, the half that looks: what is in lists, what changed, who did what."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from lychgate.commands.list_ground import Id, open_listing, require_known, telling_faults
from lychgate.commands.options import FINDING, Config, Json, refuse

app = typer.Typer()


@app.command()
def diff(
    id: Id,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", help="Compare from this version.", show_default="the one in use, or before it"
        ),
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show what a held version would change, or what the last update changed: names that are asked
    for most come first.

    Example: `lychgate lists diff ut1:gambling`
    """
    from dataclasses import asdict

    from lychgate.list_screens import show_difference

    listing = open_listing(config)
    with telling_faults():
        require_known(listing, id)
        old, new, found = listing.difference(id, since)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        show_difference(id, old, new, found)


@app.command()
def versions(id: Id, config: Config = None) -> None:
    """Show the versions of a list that are on disk.

    Example: `lychgate lists versions ut1:gambling`
    """
    from lychgate.list_screens import show_versions

    listing = open_listing(config)
    with telling_faults():
        require_known(listing, id)
        shelf = listing.shelf(id)
        show_versions(id, shelf.versions(), shelf.state)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="The name, as in bet365.com.")],
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show which lists have a name: on which line, since when, and whether that entry filters.

    Also lists that are not in use are searched, if they are on disk. What happens to the name, and
    why, is told by `lychgate explain`.

    Example: `lychgate lists explain www.bet365.com`
    """
    from dataclasses import asdict

    from blocklists.tracing import trace
    from lychgate.list_screens import show_traces

    listing = open_listing(config)
    with telling_faults():
        found = trace(name, listing.shelves(), listing.sources)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2, default=str))
    else:
        show_traces(name, found)


@app.command()
def export(
    rpz: Annotated[bool, typer.Option("--rpz", help="A response policy zone.")] = False,
    hosts: Annotated[bool, typer.Option("--hosts", help="A hosts file.")] = False,
    domains: Annotated[bool, typer.Option("--domains", help="One name a line.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file.", show_default="standard output")
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Only this category; may be repeated.", show_default="all not locked"),
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="The name of the zone.", show_default="rpz.lychgate")
    ] = None,
    config: Config = None,
) -> None:
    """Write what the lists in use block, for another program.

    Example: `lychgate lists export --rpz --category gambling --out gambling.rpz`
    """
    import sys

    from blocklists.exporting import ORIGIN
    from blocklists.writing import replacing

    kinds = [
        word for word, given in (("rpz", rpz), ("hosts", hosts), ("domains", domains)) if given
    ]
    if len(kinds) != 1:
        refuse(
            [f"export: {' and '.join(kinds) or 'no kind'}; use one of --rpz, --hosts, --domains"]
        )
    listing = open_listing(config)
    with telling_faults(), nullcontext(sys.stdout) if out is None else replacing(out) as file:
        report = listing.export(kinds[0], file, category or (), origin or ORIGIN, time.time())
    lost = "".join(f"; {count:,} {reason}" for reason, count in report.left_out.items())
    typer.echo(f"{report.written:,} written{lost}", err=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A list file, packed or not.")],
    format: Annotated[
        str | None, typer.Option(help="Its format.", show_default="found out by its content")
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Read a list file and show what is in it: entries, and rejected lines by reason.

    Example: `lychgate lists check downloads/hosts.txt`
    """
    from lychgate.list_screens import show_reading

    with telling_faults():
        reading = open_listing(config).check(file, format or "", time.time())
    if as_json:
        typer.echo(json.dumps(reading.to_json(), indent=2))
    else:
        show_reading(file, reading)
    if not reading.entries_total:
        raise typer.Exit(FINDING)


@app.command()
def journal(
    last: Annotated[int, typer.Option(min=1, max=10_000, help="So many entries.")] = 30,
    config: Config = None,
) -> None:
    """Show what was done to lists, by whom, and why.

    Example: `lychgate lists journal --last 10`
    """
    from blocklists.journal import Journal
    from lychgate.list_screens import show_journal

    with telling_faults():
        show_journal(Journal(open_listing(config).root).read(last))
