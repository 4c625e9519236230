"""Puts an archive back: opened and tried beside its place first, then moved in, and all of it or
nothing.

What is in the way is never overwritten: without `force` it is a refusal, with it it goes into a
folder `aside-...` in the state folder. What uses the store should be stopped meanwhile.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lychgate.archiving import ArchiveFault
from lychgate.archiving.contents import ASIDE, CHOICES, CONFIG, DUMP, POLICY, STATE, TELEMETRY
from lychgate.archiving.databases import dump, load
from lychgate.archiving.manifest import Manifest
from lychgate.archiving.trying import try_out
from lychgate.archiving.unpacking import peek, unpack
from lychgate.config import Configuration, parse
from lychgate.faults import ConfigurationFault
from lychgate.office import Office

_WITH_DATABASES: Final = ("-wal", "-shm", "-journal")
_SHOWN_MAX: Final = 5


@dataclass(frozen=True)
class Restored:
    """What was put where."""

    manifest: Manifest
    configuration: Configuration
    placed: tuple[Path, ...]
    aside: Path | None
    """Where that is now which was in the way."""
    warnings: tuple[str, ...]


def restore(
    archive: Path, config: Path, *, at: float, force: bool = False, dry_run: bool = False
) -> Restored:
    """Put `archive` back; its settings go to `config`. Raises `ArchiveFault` and `StoreFault`."""
    try:
        made = peek(archive)
        with tempfile.TemporaryDirectory(prefix=".lychgate-look-") as folder:
            # The settings say where the rest belongs.
            configuration = _settings(archive, made, config, Path(folder))
        if dry_run:
            moves = _moves(made, configuration)
            return Restored(made, configuration, tuple(to for _, to in moves), None, ())
        state = configuration.state_directory
        state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".lychgate-restore-", dir=state) as folder:
            opened = Path(folder) / "opened"
            unpack(archive, opened)
            warnings = try_out(made, opened, configuration)
            moves = _moves(made, configuration)
            blocking = _in_the_way(made, configuration, moves)
            if blocking and not force:
                shown = ", ".join(blocking[:_SHOWN_MAX])
                more = len(blocking) - _SHOWN_MAX
                raise ArchiveFault(
                    f"{shown}{f' and {more} more' if more > 0 else ''}: there already; --force "
                    "moves it aside and keeps it"
                )
            aside = state / f"{ASIDE}{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
            _place(opened, moves, aside)
            if made.store == "postgresql":
                _load(configuration, opened / DUMP, aside)
    except OSError as fault:
        where = fault.filename or archive
        raise ArchiveFault(f"{where}: {fault.strerror}; everything is as it was") from None
    placed = tuple(to for _, to in moves)
    return Restored(made, configuration, placed, aside if aside.exists() else None, warnings)


def _settings(archive: Path, made: Manifest, config: Path, folder: Path) -> Configuration:
    if all(member.name != CONFIG for member in made.members):
        return Configuration().placed(config)
    opened = folder / "opened"
    unpack(archive, opened)
    try:
        text = (opened / CONFIG).read_text(encoding="utf-8", errors="replace")
        return parse(text, str(config)).placed(config)
    except ConfigurationFault as fault:
        raise ArchiveFault(
            f"{archive}: its settings cannot be used, so nobody knows where the rest belongs: "
            f"{fault.faults[0]}"
        ) from None


def _moves(made: Manifest, configuration: Configuration) -> list[tuple[str, Path]]:
    """(member, where it belongs)"""
    found: list[tuple[str, Path]] = []
    for member in made.members:
        name = member.name
        if name == CONFIG and configuration.file is not None:
            found.append((name, configuration.file))
        elif name == POLICY and configuration.policy_file is not None:
            found.append((name, configuration.policy_file))
        elif name == CHOICES:
            found.append((name, configuration.choices_file))
        elif name == f"{STATE}/state.db":
            found.append((name, configuration.store_file or configuration.state_directory / name))
        elif name == f"{STATE}/{TELEMETRY}":
            to = configuration.telemetry_file
            found.append((name, to or configuration.state_directory / TELEMETRY))
        elif name.startswith(f"{STATE}/") and name != DUMP:
            found.append((name, configuration.state_directory / name.removeprefix(f"{STATE}/")))
    return found


def _in_the_way(
    made: Manifest, configuration: Configuration, moves: Sequence[tuple[str, Path]]
) -> list[str]:
    found = [str(to) for _, to in moves if os.path.lexists(to)]
    if made.store == "postgresql":
        if configuration.store_file is not None:
            raise ArchiveFault(
                "store.url: the archive holds a PostgreSQL store; give the address of a database"
            )
        office = Office(configuration)
        if office.is_there():
            found.append(office.where)
    return found


def _place(opened: Path, moves: Sequence[tuple[str, Path]], aside: Path) -> None:
    """Move everything in; on a fault everything back. Raises OSError."""
    undo: list[tuple[Path, Path]] = []
    placed: list[Path] = []
    try:
        for name, to in moves:
            _make_folder(to.parent)
            # What is left of a database's log would be read into the one that comes.
            ends = ("", *_WITH_DATABASES) if to.suffix == ".db" else ("",)
            for end in ends:
                there = to.with_name(to.name + end)
                if os.path.lexists(there):
                    aside.mkdir(mode=0o700, exist_ok=True)
                    kept = aside / f"{name}{end}"
                    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    shutil.move(there, kept)
                    undo.append((kept, there))
            part = to.with_name(f"{to.name}.restored")
            placed.append(part)
            shutil.move(opened / name, part)
            _hand_over(part)
            part.replace(to)
            placed[-1] = to
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        for kept, there in reversed(undo):
            shutil.move(kept, there)
        if aside.is_dir() and not any(path.is_file() for path in aside.rglob("*")):
            shutil.rmtree(aside)
        raise


def _make_folder(folder: Path) -> None:
    """A folder, as its parent is kept. Raises OSError."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o755)
    parent = folder.parent.stat()
    if os.geteuid() == 0:
        os.chown(folder, parent.st_uid, parent.st_gid)
    if parent.st_mode & stat.S_ISGID:
        folder.chmod(0o2770)


def _hand_over(file: Path) -> None:
    """Placed by root it belongs to whoever owns the folder, who must go on with it; in a folder
    that is setgid to its group, as the services' accounts share the state.
    """
    owner = file.parent.stat()
    if os.geteuid() == 0:
        os.chown(file, owner.st_uid, owner.st_gid)
        if owner.st_uid != owner.st_gid or owner.st_uid == 0:
            file.chmod(file.stat().st_mode | 0o040)  # /etc/lychgate: root writes, the group reads
    # The name a file will have: `_place` calls it NAME.restored until it is whole.
    if owner.st_mode & stat.S_ISGID and Path(file.stem).suffix != ".key":
        file.chmod(file.stat().st_mode | 0o060)


def _load(configuration: Configuration, dumped: Path, aside: Path) -> None:
    if Office(configuration).is_there():
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        dump(configuration.store_url, aside / "state.pgdump")
    load(configuration.store_url, dumped)
