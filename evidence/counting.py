"""Writing many rows, and adding to rows that may be there already, in both kinds of database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Table, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]


async def add(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows whose keys are new."""
    await _write(connection, _adding, table, (), rows)


async def add_up(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; where the key is there already, add `queries` to what it has."""
    await _write(connection, _adding_up, table, (), rows)


async def put(
    connection: AsyncConnection, table: Table, rows: Sequence[Row], *, over: Sequence[str] = ()
) -> None:
    """Insert rows; where the key is there already, write these columns over, or leave all."""
    await _write(connection, _putting, table, tuple(over), rows)


async def widen(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Insert spans `first_at` to `last_at`; where the key is there already, let its span cover
    this one too.
    """
    await _write(connection, _widening, table, (), rows)


_Make = Callable[[Any, Table, tuple[str, ...]], Any]


async def _write(
    connection: AsyncConnection, make: _Make, table: Table, over: tuple[str, ...], rows: Any
) -> None:
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        await connection.execute(make(postgresql.insert(table), table, over), list(rows))
        return
    # The text is made once, and rows go to the driver as they are: half of the work of a batch
    # was preparing the same statements, row by row.
    text, columns = _text(make, table, over, tuple(rows[0]))
    await connection.exec_driver_sql(text, list(map(columns, rows)))


@cache
def _text(
    make: _Make, table: Table, over: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[str, Callable[[Row], tuple[Any, ...]]]:
    """A statement as SQLite reads it, and what takes its parameters from a row. There are as many
    as there are tables."""
    dialect = sqlite.dialect()
    compiled = make(sqlite.insert(table), table, over).compile(
        dialect=dialect, column_keys=list(columns)
    )
    names = list(compiled.positiontup)
    if len(names) == 1:
        (name,) = names
        return str(compiled), lambda row: (row[name],)
    return str(compiled), itemgetter(*names)


def _adding(inserting: Any, table: Table, over: tuple[str, ...]) -> Any:
    return inserting


def _adding_up(inserting: Any, table: Table, over: tuple[str, ...]) -> Any:
    return inserting.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={"queries": table.c.queries + inserting.excluded.queries},
    )


def _putting(inserting: Any, table: Table, over: tuple[str, ...]) -> Any:
    keys = list(table.primary_key.columns)
    if not over:
        return inserting.on_conflict_do_nothing(index_elements=keys)
    values = {column: inserting.excluded[column] for column in over}
    return inserting.on_conflict_do_update(index_elements=keys, set_=values)


def _widening(inserting: Any, table: Table, over: tuple[str, ...]) -> Any:
    columns, new = table.c, inserting.excluded
    earlier, later = new.first_at < columns.first_at, new.last_at > columns.last_at
    return inserting.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={
            "first_at": case((earlier, new.first_at), else_=columns.first_at),
            "last_at": case((later, new.last_at), else_=columns.last_at),
        },
        where=earlier | later,
    )
