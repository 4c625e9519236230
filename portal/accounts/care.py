"""What administrators do for the accounts of others: see how they stand, end a lock, take away.

Who may do that is the caller's question (`person.change`, `person.remove`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, select

from policy.audit import Outcome
from policy.commands import journal
from policy.commands.command import Actor
from policy.store import Store
from policy.store.writing import Writing
from portal.accounts import entries, rows, sessions, tokens
from portal.accounts.tables import accounts, identities, links
from portal.accounts.tables import entries as entry_table
from portal.accounts.tables import sessions as session_table
from portal.accounts.tables import tokens as token_table
from portal.limiting import Attempts

REFUSALS_MAX: Final = 30
"""Entries of one kind, for people whom nobody knows, within `REFUSALS_SECONDS`."""
REFUSALS_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """How the account of one person stands."""

    has_password: bool = False
    has_second_factor: bool = False
    must_change: bool = False
    failures: int = 0
    """Wrong answers since the last right one."""
    locked_until: float = 0.0
    """POSIX seconds; in the past or 0: not locked."""
    sessions: int = 0
    tokens: int = 0
    is_bound: bool = False
    """Whether a subject of the OpenID provider is this person."""


class Care:
    """Looks after accounts."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._refusals: Final = Attempts(REFUSALS_MAX, REFUSALS_SECONDS)

    async def standings(self) -> Mapping[str, AccountStanding]:
        """How every account stands, by person."""
        async with self._store.reading() as connection:

            async def counts(table: object) -> dict[str, int]:
                column = table.c.person_id  # type: ignore[attr-defined]
                found = await connection.execute(select(column, func.count()).group_by(column))
                return {row[0]: row[1] for row in found}

            live, programs = await counts(session_table), await counts(token_table)
            bound = await counts(identities)
            kept = {
                row.person_id: row
                for row in await connection.execute(
                    select(
                        accounts.c.person_id,
                        accounts.c.password.is_not(None).label("has_password"),
                        accounts.c.totp_seed.is_not(None).label("has_second_factor"),
                        accounts.c.must_change,
                        accounts.c.failures,
                        accounts.c.locked_until,
                    )
                )
            }
        return {
            id: AccountStanding(
                has_password=id in kept and bool(kept[id].has_password),
                has_second_factor=id in kept and bool(kept[id].has_second_factor),
                must_change=id in kept and bool(kept[id].must_change),
                failures=kept[id].failures if id in kept else 0,
                locked_until=kept[id].locked_until if id in kept else 0.0,
                sessions=live.get(id, 0),
                tokens=programs.get(id, 0),
                is_bound=id in bound,
            )
            for id in sorted({*kept, *live, *programs, *bound})
        }

    async def unlock(self, actor: Actor, person_id: str, at: float) -> bool:
        """End a lock, and forget the wrong answers; False when there is no such account."""
        async with self._store.writing() as writing:
            if await rows.find(writing.connection, person_id) is None:
                return False
            await rows.change(writing.connection, person_id, failures=0, locked_until=0.0)
            await enter(writing, actor, "account.unlock", person_id, at)
            return True

    async def forget(self, actor: Actor, person_id: str, at: float) -> None:
        """Take away everything somebody could show: whoever gets their id later starts anew."""
        async with self._store.writing() as writing:
            connection = writing.connection
            had = await rows.remove(connection, person_id)
            had |= bool(await sessions.end_all(connection, person_id))
            had |= bool(await tokens.revoke_all(connection, person_id))
            for table in (links, identities, entry_table):
                mine = delete(table).where(table.c.person_id == person_id)
                had |= bool((await connection.execute(mine)).rowcount)
            if had:
                await enter(writing, actor, "account.forget", person_id, at)

    async def is_bound(self, person_id: str) -> bool:
        """Whether a subject of the OpenID provider is this person."""
        mine = select(identities.c.digest).where(identities.c.person_id == person_id)
        async with self._store.reading() as connection:
            return await connection.scalar(mine.limit(1)) is not None

    async def unbind(self, actor: Actor, person_id: str, at: float) -> bool:
        """End the link to a subject of the OpenID provider, and the sessions it made."""
        async with self._store.writing() as writing:
            mine = delete(identities).where(identities.c.person_id == person_id)
            if not (await writing.connection.execute(mine)).rowcount:
                return False
            await sessions.end_all(writing.connection, person_id)
            await enter(writing, actor, "account.unbind", person_id, at)
            return True

    async def make_entry(self, actor: Actor, person_id: str, at: float) -> str:
        """A link that signs somebody in once, for whoever sits at the machine; its secret."""
        async with self._store.writing() as writing:
            secret = await entries.make(writing.connection, person_id, at)
            await enter(writing, actor, "account.portal-link", person_id, at)
            return secret

    async def note_refused(self, why: str, at: float) -> None:
        """Enter that somebody of the provider was not let in; only so many in an hour."""
        if not self._refusals.may("openid", at):
            return
        text = "".join(letter if letter.isprintable() else "?" for letter in why[:300])
        async with self._store.writing() as writing:
            await journal.append(
                writing.connection,
                Actor("portal:openid", "OpenID Connect", "portal"),
                at=at,
                action="account.sign-in",
                subject="organisation",
                reason=text,
                outcome="refused",
            )


async def enter(
    writing: Writing,
    actor: Actor,
    action: str,
    person_id: str,
    at: float,
    reason: str = "",
    outcome: Outcome = "done",
) -> None:
    """Enter what happened to an account, in the transaction in which it does."""
    await journal.append(
        writing.connection,
        actor,
        at=at,
        action=action,
        subject=f"person:{person_id}",
        reason=reason,
        outcome=outcome,
    )
