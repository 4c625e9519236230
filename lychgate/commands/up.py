"""`lychgate up`: everything at once."""

from __future__ import annotations

from typing import Annotated

import typer

from lychgate.commands.options import Config


def up(
    context: typer.Context,
    config: Config = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Processes that answer, instead of server.workers.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run resolver, recorder and portal together, until told to stop.

    For a first look and for containers: with systemd each has a service of its own. A part that
    dies is started again. Lists that are due are refreshed every ten minutes. Ends with status 2
    when a part cannot start because of its configuration. Stop with Ctrl-C or SIGTERM; SIGHUP reads
    policy and index again.

    Example: `lychgate up --config /etc/lychgate/lychgate.toml`
    """
    from lychgate.together import errands_of, parts_of, run_together

    options = () if config is None else ("--config", str(config))
    serving = () if workers is None else ("--workers", str(workers))
    group = None if context.parent is None else context.parent.command
    commands = group.list_commands(context) if isinstance(group, typer.core.TyperGroup) else []
    parts = parts_of(commands, options, serving)
    raise typer.Exit(run_together(parts, errands_of(commands, options)))
