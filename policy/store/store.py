"""One store of what people decide: read as a raw document, written by one writer at a time."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.document import default_text
from policy.store.database import Database
from policy.store.importing import replace_document
from policy.store.reading import StoredDocument, read_document
from policy.store.tables import facts, revisions
from policy.store.writing import Writing


class Store(Database):
    """An open store. A new one holds the policy that ships.

    Every method raises `StoreFault` when the database fails, and has then changed nothing.
    `reading` is for what is no document: the audit log, searches by column.
    """

    async def document(self, known: StoredDocument | None = None) -> StoredDocument:
        """The store as a raw document, read in one transaction.

        Parts that did not change since `known` are the very same objects as there.
        """
        async with self.reading() as connection:
            return await read_document(connection, known)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """One write transaction: committed at the end, undone when anything raises."""
        async with self.changing() as connection:
            writing = Writing(connection)
            yield writing
            await writing.finish()

    async def fill(self, connection: AsyncConnection) -> None:
        """An id of its own, and the policy that ships."""
        if await connection.scalar(select(func.max(revisions.c.revision))) is None:
            store_id = {"name": "id", "value": secrets.token_hex(16)}
            await connection.execute(insert(facts), store_id)
            writing = Writing(connection)
            await replace_document(writing, tomllib.loads(default_text()))
            await writing.finish()
