"""Notices that a store may have changed, from a process that does not write to it.

SQLite: `PRAGMA data_version` of one connection that is kept, about 10 us, and when it differs,
which kinds of entries changed.  PostgreSQL: a connection of its own, in a thread of its own, that
listens; and asks now and then beside it, for a notification can be lost with its connection.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg
from sqlalchemy import URL

from policy.store.engine import file_identity, file_of, read_url
from policy.store.writing import CHANNEL

POLL_SECONDS: Final = 5.0
"""How often a listener asks whether it missed something, and tries again to connect."""

_SECONDS_MAX: Final = 5.0
"""How long PostgreSQL may take to answer."""

_FAILURES: Final = (
    OSError,
    EOFError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a server or its address may do to us; a listener that ends would notice nothing more."""

_MARKS: Final = "SELECT name, value FROM facts UNION ALL SELECT kind, stamp FROM revisions"
_ASK: Final = "SELECT md5(string_agg(stamp, ',' ORDER BY kind)) FROM revisions"


class Watch:
    """Watches one store. Never raises for a store that is gone: that is a change like any other."""

    def __init__(self, url: str) -> None:
        read = read_url(url)
        path = file_of(read)
        self._watch = _Listener(read) if path is None else _File(path)

    def stamp(self) -> object:
        """Something that differs from the stamp before when the store may have changed, was
        replaced, went away or came back.  Cheap, and does not wait; for one thread at a time.
        """
        return self._watch.stamp()

    def close(self) -> None:
        """Let go of the store."""
        self._watch.close()


class _File:
    """An SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._times = 0
        """How often it was opened: what a reader was refused may be well the next time."""
        self._version: int | None = None
        """When the connection last looked; versions of different ones cannot be compared."""
        self._told: object = None
        self._last: object = None

    def stamp(self) -> object:
        try:
            identity = file_identity(self._path)
        except OSError:
            identity = None
        if identity is None or identity != self._opened:
            self.close()
        if identity is None:
            return "gone"
        try:
            if self._connection is None:
                # Opened as a reader that may write, for the write-ahead log wants its index.
                address = f"file:{quote(str(self._path))}?mode=rw"
                self._connection = sqlite3.connect(
                    address, uri=True, timeout=0, check_same_thread=False
                )
                self._connection.execute("PRAGMA query_only = ON")
                self._opened = identity
                self._times += 1
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._told = _ask(self._connection)
                self._version = version
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                return self._last
            self.close()
            return f"failing: {error}"
        self._last = (*identity, self._times, self._told)
        return self._last

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
        self._opened = None
        self._version = None


def _ask(connection: sqlite3.Connection) -> object:
    """What differs when the policy or the tables changed, and not with each line of the audit log
    or each session of the portal: whoever watches would read the store again for all of them.
    """
    (tables,) = connection.execute("PRAGMA schema_version").fetchone()
    return tables, *sorted(connection.execute(_MARKS))


class _Listener:
    """A PostgreSQL database."""

    def __init__(self, url: URL) -> None:
        # The driver's own word for it is another than SQLAlchemy's.
        query = {"sslmode" if key == "ssl" else key: value for key, value in url.query.items()}
        plain = url.set(drivername="postgresql", query=query)
        self._address = plain.render_as_string(hide_password=False)
        self._heard = 0
        self._told: object = None
        """What the database last said when it was asked, or why it said nothing."""
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="store-watch", daemon=True)
        self._thread.start()

    def stamp(self) -> object:
        return self._heard, self._told

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(_SECONDS_MAX * 2)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._watch())

    async def _watch(self) -> None:
        while not self._ended.is_set():
            try:
                await self._listen()
            except _FAILURES as error:
                self._told = f"failing: {error}"
                await self._pause()

    async def _listen(self) -> None:
        """Listen until the connection breaks or the watch ends."""
        connection = await asyncpg.connect(
            self._address, timeout=_SECONDS_MAX, command_timeout=_SECONDS_MAX
        )
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._hear)
            while not self._ended.is_set() and not lost.is_set():
                self._told = await connection.fetchval(_ASK)
                await self._pause(lost)
        finally:
            connection.terminate()

    def _hear(self, *_: object) -> None:
        self._heard += 1

    async def _pause(self, *others: asyncio.Event) -> None:
        """Wait for the next time to ask; not longer than for one of these."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._ended, *others)]
        await asyncio.wait(waits, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
