"""`lychgate backup`, `restore` and `migrate`: an installation in one file, and a way back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lychgate.commands.options import FINDING, Config, load, new_file, refuse


def backup(
    to: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PLACE]",
            help="A folder that keeps several, or a file not yet there.",
            show_default="backups in the state folder",
        ),
    ] = None,
    telemetry: Annotated[
        bool,
        typer.Option("--with-telemetry/--without-telemetry", help="The log of events as well."),
    ] = True,
    lists: Annotated[
        bool,
        typer.Option("--with-lists/--without-lists", help="The lists' versions: large."),
    ] = False,
    keep: Annotated[
        str, typer.Option(help="How many a folder keeps: of days, weeks and months.")
    ] = "7/4/12",
    telemetry_days: Annotated[
        int,
        typer.Option(
            min=1, max=400, help="How long archives in a folder keep the log of events, in days."
        ),
    ] = 7,
    config: Config = None,
) -> None:
    """Put settings, store, keys and certificates into one archive, while everything runs.

    It is opened again and tried before it counts. It holds secrets: keep it where only
    administrators read, and one of them in another building.

    Examples: `lychgate backup`, `lychgate backup /mnt/nas/lychgate --keep 14/8/24`
    """
    from lychgate.archiving.contents import REBUILDABLE
    from lychgate.archiving.migrating import BACKUPS
    from lychgate.archiving.packing import pack
    from lychgate.archiving.rotation import name_of, read_keep
    from lychgate.archiving.tidying import hand_over, tidy
    from lychgate.screens import console, show_faults

    configuration = load(config)
    at = time.time()
    try:
        kept = read_keep(keep)
    except ValueError as fault:
        refuse([f"--keep: {fault}"])
    place = to if to is not None else configuration.state_directory / BACKUPS
    assert BACKUPS in REBUILDABLE  # or each archive would hold the ones before
    with _telling():
        is_folder = to is None or place.is_dir() or not place.name.endswith(".gz")
        if is_folder:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if to is None:
            hand_over(place)
        target = place / name_of(at) if is_folder else place
        with console(stderr=True).status("Copying ...") as status:
            made, warnings = pack(
                configuration,
                target,
                at=at,
                telemetry=telemetry,
                lists=lists,
                progress=lambda word: status.update(f"{word} ..."),
            )
        if to is None:
            hand_over(target)
        octets = sum(member.octets for member in made.members)
        typer.echo(
            f"{target}: {len(made.members)} files, {octets / 1e6:,.1f} MB, packed to "
            f"{target.stat().st_size / 1e6:,.1f} MB; opened again and tried"
        )
        show_faults(f"warning: {warning}" for warning in warnings)
        for said, well in tidy(place, kept, telemetry_days, at=at) if is_folder else ():
            if well:
                typer.echo(said)
            else:
                warnings = (*warnings, said)
                show_faults([f"warning: {said}"])
    if warnings:
        raise typer.Exit(FINDING)


def restore(
    archive: Annotated[Path, typer.Argument(help="What `lychgate backup` made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Move aside what is in the way, and keep it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be put where, and change nothing.")
    ] = False,
    config: Config = None,
) -> None:
    """Put an archive back: on this machine, or on a new one. Stop Lychgate first.

    Opened and tried beside its place, then moved in whole; on any fault everything is as it was.
    The settings go to --config. Then `lychgate lists refresh` makes the index.

    Example: `lychgate restore lychgate-20261123T020000Z.tar.gz -c /etc/lychgate/lychgate.toml`
    """
    from lychgate.archiving.restoring import restore as put_back
    from lychgate.instants import write_instant
    from lychgate.screens import show_faults

    target = config if config is not None else new_file().absolute()
    with _telling():
        done = put_back(archive, target, at=time.time(), force=force, dry_run=dry_run)
    from zoneinfo import ZoneInfo

    when = write_instant(done.manifest.made_at, ZoneInfo("UTC"))
    word = "would be placed" if dry_run else "placed"
    for path in done.placed:
        typer.echo(f"{path}: {word}")
    if done.manifest.store == "postgresql" and not dry_run:
        typer.echo("the PostgreSQL store: loaded")
    typer.echo(f"{archive}: of {done.manifest.host}, made {when}")
    if done.aside is not None:
        typer.echo(f"{done.aside}: what was there before")
    show_faults(f"warning: {warning}" for warning in done.warnings)
    if not dry_run:
        typer.echo("Next: lychgate lists refresh; then start it, and lychgate doctor")


def migrate(
    ready_within: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=600,
            metavar="SECONDS",
            help="After the restart: wait so long for the resolver; if it is not ready, go back.",
            show_default=False,
        ),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put the store back as it was before the last one.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --undo: also lose what was decided since.")
    ] = False,
    config: Config = None,
) -> None:
    """Bring the store to this version of Lychgate, safely: packages call it.

    An archive is made first. If the migrated store cannot be used, it is put back as it was, and
    the exit status is 1. After the restart `--ready-within 30` does the same for a resolver that
    does not become ready.

    Example: `lychgate migrate --config /etc/lychgate/lychgate.toml`
    """
    from lychgate.archiving import migrating
    from lychgate.doctor.resolver_state import why_not_ready
    from lychgate.screens import show_faults

    configuration = load(config)
    with _telling():
        try:
            if undo:
                note = migrating.undo(configuration, force=force)
                typer.echo(f"the store is of version {note.before} again, as it was")
            elif ready_within is not None:
                why = migrating.settle(
                    configuration,
                    lambda: why_not_ready(configuration),
                    within_seconds=ready_within,
                )
                if why:
                    show_faults([why])
                    raise typer.Exit(FINDING)
                typer.echo("the resolver is ready; the migration stands")
            else:
                done = migrating.migrate(configuration, at=time.time())
                if done is None:
                    typer.echo("nothing to migrate")
                else:
                    typer.echo(
                        f"the store is of version {done.after} now, {done.before} before; "
                        f"{done.archive} has everything as it was"
                    )
        except migrating.MigrationFault as fault:
            show_faults([str(fault)])
            raise typer.Exit(FINDING) from None


@contextmanager
def _telling() -> Iterator[None]:
    from lychgate.archiving import ArchiveFault
    from lychgate.commands.deciding import telling_faults

    with telling_faults():
        try:
            yield
        except ArchiveFault as fault:
            refuse([str(fault)])
