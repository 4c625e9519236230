"""`lychgate report`: what the filter did and what people decided about it, as a file."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lychgate.commands.options import FINDING, Config, load, refuse

if TYPE_CHECKING:
    from portal.reporting.formats import Format


def report(
    term: Annotated[
        str, typer.Option(help="A term by its name, as in autumn-2026.", show_default=False)
    ] = "",
    first: Annotated[
        str,
        typer.Option("--from", metavar="DATE", help="The first day, 2026-09-01."),
    ] = "",
    last: Annotated[
        str,
        typer.Option("--to", metavar="DATE", help="The last day.", show_default="today"),
    ] = "",
    venue: Annotated[
        list[str] | None,
        typer.Option(help="Only this venue; may be given again.", show_default="all"),
    ] = None,
    format: Annotated[
        str,
        typer.Option(help="html, pdf or csv.", show_default="as the file's name ends, else html"),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write.", show_default="standard output"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    config: Config = None,
) -> None:
    """Write the report for leaders: policy in force, changes with reasons, exceptions,
    over-blocking, alerts with outcomes, checks, lists, decisions to look at again.

    Without a term or days: this term, or the last 30 days outside terms. No learner and no device
    is named in it. PDF needs WeasyPrint (`pip install 'lychgate[report]'`). Exit status: 0 done, 1
    done, but there were no figures of what happened, 2 bad input.

    Examples: `lychgate report --term autumn-2026 -o autumn.pdf`,
    `lychgate report --from 2026-09-01 --to 2026-10-31 --venue crewe --format csv`
    """
    import asyncio

    from lychgate.commands.deciding import telling_faults
    from lychgate.reporting import Wanted, make_report
    from lychgate.screens import show_faults
    from portal.reporting.formats import write
    from portal.reporting.printing import PrintFault

    chosen = _format(format, output)
    _check_target(chosen, output, force)
    with telling_faults():
        wanted = Wanted(term, first, last, venue or ())
        made, warnings = make_report(load(config), wanted, time.time())
    try:
        octets = asyncio.run(write(made, chosen))
    except PrintFault as fault:
        refuse([f"--format: {fault}"])
    _keep(octets, output)
    show_faults(f"warning: {warning}" for warning in warnings)
    if warnings:
        raise typer.Exit(FINDING)


def _format(given: str, output: Path | None) -> Format:
    from portal.reporting.formats import FORMATS

    word = (given or (output.suffix[1:] if output else "") or "html").lower()
    for format in FORMATS:
        if word == format:
            return format
    where = "--format" if given else f"--output: {output}"
    refuse([f"{where}: {word!r}; allowed: {', '.join(FORMATS)}"])


def _check_target(format: Format, output: Path | None, force: bool) -> None:
    """What can be known before anything is read."""
    from portal.reporting.printing import what_is_missing

    if format == "pdf" and (missing := what_is_missing()):
        refuse([f"--format: {missing}"])
    if output is None:
        if format == "pdf" and sys.stdout.isatty():
            refuse(["--output: none, and PDF is not for a screen; give a file, or use > FILE"])
    elif output.exists() and not force:
        refuse([f"--output: {output}: there already; use another name, or --force"])
    elif not output.parent.is_dir():
        refuse([f"--output: {output.parent}: no such folder; use one that is there"])


def _keep(octets: bytes, output: Path | None) -> None:
    """Write it, in one step."""
    if output is None:
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        part.write_bytes(octets)
        part.replace(output)
    except OSError as fault:
        part.unlink(missing_ok=True)
        refuse([f"--output: {output}: {fault.strerror}; use a place that can be written"])
    typer.echo(f"{output}: {len(octets):,} octets", err=True)
