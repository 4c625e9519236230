"""Who stands behind a request: looked up in one read, at every request.

Roles are read anew each time: whoever loses a role, or is removed, loses it at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from policy.commands import journal
from policy.commands.command import Actor
from policy.store import Store, StoreFault
from policy.types import Person
from portal.accounts import rows, sessions, tokens
from portal.accounts.persons import read_person
from portal.accounts.sessions import SEEN_EVERY_SECONDS, Session, SessionRules
from portal.accounts.tokens import Token


@dataclass(frozen=True, slots=True)
class Visit:
    """A person behind a request, by a session or a token."""

    person: Person
    session: Session | None = None
    token: Token | None = None
    must_change: bool = False
    """Whether another password must be chosen first."""
    has_second_factor: bool = False


class Visits:
    """Finds who stands behind a secret."""

    def __init__(self, store: Store, rules: SessionRules) -> None:
        self._store: Final = store
        self._rules: Final = rules

    async def by_session(self, secret: str, at: float) -> Visit | None:
        """Who is signed in with this; a session that waits for its second factor counts too."""
        async with self._store.reading() as connection:
            session = await sessions.find(connection, self._rules, secret, at)
            if session is None:
                return None
            account = await rows.find(connection, session.person_id)
            person = await read_person(connection, session.person_id)
        if person is None:
            return None
        if at - session.seen_at >= SEEN_EVERY_SECONDS:
            with suppress(StoreFault):  # somebody else writes: next time
                async with self._store.writing() as writing:
                    await sessions.touch(writing.connection, session, at)
        must_change = account is not None and account.must_change and session.method == "password"
        factor = account is not None and account.totp_seed is not None
        return Visit(person, session, None, must_change, factor)

    async def by_token(self, secret: str, at: float) -> Visit | None:
        """For whom a program acts that shows this."""
        async with self._store.reading() as connection:
            token = await tokens.find(connection, secret, at)
            if token is None:
                return None
            person = await read_person(connection, token.person_id)
        if person is None:
            return None
        if at - token.used_at >= tokens.USED_EVERY_SECONDS:
            with suppress(StoreFault):  # somebody else writes: next time
                async with self._store.writing() as writing:
                    await tokens.touch(writing.connection, token, at)
        return Visit(person, None, token)

    async def sessions(self, person_id: str, at: float) -> Sequence[Session]:
        """Where a person is signed in."""
        async with self._store.reading() as connection:
            return await sessions.all_of(connection, self._rules, person_id, at)

    async def tokens(self, person_id: str) -> Sequence[Token]:
        """The tokens of a person."""
        async with self._store.reading() as connection:
            return await tokens.all_of(connection, person_id)

    async def make_token(
        self, actor: Actor, *, title: str, scopes: Collection[str], at: float, expires_at: float
    ) -> str | None:
        """A new token for the actor; its secret, seen this once. None: they have too many."""
        async with self._store.writing() as writing:
            if await tokens.count(writing.connection, actor.id) >= tokens.TOKENS_MAX:
                return None
            token, secret = await tokens.make(
                writing.connection,
                actor.id,
                title=title,
                scopes=scopes,
                at=at,
                expires_at=expires_at,
            )
            await journal.append(
                writing.connection,
                actor,
                at=at,
                action="account.add-token",
                subject=f"person:{actor.id}",
                after={"id": token.id, "title": title, "scopes": sorted(token.scopes)},
                reason="",
            )
            return secret

    async def renew_token(self, actor: Actor, id: str, at: float) -> str | None:
        """Another secret for a token of the actor, for as long again; the old one is void at once.

        None: there is no such token.
        """
        async with self._store.writing() as writing:
            connection = writing.connection
            mine = await tokens.all_of(connection, actor.id)
            old = next((token for token in mine if token.id == id), None)
            if old is None:
                return None
            await tokens.revoke(connection, actor.id, id)
            until = at + (old.expires_at - old.created_at)
            token, secret = await tokens.make(
                connection, actor.id, title=old.title, scopes=old.scopes, at=at, expires_at=until
            )
            await journal.append(
                connection,
                actor,
                at=at,
                action="account.renew-token",
                subject=f"person:{actor.id}",
                before={"id": id},
                after={"id": token.id, "title": token.title, "scopes": sorted(token.scopes)},
                reason="",
            )
            return secret

    async def revoke_token(self, actor: Actor, person_id: str, id: str, at: float) -> None:
        """Make a token void. Who may do that is the caller's question."""
        async with self._store.writing() as writing:
            if await tokens.revoke(writing.connection, person_id, id):
                await journal.append(
                    writing.connection,
                    actor,
                    at=at,
                    action="account.revoke-token",
                    subject=f"person:{person_id}",
                    before={"id": id},
                    reason="",
                )
