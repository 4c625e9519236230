"""One database of ours, open: its file looked over, its version right, its faults told plainly.

What it holds is the business of whoever derives from it: `policy.store.store` (what people
decide), and the store of evidence.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar, Self

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.store.engine import (
    PRECIOUS,
    Keeping,
    create_file,
    file_identity,
    file_of,
    make_engine,
    read_url,
    shown,
)
from policy.store.faults import StoreFault, known_fault, told_plainly
from policy.store.transactions import begin_read, begin_write
from policy.store.versions import STATE, Schema, holds_something_else, require_version, version_of


class Database:
    """An open database. Belongs to the event loop it was opened in, and must be closed.

    Every method raises `StoreFault` when the database fails, and has then changed nothing.
    """

    schema: ClassVar[Schema] = STATE
    keeping: ClassVar[Keeping] = PRECIOUS
    setting: ClassVar[str] = "store.url"
    """Where people write its address."""
    absent: ClassVar[tuple[str, str] | None] = None
    """What is said where there is none, and what to do; None: what is said of a store."""
    thorough: ClassVar[bool] = True
    """Whether all of a file that was put in another's place is read for damage."""

    def __init__(self, url: URL) -> None:
        """Nothing is opened yet: `open` does that."""
        self.where = shown(url)
        """How people call it: the path, or the address without its password."""
        self._path = file_of(url)
        self._identity: tuple[int, int] | None = None
        """Which file was looked over."""
        self._engine = make_engine(url, self.keeping)
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, *, create: bool = False, check: bool = True) -> Self:
        """Open a database and look it over.

        `create`: make it if there is none, with what it holds at first, and bring an older one to
        this version. `check`: read all of an SQLite file for damage, which takes longer as it
        grows; what is damaged is found without it too, by whoever reads it.
        """
        read = read_url(url, cls.setting)
        path = file_of(read)
        if path is not None and create:
            with told_plainly(str(path)):
                create_file(path, cls.keeping)
        store = cls(read)
        try:
            with told_plainly(store.where):
                if path is not None and file_identity(path) is None:
                    raise store._gone()
                if create:
                    await store._create()
                await store._look_over(check=check)
        except BaseException:
            await store.close()
            raise
        return store

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncConnection]:
        """One write transaction: committed at the end, undone when anything raises."""
        async with self._turn:
            with told_plainly(self.where):
                await self._require_file()
                async with begin_write(self._engine, self.schema) as connection:
                    await require_version(connection, self.where, self.schema)
                    yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One read transaction."""
        with told_plainly(self.where):
            await self._require_file()
            async with begin_read(self._engine) as connection:
                await require_version(connection, self.where, self.schema)
                yield connection

    async def check(self) -> tuple[str, ...]:
        """Everything the database finds wrong with itself, in its own words; slow for a large one.

        PostgreSQL checks its pages when it reads them: there is nothing to ask.
        """
        async with self.reading() as connection:
            if connection.dialect.name != "sqlite":
                return ()
            found = list(await connection.scalars(text("PRAGMA integrity_check")))
            dangling = await connection.execute(text("PRAGMA foreign_key_check"))
            found += [f"{row[0]}: row {row[1]} refers to nothing in {row[2]}" for row in dangling]
            return tuple(line for line in found if line != "ok")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def fill(self, connection: AsyncConnection) -> None:
        """Put in what it holds at first, unless it is there; called whenever it may be created."""

    async def _create(self) -> None:
        """Make the tables, or bring them to this version."""
        from policy.store.migrating import upgrade_within  # Alembic; see policy.store.versions

        async with begin_write(self._engine, self.schema) as connection:
            version = await version_of(connection, self.schema)
            if version is None and await holds_something_else(connection, self.schema):
                allowed = "give the address of an empty database"
                raise StoreFault("url", self.where, "it holds something else", allowed)
            if version is None or version in self.schema.versions[:-1]:
                await upgrade_within(connection, self.schema)
            await require_version(connection, self.where, self.schema)
            await self.fill(connection)

    async def _look_over(self, *, check: bool = True) -> None:
        """Raise unless the file is sound and of this version."""
        identity = None if self._path is None else file_identity(self._path)
        async with begin_read(self._engine) as connection:
            if check and connection.dialect.name == "sqlite":
                found = await connection.scalar(text("PRAGMA quick_check(1)"))
                if found != "ok":
                    raise known_fault("corrupt", self.where)
            if await version_of(connection, self.schema) is None:
                raise self._gone()
            await require_version(connection, self.where, self.schema)
        self._identity = identity

    def _gone(self) -> StoreFault:
        if self.absent is None:
            return known_fault("gone", self.where)
        return StoreFault("gone", self.where, *self.absent)

    async def _require_file(self) -> None:
        """Raise when the file is gone; if another was put in its place, open that one.

        Connections to a removed file go on as if nothing had happened, for themselves alone.
        """
        if self._path is None:
            return
        identity = file_identity(self._path)
        if identity is None:
            raise self._gone()
        if identity != self._identity:
            await self._engine.dispose()
            await self._look_over(check=self.thorough)
