"""A change of version with a way back: archive, copy, migrate, try; and on a fault everything as it
was.

After it, while the new version has yet to prove itself, `<state>/migration.json` says what was done
and where the copy is. `settle` waits until the resolver says that it is ready, and takes that note
away; or it puts the store back as it was, for the version before. It is put back only as long as
nobody decided anything since: a decision is never lost silently.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from lychgate.archiving.databases import copy_store, load
from lychgate.archiving.packing import pack
from lychgate.composition import SnapshotBuilder
from lychgate.config import Configuration
from lychgate.office import Office
from policy.store import Store, StoreFault
from policy.store.migrating import current, upgrade
from policy.store.migrations import HEAD, VERSIONS

NOTE: Final = "migration.json"
BACKUPS: Final = "backups"
_POLL_SECONDS: Final = 0.25

Outcome = str


class MigrationFault(Exception):
    """The store is as it was before; the message says why, and what to do."""


class Note(msgspec.Struct, frozen=True):
    """What the last migration did. Times are POSIX seconds."""

    before: str
    after: str
    copy: str
    """The store as it was, in the backups folder."""
    revision: int
    """Of the policy, right after; a higher one means that somebody has decided something."""
    at: float


@dataclass(frozen=True)
class Migrated:
    """What was done."""

    before: str
    after: str
    archive: Path | None


def migrate(
    configuration: Configuration,
    *,
    at: float,
    verify: Callable[[Configuration], None] | None = None,
) -> Migrated | None:
    """Bring the store to this version; None: nothing to do. Raises `MigrationFault`, `StoreFault`
    and `lychgate.archiving.ArchiveFault`, and then it is as it was.
    """
    office = Office(configuration)
    if not office.is_there():
        return None
    before = asyncio.run(current(configuration.store_url))
    if before == HEAD:
        return None
    if before not in VERSIONS:
        raise MigrationFault(
            f"{office.where}: a newer Lychgate brought it to version {before}; this one knows up "
            f"to {HEAD} and would lose what it does not know. Install the newer Lychgate again, or "
            "restore an archive from before: lychgate restore ARCHIVE --force"
        )
    folder = configuration.state_directory / BACKUPS
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = f"before-{before}-to-{HEAD}-{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
    archive = folder / f"{stamp}.tar.gz"
    pack(configuration, archive, at=at, telemetry=False)
    copy = folder / f"{stamp}.store"
    copy.unlink(missing_ok=True)
    copy_store(configuration.store_url, copy)
    try:
        asyncio.run(upgrade(configuration.store_url))
        (verify or _verify)(configuration)
        revision = asyncio.run(_revision(configuration.store_url))
    except Exception as fault:  # whatever a migration runs into
        put_back(configuration, copy)
        why = str(fault) or repr(fault)
        raise MigrationFault(
            f"{office.where}: version {HEAD} could not be used ({why}); it is of version "
            f"{before} again, as it was. Install the Lychgate before this one again, and report "
            f"this. An archive is kept: {archive}"
        ) from None
    except BaseException:
        put_back(configuration, copy)
        raise
    note = Note(before, HEAD, copy.name, revision, at)
    (configuration.state_directory / NOTE).write_bytes(msgspec.json.encode(note))
    return Migrated(before, HEAD, archive)


def undo(configuration: Configuration, *, force: bool = False) -> Note:
    """Put the store back as it was before the last migration. Raises `MigrationFault` when there
    was none, or when decisions made since would be lost and `force` does not say that they may be.
    """
    note = read_note(configuration)
    if note is None:
        raise MigrationFault(
            f"{configuration.state_directory / NOTE}: no migration that could be undone; "
            "lychgate restore ARCHIVE --force puts an archive back"
        )
    try:
        since = asyncio.run(_revision(configuration.store_url)) - note.revision
    except StoreFault:
        since = 0  # it cannot be read; nobody can have written to it
    if since > 0 and not force:
        raise MigrationFault(
            f"{since} changes were made since the store came to version {note.after}; going back "
            f"to {note.before} would lose them. `lychgate audit list` shows them; --force goes back"
        )
    copy = configuration.state_directory / BACKUPS / note.copy
    if not copy.is_file():
        raise MigrationFault(f"{copy}: the copy is gone; restore an archive from before")
    put_back(configuration, copy)
    (configuration.state_directory / NOTE).unlink(missing_ok=True)
    return note


def settle(configuration: Configuration, ready: Callable[[], str], *, within_seconds: float) -> str:
    """Wait until the resolver is ready and forget the way back; else go it. What happened: nothing
    when it is ready, or why it is not. Raises `MigrationFault` when the way back is barred.
    """
    deadline = time.monotonic() + within_seconds
    while why := ready():
        if time.monotonic() >= deadline:
            if read_note(configuration) is None:
                return why
            gone_back = undo(configuration)
            return f"{why}; the store is of version {gone_back.before} again, as it was"
        time.sleep(_POLL_SECONDS)
    note_file = configuration.state_directory / NOTE
    note = read_note(configuration)
    if note is not None:
        (configuration.state_directory / BACKUPS / note.copy).unlink(missing_ok=True)
        note_file.unlink(missing_ok=True)
    return ""


def read_note(configuration: Configuration) -> Note | None:
    """What the last migration left; None when there is nothing to go back to."""
    try:
        octets = (configuration.state_directory / NOTE).read_bytes()
        note = msgspec.json.decode(octets, type=Note)
    except (OSError, msgspec.MsgspecError):
        return None
    return note if Path(note.copy).name == note.copy else None


def put_back(configuration: Configuration, copy: Path) -> None:
    """The store as the copy has it; the copy stays. Raises OSError and `ArchiveFault`."""
    store = configuration.store_file
    if store is None:
        load(configuration.store_url, copy)
        return
    part = store.with_name(f"{store.name}.part")
    shutil.copyfile(copy, part)
    found = store.stat() if store.exists() else copy.stat()
    part.chmod(found.st_mode & 0o777)
    shutil.chown(part, found.st_uid, found.st_gid)
    for end in ("-wal", "-shm"):
        store.with_name(store.name + end).unlink(missing_ok=True)
    part.replace(store)


def _verify(configuration: Configuration) -> None:
    """Build what a resolver would serve under. Raises `SnapshotFault` and `MigrationFault`."""
    if configuration.policy_file is not None:
        Office(
            configuration
        ).policy()  # nobody serves from it, and it must be readable all the same
        return
    built = SnapshotBuilder(configuration).build()
    if not built.source_up:
        raise MigrationFault("; ".join(built.warnings))


async def _revision(url: str) -> int:
    store = await Store.open(url, check=False)
    try:
        return (await store.document()).revision
    finally:
        await store.close()
