"""Runs migrations: a store goes from one version of its tables to another, whole or not at all.

Alembic is used as a library, without its configuration file and environment: the connection, with
its lock and its transaction, is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.store.engine import make_engine, read_url, shown
from policy.store.faults import told_plainly
from policy.store.transactions import begin_write
from policy.store.versions import STATE, VERSION_TABLE, Schema, version_of

__all__ = [
    "VERSION_TABLE",
    "current",
    "downgrade",
    "migration_context",
    "upgrade",
    "upgrade_within",
]

_Steps = Callable[[Any, Any], Iterable[Any]]


async def upgrade(url: str, schema: Schema = STATE) -> None:
    """Bring a store to the newest version, making it if there is nothing. Raises `StoreFault`."""
    await _migrate(url, schema, _upgrading(schema))


async def downgrade(url: str, to: str, schema: Schema = STATE) -> None:
    """Bring a store back to an older version, or with "base" to nothing: all of it is lost.

    Raises `StoreFault`.
    """
    await _migrate(url, schema, lambda script: lambda now, _: script._downgrade_revs(to, now))


async def current(url: str, schema: Schema = STATE) -> str | None:
    """The version of a store; None when there are no tables. Raises `StoreFault`."""
    where = read_url(url)
    engine = make_engine(where)
    try:
        with told_plainly(shown(where)):
            async with engine.connect() as connection, connection.begin():
                return await version_of(connection, schema)
    finally:
        await engine.dispose()


async def upgrade_within(connection: AsyncConnection, schema: Schema = STATE) -> None:
    """`upgrade` in a write transaction that is open."""
    await connection.run_sync(_run, schema, _upgrading(schema))


def migration_context(
    connection: Connection, steps: _Steps | None = None, schema: Schema = STATE
) -> MigrationContext:
    """What Alembic needs to know about a connection."""
    opts: dict[str, Any] = {
        "version_table": schema.version_table,
        "transactional_ddl": True,  # SQLite's too, when nobody commits behind our back
        "target_metadata": schema.metadata,
    }
    if steps is not None:
        opts["fn"] = steps
    return MigrationContext.configure(connection, opts=opts)


def _upgrading(schema: Schema) -> Callable[[ScriptDirectory], _Steps]:
    return lambda script: lambda now, _: script._upgrade_revs(schema.head, now)


async def _migrate(url: str, schema: Schema, steps: Callable[[ScriptDirectory], _Steps]) -> None:
    where = read_url(url)
    engine = make_engine(where)
    try:
        with told_plainly(shown(where)):
            async with begin_write(engine, schema) as connection:
                await connection.run_sync(_run, schema, steps)
    finally:
        await engine.dispose()


def _run(
    connection: Connection, schema: Schema, steps: Callable[[ScriptDirectory], _Steps]
) -> None:
    context = migration_context(connection, steps(ScriptDirectory(str(schema.folder))), schema)
    with Operations.context(context):
        context.run_migrations()
