"""`lychgate lists ...`: which published lists filter here, how they stand, and what they say."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lychgate.commands import list_contents
from lychgate.commands.deciding import Person, Reason
from lychgate.commands.list_ground import (
    Id,
    enact,
    open_listing,
    require_known,
    telling_faults,
)
from lychgate.commands.options import FINDING, Config, Json, load, refuse

if TYPE_CHECKING:
    from lychgate.listing import Listing

app = typer.Typer(
    no_args_is_help=True,
    help="Published lists: choose them, keep them fresh, see what they say.",
)
app.add_typer(list_contents.app)

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Lists, as in ut1:gambling.")]
NOTHING_FETCHED = 75
"""For the service manager: nobody could be reached, so it is worth trying again soon (EX_TEMPFAIL
of sysexits.h)."""

By = Annotated[str, typer.Option("--by", help="Who decides this.", show_default=False)]
Because = Annotated[str, typer.Option("--reason", help="Why.", show_default=False)]


@app.command()
def sources(
    category: Annotated[
        str | None, typer.Option(help="Only lists of this category.", show_default="all")
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show the lists there are: the catalogue, and your own.

    What each is good and bad for, and its licence, is in docs/lists.md; `--json` has it too.

    Example: `lychgate lists sources --category gambling`
    """
    from lychgate.list_screens import show_sources

    with telling_faults():
        every = open_listing(config).sources.values()
    found = [one for one in every if category is None or category in one.categories.values()]
    if not found:
        there = sorted({word for one in every for word in one.categories.values()})
        refuse([f"category {category!r}: no list has it; there are lists of {', '.join(there)}"])
    if as_json:
        typer.echo(json.dumps([source.to_json() for source in found], indent=2))
    else:
        show_sources(found)


@app.command()
def status(as_json: Json = False, config: Config = None) -> None:
    """Show how every list in use stands: its version, its age, and what is wrong with it.

    Exit status: 1 when a list is held back, out of date or could not be fetched.

    Example: `lychgate lists status`
    """
    from dataclasses import asdict

    from lychgate.list_screens import show_status

    with telling_faults():
        found = open_listing(config).status(time.time())
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        show_status(found, time.time())
    if any(one.enabled and (one.held or one.problem or one.stale) for one in found):
        raise typer.Exit(FINDING)


@app.command()
def enable(
    ids: Ids,
    now: Annotated[bool, typer.Option("--now", help="Fetch them at once.")] = False,
    reason: Reason = "",
    person: Person = None,
    config: Config = None,
) -> None:
    """Use lists from the next refresh on.

    Example: `lychgate lists enable ut1:gambling --now`
    """
    from blocklists import choices

    listing = open_listing(config)
    with telling_faults():
        do = partial(listing.choose, choices.enable, ids)
        enact(config, "enable", ids, do, reason=reason, person=person)
    typer.echo(f"{', '.join(ids)}: enabled in {listing.choices_file}")
    if now:
        _refresh(listing, ids, force=False)
    else:
        typer.echo("`lychgate lists refresh` fetches what is new.")


@app.command()
def disable(ids: Ids, reason: Reason = "", person: Person = None, config: Config = None) -> None:
    """Use lists no longer. Their versions stay on disk.

    A list of a locked category (illegal material) cannot be disabled by a command.

    Example: `lychgate lists disable ut1:dating`
    """
    from blocklists import choices

    listing = open_listing(config)
    with telling_faults():
        do = partial(listing.choose, choices.disable, ids)
        enact(config, "disable", ids, do, reason=reason, person=person)
        typer.echo(f"{', '.join(ids)}: disabled in {listing.choices_file}")
        _compile(listing)


