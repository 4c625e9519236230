"""API tokens: what a program shows in place of a session. It acts for a person, within scopes.

A scope is `read`, or the noun of commands (`rule`: `rule.allow`, `rule.deny` ...), derived from the
table of permissions. A token never may what its person may not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.commands.permissions import PERMITTED
from portal.accounts.secrets import digest_of, new_id, new_secret
from portal.accounts.tables import tokens

READ: Final = "read"
SCOPES: Final = (
    READ,
    *sorted({action.partition(".")[0] for action in PERMITTED if not action.endswith(".read")}),
)
"""Every scope there is."""

PREFIX: Final = "lychgate_"
"""Lets people, and programs that look for leaked secrets, tell what it is."""
DAYS_MAX: Final = 366
_KEPT_SECONDS: Final = 30 * 86_400.0  # somebody may still look for it
TOKENS_MAX: Final = 20
"""Of one person."""
TITLE_CHARACTERS_MAX: Final = 100
USED_EVERY_SECONDS: Final = 60.0
"""How exactly it is known when a token was last used; each time is a write."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without its secret. Times are POSIX seconds."""

    id: str
    person_id: str
    title: str
    scopes: frozenset[str]
    created_at: float
    expires_at: float
    used_at: float = 0.0
    """When it was last used, give or take `USED_EVERY_SECONDS`; 0: never."""

    def covers(self, action: str) -> bool:
        """Whether it may be used for an action, such as `rule.allow`."""
        return (READ if action.endswith(".read") else action.partition(".")[0]) in self.scopes


async def make(
    connection: AsyncConnection,
    person_id: str,
    *,
    title: str,
    scopes: Collection[str],
    at: float,
    expires_at: float,
) -> tuple[Token, str]:
    """A new token and its secret, which is seen this once."""
    token = Token(new_id(), person_id, title, frozenset(scopes), at, expires_at)
    secret = PREFIX + new_secret()
    row = {
        "digest": digest_of(secret),
        "id": token.id,
        "person_id": person_id,
        "title": title,
        "scopes": " ".join(sorted(token.scopes)),
        "created_at": at,
        "expires_at": expires_at,
    }
    await _forget_ended(connection, person_id, at)
    await connection.execute(insert(tokens), row)
    return token, secret


async def find(connection: AsyncConnection, secret: str, at: float) -> Token | None:
    """The token of a secret; None when there is none, or it is over."""
    row = (await connection.execute(_select().where(tokens.c.digest == digest_of(secret)))).first()
    token = None if row is None else _token(row)
    return token if token is not None and at < token.expires_at else None


async def count(connection: AsyncConnection, person_id: str) -> int:
    """How many a person has."""
    query = select(func.count()).where(tokens.c.person_id == person_id)
    return int(await connection.scalar(query) or 0)


async def all_of(connection: AsyncConnection, person_id: str) -> Sequence[Token]:
    """Those of a person, the newest first."""
    query = _select().where(tokens.c.person_id == person_id).order_by(tokens.c.created_at.desc())
    return [_token(row) for row in await connection.execute(query)]


async def touch(connection: AsyncConnection, token: Token, at: float) -> None:
    """Note that a token was used."""
    where = (tokens.c.id == token.id) & (tokens.c.person_id == token.person_id)
    await connection.execute(update(tokens).where(where).values(used_at=at))


async def revoke(connection: AsyncConnection, person_id: str, id: str) -> bool:
    """Make one of a person void; False when there is none."""
    where = (tokens.c.id == id) & (tokens.c.person_id == person_id)
    return bool((await connection.execute(delete(tokens).where(where))).rowcount)


async def revoke_all(connection: AsyncConnection, person_id: str) -> int:
    """Make all of a person void; how many."""
    where = tokens.c.person_id == person_id
    return int((await connection.execute(delete(tokens).where(where))).rowcount)


_COLUMNS: Final = ("id", "person_id", "title", "scopes", "created_at", "expires_at", "used_at")


async def _forget_ended(connection: AsyncConnection, person_id: str, at: float) -> None:
    """What ended long ago is of no use in the table, nor in the count of what one may have."""
    where = (tokens.c.person_id == person_id) & (tokens.c.expires_at < at - _KEPT_SECONDS)
    await connection.execute(delete(tokens).where(where))


def _select() -> Any:
    return select(*(tokens.c[name] for name in _COLUMNS))


def _token(row: Any) -> Token:
    id, person_id, title, scopes, *times = row
    return Token(id, person_id, title, frozenset(scopes.split()), *times)
