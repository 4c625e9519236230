"""Links made at the machine that sign somebody in: for the day on which nothing else does."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.secrets import digest_of, new_secret
from portal.accounts.tables import entries

ENTRY_SECONDS: Final = 900.0
"""Long enough to type it over to another machine."""


async def make(connection: AsyncConnection, person_id: str, at: float) -> str:
    """A new link in place of every earlier one of this person; its secret."""
    mine = entries.c.person_id == person_id
    await connection.execute(delete(entries).where(mine | (entries.c.expires_at <= at)))
    secret = new_secret()
    row = {"digest": digest_of(secret), "person_id": person_id, "expires_at": at + ENTRY_SECONDS}
    await connection.execute(insert(entries), row)
    return secret


async def find(connection: AsyncConnection, secret: str, at: float) -> str | None:
    """Whom a link signs in; None when it was used, replaced, or is over."""
    where = (entries.c.digest == digest_of(secret)) & (entries.c.expires_at > at)
    person: str | None = await connection.scalar(select(entries.c.person_id).where(where))
    return person


async def use(connection: AsyncConnection, secret: str, at: float) -> str | None:
    """The same, and it is used up; in the write transaction of what it is used for."""
    person = await find(connection, secret, at)
    if person is not None:
        await connection.execute(delete(entries).where(entries.c.person_id == person))
    return person
