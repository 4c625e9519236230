"""`lychgate suggestions ...`: names people ask for that no list knows, for a person to judge."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from lychgate.commands.options import Config, Json, load, refuse

app = typer.Typer(
    no_args_is_help=True,
    help="Names people ask for that no list knows. A suggestion never blocks by itself.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name, as in casino-x.com.")]
By = Annotated[str, typer.Option("--by", help="Who decides this.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why.", show_default=False)]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 20,
    dismissed: Annotated[
        bool, typer.Option("--dismissed", help="Show what was dismissed instead.")
    ] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show the review queue: what is likeliest and asked for most comes first.

    The evidence is a word in the name (also in look-alike letters), the name's ending, or a list
    that may only suggest; beside each stands how often that was right when measured.

    Example: `lychgate suggestions list --limit 50`
    """
    from dataclasses import asdict

    from lychgate.suggestion_screens import show_dismissals, show_queue
    from lychgate.suggestions import ReviewQueue

    queue = ReviewQueue(load(config))
    with _telling_faults():
        if dismissed:
            taken = queue.dismissals
            if as_json:
                typer.echo(json.dumps({name: asdict(one) for name, one in taken.items()}, indent=2))
            else:
                show_dismissals(taken)
            return
        if not queue.counts:
            typer.echo("lists.suggestions is false: names are not counted", err=True)
        found = queue.suggestions()
    if as_json:
        typer.echo(json.dumps([one.to_json() for one in found[:limit]], indent=2))
    else:
        show_queue(found, limit)


@app.command()
def show(name: Name, as_json: Json = False, config: Config = None) -> None:
    """Show all about one name: the evidence, how often it was asked for, and why it is in the queue
    or not.

    Example: `lychgate suggestions show casino-x.com`
    """
    from lychgate.suggestion_screens import show_judged
    from lychgate.suggestions import ReviewQueue

    with _telling_faults():
        judged = ReviewQueue(load(config)).judge(name)
    if as_json:
        typer.echo(json.dumps(judged.to_json(), indent=2))
    else:
        show_judged(judged)


@app.command()
def dismiss(name: Name, by: By, reason: Reason, config: Config = None) -> None:
    """Take a name, and what is below it, out of the queue for good.

    Example: `lychgate suggestions dismiss timeslots.example --by "Ana" --reason "books rooms"`
    """
    from lychgate.suggestions import ReviewQueue

    with _telling_faults():
        plain = ReviewQueue(load(config)).dismiss(name, by=by, reason=reason, at=time.time())
    typer.echo(f"{plain}: dismissed; `lychgate suggestions undismiss {plain}` takes it back")


@app.command()
def undismiss(name: Name, by: By, reason: Reason, config: Config = None) -> None:
    """Let a dismissed name back into the queue.

    Example: `lychgate suggestions undismiss timeslots.example --by "Ana" --reason "new owner"`
    """
    from lychgate.suggestions import ReviewQueue

    with _telling_faults():
        plain = ReviewQueue(load(config)).undismiss(name, by=by, reason=reason, at=time.time())
    typer.echo(f"{plain}: no longer dismissed")


@contextmanager
def _telling_faults() -> Iterator[None]:
    """Whatever the rooms refuse, in lines on standard error."""
    from blocklists.dismissals import DismissalFault
    from blocklists.sheets import SheetFault
    from blocklists.sources import SourceFault
    from blocklists.writing import KeepFault
    from categoriser.names import NameFault
    from resolver.setup import SnapshotFault

    try:
        yield
    except (SourceFault, SnapshotFault) as fault:
        refuse(fault.faults)
    except (DismissalFault, NameFault, KeepFault, SheetFault) as fault:
        refuse(str(fault).splitlines())
    except OSError as fault:
        refuse([f"{fault.filename}: {fault.strerror}; a file that can be read is needed"])
