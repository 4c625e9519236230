"""Which version of its tables a store has.

Apart from the migrations, for who only reads needs no Alembic, which takes 11 MB and 0.1 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import MetaData, Select, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.store.faults import StoreFault
from policy.store.migrations import FOLDER, VERSIONS
from policy.store.tables import METADATA

VERSION_TABLE: Final = "lychgate_version"
"""Not Alembic's own name: a PostgreSQL database may be home to other programs."""


@dataclass(frozen=True)
class Schema:
    """What a database of ours is made of, and how it came to be."""

    metadata: MetaData
    versions: tuple[str, ...]
    """Every version, oldest first."""
    folder: Path
    """Where Alembic finds its migrations."""
    version_table: str
    writer_lock: int
    """The advisory lock of whoever writes to it in PostgreSQL."""
    upgrade: str
    """What brings an older one to this version, for people."""

    @property
    def head(self) -> str:
        """The version that this code reads and writes."""
        return self.versions[-1]

    @property
    def version(self) -> Select[Any]:
        """Asks for the version."""
        return select(column("version_num")).select_from(table(self.version_table))


STATE: Final = Schema(
    METADATA,
    VERSIONS,
    FOLDER,
    VERSION_TABLE,
    writer_lock=0x6C796368,  # "lych"
    upgrade="run `lychgate store upgrade`",
)
"""The store of what people decide."""


async def version_of(connection: AsyncConnection, schema: Schema = STATE) -> str | None:
    """The version of the store behind a connection; None when it has no tables."""
    there = schema.version_table
    if not await connection.run_sync(lambda inner: inspect(inner).has_table(there)):
        return None
    version: str | None = await connection.scalar(schema.version)
    return version


async def holds_something_else(connection: AsyncConnection, schema: Schema = STATE) -> bool:
    """Whether there are tables with names of ours, and nothing says that they are a store."""
    names = await connection.run_sync(lambda inner: inspect(inner).get_table_names())
    return schema.version_table not in names and bool(set(names) & set(schema.metadata.tables))


async def require_version(connection: AsyncConnection, where: str, schema: Schema = STATE) -> None:
    """Raise unless the tables are those of this version: they may be migrated at any time."""
    version = await connection.scalar(schema.version)
    if version == schema.head:
        return
    if version in schema.versions:
        wrong = f"it is of version {version}, and this Lychgate writes {schema.head}"
        raise StoreFault("older", where, wrong, schema.upgrade)
    wrong = f"a newer Lychgate migrated it (version {version}); this one knows up to {schema.head}"
    raise StoreFault("newer", where, wrong, "update this Lychgate")
