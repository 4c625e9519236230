"""Sessions: who is signed in where. What the browser holds is random; the store holds its digest.

A session ends by being idle, by its age, by signing out, by being revoked, and with every change of
the password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.secrets import digest_of, new_secret
from portal.accounts.tables import sessions

Stage = Literal["code", "in"]
"""`code`: the password was right and the second factor is still asked for; `in`: signed in."""

CODE_SECONDS_MAX: Final = 600.0
"""How long somebody may look for their second factor."""
SEEN_EVERY_SECONDS: Final = 60.0
"""How exactly it is known when a session was last used; each time is a write."""
PERSON_SESSIONS_MAX: Final = 20
"""Sessions of one person in one stage; the one unused for longest ends."""
BROWSER_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions last, in seconds."""

    idle_seconds: float = 3600.0
    age_seconds: float = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is, as far as a request tells."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Session:
    """One session. Times are POSIX seconds."""

    digest: str
    """Its id: of no use to whoever sees it."""
    person_id: str
    stage: Stage
    method: str
    """How they signed in: `password`, `oidc`."""
    created_at: float
    seen_at: float
    address: str
    browser: str

    def ends_at(self, rules: SessionRules) -> float:
        """When it ends unless it is used."""
        age = rules.age_seconds if self.stage == "in" else CODE_SECONDS_MAX
        return min(self.created_at + age, self.seen_at + rules.idle_seconds)


async def begin(
    connection: AsyncConnection,
    rules: SessionRules,
    person_id: str,
    *,
    place: Place,
    at: float,
    stage: Stage = "in",
    method: str = "password",
) -> str:
    """Begin a session in a write transaction; the secret for the browser."""
    await _make_room(connection, rules, person_id, stage, at)
    secret = new_secret()
    row = {
        "digest": digest_of(secret),
        "person_id": person_id,
        "stage": stage,
        "method": method,
        "created_at": at,
        "seen_at": at,
        "address": place.address,
        "browser": place.browser[:BROWSER_CHARACTERS_MAX],
    }
    await connection.execute(insert(sessions), row)
    return secret


async def find(
    connection: AsyncConnection, rules: SessionRules, secret: str, at: float
) -> Session | None:
    """The session of a secret; None when there is none, or it ended."""
    found = await connection.execute(_select().where(sessions.c.digest == digest_of(secret)))
    row = found.first()
    if row is None:
        return None
    session = Session(*row)
    return session if session.created_at <= at < session.ends_at(rules) else None


async def all_of(
    connection: AsyncConnection, rules: SessionRules, person_id: str, at: float
) -> Sequence[Session]:
    """The sessions of a person that have not ended, the newest first."""
    query = _select().where(sessions.c.person_id == person_id)
    rows = await connection.execute(query.order_by(sessions.c.created_at.desc()))
    return [session for row in rows if at < (session := Session(*row)).ends_at(rules)]


async def touch(connection: AsyncConnection, session: Session, at: float) -> None:
    """Note that a session was used."""
    where = sessions.c.digest == session.digest
    await connection.execute(update(sessions).where(where).values(seen_at=at))


async def is_there(connection: AsyncConnection, digest: str) -> bool:
    """Whether a session is still there, whatever its age."""
    found = select(sessions.c.digest).where(sessions.c.digest == digest)
    return await connection.scalar(found) is not None


async def end(connection: AsyncConnection, person_id: str, digest: str) -> bool:
    """End one session of a person; False when there is none."""
    where = (sessions.c.digest == digest) & (sessions.c.person_id == person_id)
    return bool((await connection.execute(delete(sessions).where(where))).rowcount)


async def end_all(connection: AsyncConnection, person_id: str, *, but: str = "") -> int:
    """End every session of a person but one, given by its digest; how many."""
    where = (sessions.c.person_id == person_id) & (sessions.c.digest != but)
    return int((await connection.execute(delete(sessions).where(where))).rowcount)


async def _make_room(
    connection: AsyncConnection, rules: SessionRules, person_id: str, stage: Stage, at: float
) -> None:
    """Forget what ended, and keep within `PERSON_SESSIONS_MAX` of a stage: whoever knows a password
    alone ends nobody's session.
    """
    over = (sessions.c.created_at < at - rules.age_seconds) | (
        sessions.c.seen_at < at - rules.idle_seconds
    )
    await connection.execute(delete(sessions).where(over))
    mine = select(sessions.c.digest).where(
        sessions.c.person_id == person_id, sessions.c.stage == stage
    )
    kept = await connection.scalars(mine.order_by(sessions.c.seen_at.desc()))
    surplus = list(kept)[PERSON_SESSIONS_MAX - 1 :]
    if surplus:
        await connection.execute(delete(sessions).where(sessions.c.digest.in_(surplus)))


def _select() -> Any:
    return select(*(sessions.c[name] for name in Session.__dataclass_fields__))
