"""A copy of a store that is in use, by SQLite's online backup.

A plain copy of the file would miss what is still in the write-ahead log, or catch half a commit.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from policy.store.engine import (
    BUSY_SECONDS_MAX,
    create_empty,
    file_identity,
    file_of,
    read_url,
    shown,
)
from policy.store.faults import StoreFault, fault_of, known_fault, told_plainly

_PAGES_AT_ONCE: Final = 1_000
"""4 MB between two moments at which a writer may go on."""


async def backup(url: str, to: Path) -> None:
    """Copy a store, of whatever version, to a new file that is there whole and sound or not at all.

    Raises `StoreFault`; for PostgreSQL it names the command to use instead.
    """
    source = read_url(url)
    path = file_of(source)
    if path is None:
        bare = source._replace(drivername="postgresql", password=None)
        address = bare.render_as_string()
        command = f"pg_dump --format=custom --file={to} {address}"
        raise StoreFault(
            "url", shown(source), "PostgreSQL makes its own backups", f"use: {command}"
        )
    with told_plainly(str(path)):
        if file_identity(path) is None:
            raise known_fault("gone", str(path))
    with told_plainly(str(to)):
        await asyncio.to_thread(_back_up, path, to)


def _back_up(path: Path, to: Path) -> None:
    if file_identity(to) is not None:
        raise StoreFault("refused", str(to), "there is a file already", "give another name")
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)  # of a backup that was cut short
    try:
        create_empty(part)
        _copy(path, part)
        _sync(part)
        part.replace(to)
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + end).unlink(missing_ok=True)


def _copy(path: Path, part: Path) -> None:
    """Copy, and check all of the copy: a backup that nobody can read is none."""
    try:
        with closing(sqlite3.connect(part)) as copy:
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS_MAX)) as source:
                source.backup(copy, pages=_PAGES_AT_ONCE)
            (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if fault_of(error, str(path)).kind != "corrupt":
            raise
        found = str(error)
    if found != "ok":
        remedy = "no backup was made; keep the last one"
        raise StoreFault("corrupt", str(path), "the store is damaged", remedy)


def _sync(part: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
