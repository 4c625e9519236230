"""The database of what happened, open: `telemetry.db`, or PostgreSQL by its address."""

from __future__ import annotations

from typing import ClassVar, Self

from sqlalchemy import func, select

from evidence.schema import KEEPING, TELEMETRY, load_tables
from policy.store.database import Database
from policy.store.engine import Keeping, read_url
from policy.store.faults import told_plainly
from policy.store.versions import Schema

load_tables()


class EvidenceStore(Database):
    """An open telemetry database. Pages use `reading()`; the recorder alone uses `changing()`,
    besides short acts of people (an alert that is acknowledged).

    Every method raises `policy.store.faults.StoreFault` when the database fails, and has then
    changed nothing.
    """

    schema: ClassVar[Schema] = TELEMETRY
    keeping: ClassVar[Keeping] = KEEPING
    setting: ClassVar[str] = "telemetry.url"
    absent: ClassVar[tuple[str, str] | None] = (
        "nothing is recorded yet",
        "`lychgate record` begins it, and `lychgate up`",
    )
    thorough: ClassVar[bool] = False  # it may be gigabytes

    @classmethod
    def at(cls, url: str) -> Self:
        """One that is opened when it is first used, and again when the file is another one: for
        whoever must not fail when the database does. Raises `StoreFault` for no address.
        """
        return cls(read_url(url, cls.setting))

    async def tidy(self, pages: int) -> None:
        """Give a few free pages back to the disk, and let the write-ahead log begin anew: what was
        deleted is gone from both.
        """
        if self._path is None:
            return
        with told_plainly(self.where):
            async with self._turn, self._engine.connect() as connection:
                raw = (await connection.get_raw_connection()).driver_connection
                if raw is not None:  # outside any transaction
                    for pragma in (f"incremental_vacuum({pages:d})", "wal_checkpoint(TRUNCATE)"):
                        await (await raw.execute(f"PRAGMA {pragma}")).fetchall()

    async def octets(self) -> int:
        """How large the database is, its write-ahead log included."""
        if self._path is not None:
            ends = ("", "-wal")
            files = [self._path.with_name(self._path.name + end) for end in ends]
            return sum(file.stat().st_size for file in files if file.exists())
        async with self.reading() as connection:
            sizes = [
                select(func.pg_total_relation_size(name)) for name in self.schema.metadata.tables
            ]
            return sum([int(await connection.scalar(size) or 0) for size in sizes])
