"""Options that many commands have, and how every command reads its configuration and refuses."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from lychgate.config import Configuration

FINDING = 1
BAD_INPUT = 2
SYSTEM_FILE = Path("/etc/lychgate/lychgate.toml")
"""Where packages have it."""

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="LYCHGATE_CONFIG",
        help="The configuration file. Left out: lychgate.toml in this folder, else that in "
        "/etc/lychgate, else the defaults.",
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
    if path is None:
        installed = SYSTEM_FILE if os.access(SYSTEM_FILE, os.R_OK) else None
        path = here if here.exists() else installed
    try:
        configuration = load_file(path)
    except ConfigurationFault as fault:
        refuse(fault.faults)
    share_with_group(configuration.state_directory)
    return configuration


def share_with_group(folder: Path) -> None:
    """Where the state belongs to a group (its folder is setgid), so does whatever we make in it:
    resolver, recorder and portal have accounts of their own, and root types commands.
    """
    try:
        shared = folder.stat().st_mode & stat.S_ISGID
    except OSError:
        return
    if shared:
        os.umask(0o007)


def new_file() -> Path:
    """Where settings belong that are yet to be written: here; but for root in the system's place,
    where a package made one and there are none here.
    """
    from lychgate.config import NAME

    here = Path(NAME)
    is_system = os.geteuid() == 0 and SYSTEM_FILE.parent.is_dir() and not here.exists()
    return SYSTEM_FILE if is_system else here


def refuse(faults: Iterable[str]) -> NoReturn:
    """Say what is wrong with the input, and end."""
    for line in faults:
        typer.echo(line, err=True)
    raise typer.Exit(BAD_INPUT)
