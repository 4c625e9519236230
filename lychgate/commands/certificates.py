"""`lychgate certificates`: the root for the block page on managed devices."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from lychgate.commands.options import Config, load, refuse

app = typer.Typer(
    no_args_is_help=True,
    help="The organisation's own root certificate, for the block page by HTTPS on managed devices.",
)


@app.command("create-root")
def create_root(
    organisation: Annotated[
        str, typer.Option(help="Whose it is: people see this name on their devices.")
    ],
    permitted: Annotated[
        list[str] | None,
        typer.Option(
            "--permit",
            help="A domain below which the root may vouch for names; may be given several times. "
            "Without it: any name.",
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Make the root, once.

    Two files in the state folder: the certificate, for the devices you manage, and its key, which
    must never leave this machine. Whoever has the key can pretend to be any site to those devices.
    Read docs/block-page.md first.

    Example: `lychgate certificates create-root --organisation "Northshire Skills"`
    """
    from portal.certificates import KEY_FILE, CertificateFault
    from portal.certificates import create_root as make

    folder = load(config).state_directory
    try:
        made = make(folder, organisation, time.time(), permitted or ())
    except CertificateFault as fault:
        refuse([str(fault)])
    except (OSError, ValueError) as fault:
        refuse([f"{folder}: {fault}; use a state folder that can be written, and plain domains"])
    typer.echo(f"{made}: put it on the devices you manage, and on no others.")
    typer.echo(f"{folder / KEY_FILE}: its key; keep it here, and out of backups that others read.")
