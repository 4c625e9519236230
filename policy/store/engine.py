"""Addresses of stores, and connections that are set up as the store needs them.

SQLite: write-ahead log, so that readers and the one writer do not wait for each other; foreign
keys; a busy timeout; and for decisions a full sync at each commit: a decision, and its line in the
audit log, must not be lost with the power, and people decide a few times a minute.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from policy.store.faults import StoreFault

SQLITE: Final = "sqlite+aiosqlite"
POSTGRESQL: Final = "postgresql+asyncpg"
ALLOWED: Final = f"allowed: {SQLITE}:///PATH or {POSTGRESQL}://USER@HOST/DATABASE"

BUSY_SECONDS_MAX: Final = 5.0
"""How long a writer waits for another one."""

_CONNECT_SECONDS_MAX: Final = 5.0
_STATEMENT_SECONDS_MAX: Final = 60.0
_CONNECTIONS_MAX: Final = 4

WRITES: Final = "lychgate_writes"
"""The option of a connection that will write."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How an SQLite file is kept."""

    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    pragmas: tuple[str, ...] = ("foreign_keys = ON",)
    """Set for each connection."""
    at_creation: tuple[str, ...] = ()
    """Set once, in the empty file."""


PRECIOUS: Final = Keeping()
"""As decisions are kept."""


def read_url(text: str, setting: str = "store.url") -> URL:
    """The address of a store; `setting` is where people wrote it. Raises `StoreFault`."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreFault("url", setting, "it is no address of a database", ALLOWED) from error
    if url.drivername not in (SQLITE, POSTGRESQL):
        raise StoreFault("url", shown(url), f"{url.drivername} is not known", ALLOWED)
    if url.drivername == SQLITE and url.database in (None, "", ":memory:"):
        raise StoreFault("url", shown(url), "it names no file", f"allowed: {SQLITE}:///PATH")
    return url


def shown(url: URL) -> str:
    """An address as people may see it: without its password; of SQLite the path of the file."""
    if url.drivername == SQLITE:
        return str(url.database)
    return url.render_as_string(hide_password=True)


def file_of(url: URL) -> Path | None:
    """The file of an SQLite store; None for PostgreSQL."""
    return Path(str(url.database)) if url.drivername == SQLITE else None


def file_identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, by device and inode; None when there is none. Raises `OSError`."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def create_file(path: Path, keeping: Keeping = PRECIOUS) -> None:
    """An empty database for a new store, unless there is a file.

    It appears whole and with its write-ahead log switched on, for that switch does not wait when
    others open the file at the same moment. Raises `StoreFault` and `OSError`.
    """
    if file_identity(path) is not None:
        return
    part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        create_empty(part)
        with closing(sqlite3.connect(part)) as connection:
            for pragma in (*keeping.at_creation, "journal_mode = WAL"):
                connection.execute(f"PRAGMA {pragma}")
        with suppress(FileExistsError):  # somebody else was faster
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def create_empty(path: Path) -> None:
    """An empty file that is not there yet, readable by nobody outside its owner's group.

    Made by root it belongs to whoever owns the folder, who must go on with it.
    """
    try:
        opened = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o660)
    except FileNotFoundError as error:
        folder = "there is no such folder"
        raise StoreFault("gone", str(path), folder, "make it, or give another path") from error
    os.close(opened)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def make_engine(url: URL, keeping: Keeping = PRECIOUS) -> AsyncEngine:
    """An engine; nothing is connected yet."""
    if url.drivername == POSTGRESQL:
        return create_async_engine(
            url,
            pool_size=_CONNECTIONS_MAX,
            max_overflow=0,
            pool_pre_ping=True,  # after a restart of the server the next connection works
            connect_args={
                "timeout": _CONNECT_SECONDS_MAX,
                "command_timeout": _STATEMENT_SECONDS_MAX,
                "server_settings": {"application_name": "lychgate"},
            },
        )
    engine = create_async_engine(
        # mode=rw: a connection never makes an empty file of one that went away
        url.set(database=f"file:{quote(str(url.database))}", query={"uri": "true", "mode": "rw"}),
        pool_size=_CONNECTIONS_MAX,
        max_overflow=0,
        connect_args={"timeout": BUSY_SECONDS_MAX},
    )
    event.listen(engine.sync_engine, "connect", partial(_set_up_sqlite, keeping))
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(keeping: Keeping, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {keeping.synchronous}")
        for pragma in keeping.pragmas:
            cursor.execute(f"PRAGMA {pragma}")
    except BaseException:
        cursor.close()  # it would keep the file open
        connection.close()  # nobody else would: the pool never heard of it
        raise
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at once: one that starts as a reader may find it taken later."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
