"""The keys in the database: the one of now, those of a time, the next when its time has come."""

from __future__ import annotations

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.pseudonyms import Key, new_secret
from evidence.tables import keys


async def keys_between(
    connection: AsyncConnection, since: float, until: float | None = None
) -> list[Key]:
    """Keys under which pseudonyms of a stretch of time may have been made, newest first."""
    asked = select(keys).where(keys.c.until > since)
    if until is not None:
        asked = asked.where(keys.c.since <= until)
    rows = await connection.execute(asked.order_by(keys.c.id.desc()))
    return [Key(row.id, row.secret, row.since, row.until) for row in rows]


async def key_by_id(connection: AsyncConnection, id: int) -> Key | None:
    """One key; None when it was deleted."""
    row = (await connection.execute(select(keys).where(keys.c.id == id))).first()
    return None if row is None else Key(row.id, row.secret, row.since, row.until)


async def key_at(connection: AsyncConnection, at: float, lifetime_seconds: float) -> Key:
    """The key of an instant, made if there is none. In a write transaction."""
    asked = select(keys).where(keys.c.since <= at, keys.c.until > at).order_by(keys.c.id.desc())
    row = (await connection.execute(asked.limit(1))).first()
    if row is not None:
        return Key(row.id, row.secret, row.since, row.until)
    # Periods are counted from 1970, so that a clock that was stepped makes no overlaps.
    since = at // lifetime_seconds * lifetime_seconds
    ended = await connection.scalar(select(func.max(keys.c.until)).where(keys.c.until <= at))
    begins = since if ended is None else max(since, ended)
    # Numbered by time, never again the number of a key that was deleted.
    made = Key(int(begins), new_secret(), begins, since + lifetime_seconds)
    row_of = {"id": made.id, "secret": made.secret, "since": made.since, "until": made.until}
    await connection.execute(insert(keys), row_of)
    return made
