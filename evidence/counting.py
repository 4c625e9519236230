"""Adding to rows that may be there already, in both kinds of database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]


async def add_up(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; where the key is there already, add `queries` to what it has."""
    if rows:
        inserting = _insert(connection, table)
        counted = table.c.queries + inserting.excluded.queries
        statement = inserting.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_={"queries": counted}
        )
        await connection.execute(statement, list(rows))


async def put(
    connection: AsyncConnection, table: Table, rows: Sequence[Row], *, over: Sequence[str] = ()
) -> None:
    """Insert rows; where the key is there already, write these columns over, or leave all."""
    if rows:
        inserting = _insert(connection, table)
        keys = list(table.primary_key.columns)
        if over:
            values = {column: inserting.excluded[column] for column in over}
            inserting = inserting.on_conflict_do_update(index_elements=keys, set_=values)
        else:
            inserting = inserting.on_conflict_do_nothing(index_elements=keys)
        await connection.execute(inserting, list(rows))


async def widen(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert spans `first_at` to `last_at`; where the key is there already, let its span cover
    this one too.
    """
    if rows:
        inserting = _insert(connection, table)
        columns, new = table.c, inserting.excluded
        earlier, later = new.first_at < columns.first_at, new.last_at > columns.last_at
        statement = inserting.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={
                "first_at": case((earlier, new.first_at), else_=columns.first_at),
                "last_at": case((later, new.last_at), else_=columns.last_at),
            },
            where=earlier | later,
        )
        await connection.execute(statement, list(rows))


def _insert(connection: AsyncConnection, table: Table) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
