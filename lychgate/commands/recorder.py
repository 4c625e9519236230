"""`lychgate record`: what happened, kept."""

from __future__ import annotations

from typing import Annotated

import typer

from lychgate.commands.options import Config, load


def record(
    config: Config = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Take in what is waiting, do every duty once, and end."),
    ] = False,
) -> None:
    """Keep what happened, as privacy allows: query log, figures, retention, periodic duties.

    A process of its own beside `lychgate serve`, which does not notice when it is down. Stop with
    Ctrl-C or SIGTERM. Exit status: 1 when, with `--once`, something could not be recorded.

    Example: `lychgate record --config /etc/lychgate/lychgate.toml`
    """
    from lychgate.recording import record

    raise typer.Exit(record(load(config), once=once))