@app.command()
def add(
    id: Id,
    title: Annotated[str, typer.Option(help="What it is.", show_default=False)],
    category: Annotated[str, typer.Option(help="The category of its names.", show_default=False)],
    url: Annotated[str | None, typer.Option(help="Where it is.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Option(help="Or a file on this machine.", show_default=False)
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Its format.", show_default="found out by its content")
    ] = None,
    licence: Annotated[str | None, typer.Option(show_default=False)] = None,
    refresh_hours: Annotated[
        float | None, typer.Option(help="How often to look.", show_default="24")
    ] = None,
    credential: Annotated[
        Path | None,
        typer.Option(
            help="A file with user:password or `Header: value` lines.", show_default=False
        ),
    ] = None,
    reason: Reason = "",
    person: Person = None,
    config: Config = None,
) -> None:
    """Add a list of your own, which `enable` then puts to use.

    Example: `lychgate lists add local:payday --title "Our payday list" --category payday
    --file /etc/lychgate/payday.txt`
    """
    from blocklists import choices

    given = {
        "title": title,
        "category": category,
        "url": url,
        "file": None if file is None else str(file.absolute()),
        "format": format,
        "licence": licence,
        "refresh_hours": refresh_hours,
        "credential": None if credential is None else str(credential.absolute()),
    }
    listing = open_listing(config)
    with telling_faults():
        keys = {key: value for key, value in given.items() if value is not None}
        do = partial(listing.choose, choices.add, id, keys)
        enact(config, "add", [id], do, reason=reason, person=person)
    typer.echo(f"{id}: added to {listing.choices_file}; `lychgate lists enable {id}` uses it.")


@app.command()
def remove(id: Id, reason: Reason = "", person: Person = None, config: Config = None) -> None:
    """Forget a list of your own. Its versions stay on disk.

    Example: `lychgate lists remove local:payday`
    """
    from blocklists import choices

    listing = open_listing(config)
    with telling_faults():
        do = partial(listing.choose, choices.remove, id)
        enact(config, "remove", [id], do, reason=reason, person=person)
        typer.echo(f"{id}: removed from {listing.choices_file}")
        _compile(listing)


@app.command()
def refresh(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID...]", help="These alone, due or not.", show_default=False),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch them whole, changed or not.")
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Write a log instead of a table, as for a service.")
    ] = False,
    config: Config = None,
) -> None:
    """Fetch the lists that are due, check them, and compile the index if anything changed.

    A new version that does not pass the checks is held back, and the one before stays in use. The
    resolver takes a new index over by itself. Where somebody asked for it in the portal, every list
    in use is looked at, due or not. Exit status: 1 when a list was held or failed.

    Example: `lychgate lists refresh`
    """
    from lychgate.logs import start_logging

    if log:
        start_logging(load(config).log)
    listing = open_listing(config)
    with telling_faults():
        wished = None if ids else listing.take_up_wish()
    _refresh(listing, ids or wished, force=force, log=log)


@app.command()
def accept(id: Id, by: By, reason: Because, person: Person = None, config: Config = None) -> None:
    """Let a held version filter after all. Who and why is kept.

    Example: `lychgate lists accept ut1:games --by "A. Patel" --reason "checked; it has grown"`
    """
    listing = open_listing(config)
    with telling_faults():
        require_known(listing, id)
        do = partial(listing.accept, id, by, reason, time.time())
        enact(config, "accept", [id], do, reason=f"{by}: {reason}", person=person)
        typer.echo(f"{id}: {listing.shelf(id).state.current} is in use now")
        _compile(listing)


@app.command()
def rollback(
    id: Id,
    by: By,
    reason: Because,
    to: Annotated[
        str | None,
        typer.Option(help="The version to go back to.", show_default="the good one before"),
    ] = None,
    person: Person = None,
    config: Config = None,
) -> None:
    """Go back to an earlier version. The one left is not taken again by itself.

    Example: `lychgate lists rollback ut1:adult --by "A. Patel" --reason "blocks a charity"`
    """
    listing = open_listing(config)
    with telling_faults():
        require_known(listing, id)
        do = partial(listing.rollback, id, by, reason, time.time(), to)
        enact(config, "rollback", [id], do, reason=f"{by}: {reason}", person=person)
        typer.echo(f"{id}: {listing.shelf(id).state.current} is in use again")
        _compile(listing)


def _refresh(
    listing: Listing,
    only: list[str] | None,
    *,
    force: bool,
    log: bool = False,
) -> None:
    from lychgate.list_screens import downloads, show_refreshed
    from lychgate.logs import log_refreshed

    with telling_faults():
        with downloads() as progress:
            report = listing.refresh(at=time.time(), only=only, force=force, progress=progress)
        (log_refreshed if log else show_refreshed)(report)
        _compile(listing, log=log)
    failed = report.ids("failed")
    if log and failed and len(failed) == len(report.results) - len(report.ids("waiting")):
        raise typer.Exit(NOTHING_FETCHED)
    if report.ids("held", "failed"):
        raise typer.Exit(FINDING)


def _compile(listing: Listing, *, log: bool = False) -> None:
    from lychgate.list_screens import show_compiled_lists
    from lychgate.logs import log_compiled

    compiled = listing.compile(at=time.time())
    if compiled is not None:
        (log_compiled if log else show_compiled_lists)(compiled)
