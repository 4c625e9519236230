"""Which version of its tables a store has.

Apart from the migrations, for who only reads needs no Alembic, which takes 11 MB and 0.1 s.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.store.faults import StoreFault
from policy.store.migrations import HEAD, VERSIONS
from policy.store.tables import METADATA

VERSION_TABLE: Final = "lychgate_version"
"""Not Alembic's own name: a PostgreSQL database may be home to other programs."""

_VERSION: Final[Select[Any]] = select(column("version_num")).select_from(table(VERSION_TABLE))


async def version_of(connection: AsyncConnection) -> str | None:
    """The version of the store behind a connection; None when it has no tables."""
    if not await connection.run_sync(lambda inner: inspect(inner).has_table(VERSION_TABLE)):
        return None
    version: str | None = await connection.scalar(_VERSION)
    return version


async def holds_something_else(connection: AsyncConnection) -> bool:
    """Whether there are tables with names of ours, and nothing says that they are a store."""
    names = await connection.run_sync(lambda inner: inspect(inner).get_table_names())
    return VERSION_TABLE not in names and bool(set(names) & set(METADATA.tables))


async def require_version(connection: AsyncConnection, where: str) -> None:
    """Raise unless the tables are those of this version: they may be migrated at any time."""
    version = await connection.scalar(_VERSION)
    if version == HEAD:
        return
    if version in VERSIONS:
        wrong = f"it is of version {version}, and this Lychgate writes {HEAD}"
        raise StoreFault("older", where, wrong, "run `lychgate store upgrade`")
    wrong = f"a newer Lychgate migrated it (version {version}); this one knows up to {HEAD}"
    raise StoreFault("newer", where, wrong, "update this Lychgate")
