"""`lychgate selfcheck`: ask the filter whether it filters, and keep what it said."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lychgate.commands.options import FINDING, Config, Json, load, refuse

if TYPE_CHECKING:
    from evidence.checks.results import Run

_WELL = frozenset({"pass"})


def selfcheck(
    venue: Annotated[
        list[str] | None,
        typer.Option(help="Only this venue; may be given again.", show_default="all"),
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            help="Only this profile.", show_default="each that the venue and its rooms have"
        ),
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Also show what passed.")] = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Check that the filter works: ask it as a learner's device would, and keep what it said.

    Sites that must be blocked, sites that must open, safe search, the names by which browsers ask
    whether they may go round, fresh lists, a log that is written. What was found is kept with when
    and who, shown in the portal, and told to whoever is to be told. Exit status: 0 all is well, 1
    something is not, 2 bad input.

    Examples: `lychgate selfcheck`, `lychgate selfcheck --venue crewe --all`
    """
    from lychgate.commands.deciding import show_json
    from lychgate.screens import show_faults
    from lychgate.selfchecking.checking import CheckFault
    from lychgate.selfchecking.once import check_once

    configuration = load(config)
    try:
        found, problems = check_once(configuration, _who(), venue or (), profile)
    except CheckFault as fault:
        refuse([f"--{fault}"])
    except ValueError as fault:
        refuse([str(fault)])
    if as_json:
        from msgspec import to_builtins

        show_json([{**to_builtins(run), "outcome": run.outcome} for run in found])
    else:
        for run in found:
            show(run, every)
    show_faults(problems)
    raise typer.Exit(status_of(found))


def status_of(found: tuple[Run, ...]) -> int:
    """The exit status."""
    return 0 if found and {run.outcome for run in found} <= _WELL else FINDING


def show(run: Run, every: bool) -> None:
    """One run as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from lychgate.screens import console

    styles = {"fail": "bold red", "deviation": "bold yellow", "unsure": "yellow", "pass": "green"}
    out = console()
    counted = ", ".join(f"{number} {outcome}" for outcome, number in run.counts.items())
    head = f"{run.venue}, profile {run.profile}: {run.outcome.upper()} ({counted})"
    out.print(Text(head, styles[run.outcome]))
    if run.way == "machine":
        out.print(Text("Asked as this machine; what holds there was worked out from the policy."))
    rows = (*run.troubles, *(run.passed if every else ()))
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD)
    for title in ("", "kind", "name", "category", "expected"):
        table.add_column(title, overflow="fold")
    table.add_column("found", overflow="fold", ratio=1)
    for one in rows:
        cells = (one.kind, one.name, one.category, one.expected, one.said)
        table.add_row(Text(one.outcome, styles[one.outcome]), *map(Text, cells))
    out.print(table)


def _who() -> str:
    """Who checks: the timer, or the account of whoever types."""
    from evidence.checks.results import SCHEDULE
    from lychgate.office import at_the_machine

    if os.environ.get("INVOCATION_ID") and not sys.stdin.isatty():  # systemd.exec(5)
        return SCHEDULE
    return at_the_machine().id
