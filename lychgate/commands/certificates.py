"""`lychgate certificates`: the root for the block page on managed devices."""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from lychgate.commands.options import Config, load, refuse

PORTAL_ACCOUNT: Final = "lychgate-portal"
"""Of the package (systemd/sysusers.d)."""

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
    from portal.certificates import KEY_FILE, ROOT_FILE, CertificateFault
    from portal.certificates import create_root as make

    folder = load(config).state_directory
    try:
        made = make(folder, organisation, time.time(), permitted or ())
    except CertificateFault as fault:
        refuse([str(fault)])
    except (OSError, ValueError) as fault:
        refuse([f"{folder}: {fault}; use a state folder that can be written, and plain domains"])
    owner = _give_to_portal([folder / KEY_FILE, folder / ROOT_FILE])
    typer.echo(f"{made}: put it on the devices you manage, and on no others.")
    typer.echo(f"{folder / KEY_FILE}: its key, readable by {owner} alone; no backup has it.")


def _give_to_portal(files: Sequence[Path]) -> str:
    """Files that root makes where the package's accounts share the state become the portal's: it
    alone mints, and none of the others has any use for the key. Who owns them now.
    """
    folder = files[0].parent.stat()
    if os.geteuid() == 0 and folder.st_mode & stat.S_ISGID:
        try:
            account = pwd.getpwnam(PORTAL_ACCOUNT).pw_uid
        except KeyError:
            account = folder.st_uid
        for file in files:
            os.chown(file, account, folder.st_gid)
    found = files[0].stat().st_uid
    try:
        return pwd.getpwuid(found).pw_name
    except KeyError:
        return str(found)
