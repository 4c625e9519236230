"""How transactions begin: a reader's sees one moment, and there is one writer at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policy.store.engine import BUSY_SECONDS_MAX, WRITES
from policy.store.versions import STATE, Schema


@asynccontextmanager
async def begin_read(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees the store as it was at its first statement, whatever is committed."""
    async with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        async with connection.begin():
            yield connection


@asynccontextmanager
async def begin_write(
    engine: AsyncEngine, schema: Schema = STATE
) -> AsyncIterator[AsyncConnection]:
    """A transaction that is the only one to write; committed at the end unless something raised."""
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITES: True})
        async with connection.begin():
            if connection.dialect.name == "postgresql":
                wait = text(f"SET LOCAL lock_timeout = '{BUSY_SECONDS_MAX:g}s'")
                await connection.execute(wait)
                await connection.execute(select(func.pg_advisory_xact_lock(schema.writer_lock)))
            yield connection
