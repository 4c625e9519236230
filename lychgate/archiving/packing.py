"""Makes an archive while everything runs: copied, packed, opened again and tried, then renamed.

It is there whole and good or not at all, and readable by its owner alone: it holds the accounts'
hashes and the keys.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import socket
import tarfile
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

from lychgate.archiving import ArchiveFault, manifest
from lychgate.archiving.contents import DUMP, Item, items
from lychgate.archiving.databases import copy_sqlite, copy_store, is_sqlite
from lychgate.archiving.manifest import Manifest
from lychgate.archiving.trying import try_out
from lychgate.archiving.unpacking import unpack
from lychgate.config import Configuration
from lychgate.office import Office
from policy.store import StoreFault
from policy.store.migrating import current

_ROOM: Final = 1.2
"""Free room wanted on the disk, as a share of what is to be packed."""

Progress = Callable[[str], None]


def pack(
    configuration: Configuration,
    to: Path,
    *,
    at: float,
    telemetry: bool = True,
    lists: bool = False,
    progress: Progress = lambda _: None,
) -> tuple[Manifest, tuple[str, ...]]:
    """Make the archive `to`, a file not yet there; what is in it, and what is wrong inside.

    Raises `ArchiveFault` and `StoreFault`.
    """
    if to.exists():
        raise ArchiveFault(f"{to}: there is a file already; give another name")
    part = to.with_name(f"{to.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix=".lychgate-backup-", dir=to.parent) as folder:
            copies = Path(folder) / "copies"
            progress("Copying")
            made = _copy(configuration, copies, at, telemetry=telemetry, lists=lists)
            progress("Packing")
            _write(made, copies, part)
            shutil.rmtree(copies)
            progress("Trying it out")
            opened = Path(folder) / "opened"
            unpack(part, opened)
            warnings = try_out(made, opened, configuration)
        _sync(part)
        part.replace(to)
    except OSError as fault:
        where = fault.filename or to
        raise ArchiveFault(f"{where}: {fault.strerror}; no archive was made") from None
    finally:
        part.unlink(missing_ok=True)
    return made, warnings


def repack(archive: Path, *, leave_out: Callable[[str], bool]) -> Manifest:
    """Make an archive anew, in its place, without some members; what is in it now. It is there as
    it was, or whole and good. Raises `ArchiveFault`.
    """
    part = archive.with_name(f"{archive.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix=".lychgate-repack-", dir=archive.parent) as folder:
            opened = Path(folder) / "opened"
            before = unpack(archive, opened)
            members = tuple(one for one in before.members if not leave_out(one.name))
            made = msgspec.structs.replace(before, members=members, telemetry=False)
            _write(made, opened, part)
            shutil.rmtree(opened)
            unpack(part, opened)
        if os.geteuid() == 0:
            owner = archive.stat()
            os.chown(part, owner.st_uid, owner.st_gid)
        _sync(part)
        part.replace(archive)
    except OSError as fault:
        where = fault.filename or archive
        raise ArchiveFault(f"{where}: {fault.strerror}; it is as it was") from None
    finally:
        part.unlink(missing_ok=True)
    return made


def _copy(
    configuration: Configuration, copies: Path, at: float, *, telemetry: bool, lists: bool
) -> Manifest:
    copies.mkdir(mode=0o700)
    members = []
    chosen = list(items(configuration, telemetry=telemetry, lists=lists))
    _require_room(chosen, copies)
    for item in chosen:
        target = copies / item.name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if item.kind == "database" and is_sqlite(item.source):
                copy_sqlite(item.source, target)
            else:
                shutil.copy2(item.source, target, follow_symlinks=True)
        except FileNotFoundError:
            continue  # it went away meanwhile; what must be there is missed when it is tried out
        members.append(manifest.describe(target, item.name))
    store, store_version = _store(configuration)
    if store == "postgresql":
        target = copies / DUMP
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_store(configuration.store_url, target)
        members.append(manifest.describe(target, DUMP))
    return Manifest(
        format=manifest.FORMAT,
        lychgate=_version(),
        made_at=at,
        host=socket.gethostname(),
        store=store,
        store_version=store_version,
        members=tuple(members),
        telemetry=telemetry,
        lists=lists,
    )


def _store(configuration: Configuration) -> tuple[str, str]:
    """What holds the store, and the version of its tables."""
    if not Office(configuration).is_there():
        return "", ""
    found = asyncio.run(current(configuration.store_url))
    if found is None:
        raise StoreFault(
            "other", Office(configuration).where, "it is no store of ours", "see store.url"
        )
    return ("postgresql" if configuration.store_file is None else "sqlite"), found


def _write(made: Manifest, copies: Path, part: Path) -> None:
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
        octets = msgspec.json.format(msgspec.json.encode(made))
        tar.addfile(_head(manifest.NAME, len(octets), 0o600, made.made_at), io.BytesIO(octets))
        for member in made.members:
            with (copies / member.name).open("rb") as opened:
                tar.addfile(_head(member.name, member.octets, member.mode, made.made_at), opened)


def _head(name: str, octets: int, mode: int, at: float) -> tarfile.TarInfo:
    head = tarfile.TarInfo(name)
    head.size, head.mode, head.mtime = octets, mode, int(at)
    return head


def _require_room(chosen: list[Item], folder: Path) -> None:
    """A copy, the archive, and the copy that is tried: twice at the same time at most."""
    wanted = sum(item.source.stat().st_size for item in chosen if item.source.exists()) * 2 * _ROOM
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise ArchiveFault(
            f"{folder.parent.parent}: {free / 1e6:,.0f} MB free, {wanted / 1e6:,.0f} MB wanted; "
            "make room, or leave out telemetry"
        )


def _version() -> str:
    try:
        return version("lychgate")
    except PackageNotFoundError:
        return "unknown"


def _sync(part: Path) -> None:
    for path in (part, part.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
