"""One-time links: for the first administrator, and for whoever is to choose a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.secrets import digest_of, new_secret
from portal.accounts.tables import links

SET_UP_SECONDS: Final = 24 * 3600.0
"""The link of the first run; a restart of the portal prints a new one."""
INVITATION_SECONDS: Final = 3 * 24 * 3600.0
"""Over a weekend."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that may still be used."""

    digest: str
    person_id: str | None
    """Whose password it lets somebody choose; None: the first administrator, who is nobody yet."""


async def make(connection: AsyncConnection, person_id: str | None, *, expires_at: float) -> str:
    """A new link in place of every earlier one of this person; its secret."""
    await connection.execute(delete(links).where(_of(person_id)))
    secret = new_secret()
    row = {"digest": digest_of(secret), "person_id": person_id, "expires_at": expires_at}
    await connection.execute(insert(links), row)
    return secret


async def find(connection: AsyncConnection, secret: str, at: float) -> Link | None:
    """The link of a secret; None when it was used, replaced, or is over."""
    where = (links.c.digest == digest_of(secret)) & (links.c.expires_at > at)
    row = (await connection.execute(select(links.c.digest, links.c.person_id).where(where))).first()
    return None if row is None else Link(*row)


async def use(connection: AsyncConnection, secret: str, at: float) -> Link | None:
    """The same, and it is used up; in the write transaction of what it is used for."""
    link = await find(connection, secret, at)
    if link is not None:
        await connection.execute(delete(links).where(_of(link.person_id)))
    return link


def _of(person_id: str | None) -> ColumnElement[bool]:
    return links.c.person_id.is_(None) if person_id is None else links.c.person_id == person_id
