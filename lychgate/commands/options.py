"""Options that many commands have, and how every command reads its configuration and refuses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from lychgate.config import Configuration

FINDING = 1
BAD_INPUT = 2

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="LYCHGATE_CONFIG",
        help="The configuration file. Left out: lychgate.toml in this folder, or the defaults.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def load(path: Path | None) -> Configuration:
    """The configuration asked for, or found here, or the defaults."""
    from lychgate.config import NAME
    from lychgate.config import load as load_file
    from lychgate.faults import ConfigurationFault

    here = Path(NAME)
    try:
        return load_file(here if path is None and here.exists() else path)
    except ConfigurationFault as fault:
        refuse(fault.faults)


def refuse(faults: Iterable[str]) -> NoReturn:
    """Say what is wrong with the input, and end."""
    for line in faults:
        typer.echo(line, err=True)
    raise typer.Exit(BAD_INPUT)
