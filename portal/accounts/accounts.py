"""Accounts: signing in and out, passwords, second factors. The door to everything in this folder.

Guessing is slowed here: an attempt is counted before it is looked at, so that many at once gain
nothing, and taken back when it was right. Every change, and every wrong answer for an account there
is, goes into the audit log in the same transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NoReturn

from policy.commands.command import Actor, Refused
from policy.commands.desk import Desk
from policy.store import Store
from policy.store.writing import Writing
from policy.types import Grant, Person
from portal.accounts import entries, factors, links, rows, sessions, setting_up, tokens
from portal.accounts.care import Care, enter
from portal.accounts.lockout import ATTEMPTS_MAX, WINDOW_SECONDS, lock_seconds
from portal.accounts.passwords import Passwords
from portal.accounts.persons import read_person
from portal.accounts.rows import Account
from portal.accounts.sessions import Place, Session, SessionRules, Stage
from portal.accounts.setting_up import Newcomer, SetUp
from portal.limiting import Limiter


class SignInRefused(Exception):
    """Nobody was signed in. The reason is a key of `words/`, and never tells whether there is
    such an account.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


WRONG: Final = "sign-in.wrong"
SLOW_DOWN: Final = "sign-in.slow-down"
_ADMINISTRATOR: Final = (Grant("administrator"),)


class Accounts:
    """The accounts of one store. Methods raise `StoreFault` when the store fails."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        passwords: Passwords | None = None,
        rules: SessionRules | None = None,
        wrong_seconds: float = 0.0,
    ) -> None:
        """`wrong_seconds`: no wrong name or password is answered sooner, so that time tells nobody
        whether there is such an account.
        """
        self._store: Final = store
        self._desk: Final = desk
        self._passwords: Final = passwords or Passwords()
        self.rules: Final = rules or SessionRules()
        self.care: Final = Care(store)
        """What others may know of an account, and change."""
        self._attempts: Final = Limiter(ATTEMPTS_MAX, WINDOW_SECONDS)
        self._wrong_seconds: Final = wrong_seconds

    # -- Coming in for the first time

    async def set_up_link(self, at: float) -> str | None:
        """A new link for the first administrator; None when somebody has an account already."""
        async with self._store.writing() as writing:
            if await rows.are_there(writing.connection):
                return None
            until = at + links.SET_UP_SECONDS
            return await links.make(writing.connection, None, expires_at=until)

    async def invite(self, actor: Actor, person_id: str, at: float) -> str:
        """A link for somebody to choose a password, which ends what they had; its secret.

        Who may do that is the caller's question.
        """
        async with self._store.writing() as writing:
            until = at + links.INVITATION_SECONDS
            secret = await links.make(writing.connection, person_id, expires_at=until)
            await enter(writing, actor, "account.invite", person_id, at)
            return secret

    async def link(self, secret: str, at: float) -> links.Link | None:
        """What a link is good for; None when it was used or is over."""
        async with self._store.reading() as connection:
            return await links.find(connection, secret, at)

    async def set_up(
        self, link: str, *, id: str, name: str, email: str, password: str, at: float
    ) -> None:
        """Make the first administrator; one whom the policy names already gets the account.

        Raises `Refused` for a link that was used, and for what cannot be a person.
        """
        newcomer = Newcomer(id, name, email, await self._passwords.hash(password))
        person = await self.person(id)
        if person is None:
            actor = Actor("portal:set-up", "set-up", "portal", _ADMINISTRATOR)
            await self._desk.perform(actor, SetUp(newcomer, link), at=at)
            return
        if not any(grant.role == "administrator" and not grant.venues for grant in person.roles):
            given = f"person.add: people.{id}: it is there already, and no administrator"
            raise Refused(f"{given}; allowed: another id, or an administrator's")
        async with self._store.writing() as writing:
            await setting_up.use_link(writing.connection, link, at)
            await rows.add(writing.connection, id, newcomer.password, at)
            await enter(writing, actor_of(person), "account.set-up", id, at)

    async def accept(self, link: str, password: str, at: float) -> bool:
        """Choose the password of whom a link is for; False when it was used or is over.

        Ends every session, token and lock. A second factor stays.
        """
        kept = await self._passwords.hash(password)
        async with self._store.writing() as writing:
            connection = writing.connection
            found = await links.use(connection, link, at)
            if found is None or found.person_id is None:
                return False
            id = found.person_id
            if await rows.find(connection, id) is None:
                await rows.add(connection, id, kept, at)
            values = {"password": kept, "must_change": 0, "failures": 0, "locked_until": 0.0}
            await rows.change(connection, id, **values)
            await sessions.end_all(connection, id)
            await tokens.revoke_all(connection, id)
            await enter(writing, Actor(id, id, "portal"), "account.password", id, at)
            return True

    # -- Signing in and out

    async def sign_in(
        self, person_id: str, password: str, *, place: Place, at: float
    ) -> tuple[str, Stage]:
        """The secret of a new session, and whether a second factor is still asked for.

        Raises `SignInRefused`.
        """
        began = asyncio.get_running_loop().time()
        account, locked = await self._attempt(person_id, place, at)
        kept = None if account is None or locked else account.password
        right = await self._passwords.verify(kept, password)
        person = await self.person(person_id) if right else None
        if account is None or person is None:
            try:
                await self._refuse(None if locked else account, "wrong password", at)
            finally:
                spent = asyncio.get_running_loop().time() - began
                await asyncio.sleep(max(0.0, self._wrong_seconds - spent))
        renewed = self._passwords.is_outdated(account.password or "")
        kept = await self._passwords.hash(password) if renewed else account.password
        async with self._store.writing() as writing:
            connection = writing.connection
            if renewed:
                await rows.change(connection, person.id, password=kept)
            stage: Stage = "in" if account.totp_seed is None else "code"
            if stage == "in":
                await self._welcome(writing, person, at)
            else:
                await rows.forgive_one(connection, person.id)
            secret = await sessions.begin(
                connection, self.rules, person.id, place=place, at=at, stage=stage
            )
            return secret, stage

    async def second_step(self, session: Session, code: str, *, place: Place, at: float) -> str:
        """The secret of a full session in place of one that waits for a code of the app, or a
        recovery code. Raises `SignInRefused`.
        """
        account, locked = await self._attempt(session.person_id, place, at)
        person = await self.person(session.person_id)
        if account is None or person is None or locked:
            raise SignInRefused(WRONG)
        async with self._store.writing() as writing:
            # Read again: of two who send the same code at once, the second finds it used.
            account = await rows.find(writing.connection, person.id) or account
            waits = await sessions.is_there(writing.connection, session.digest)
            if waits and await _answers(writing, account, code, at):
                await self._welcome(writing, person, at)
                await sessions.end(writing.connection, person.id, session.digest)
                return await sessions.begin(
                    writing.connection, self.rules, person.id, place=place, at=at
                )
        await self._refuse(account, "wrong second factor", at)

    async def welcome(self, person: Person, *, place: Place, at: float, method: str) -> str:
        """The secret of a session for somebody whom another proved to be who they are (OIDC)."""
        async with self._store.writing() as writing:
            await enter(writing, actor_of(person), "account.sign-in", person.id, at, reason=method)
            return await sessions.begin(
                writing.connection, self.rules, person.id, place=place, at=at, method=method
            )

    async def come_in(self, link: str, *, place: Place, at: float) -> str | None:
        """The secret of a session for whoever holds a link made at the machine; None: it is used
        or over.
        """
        async with self._store.writing() as writing:
            person = await self.person(await entries.use(writing.connection, link, at) or "")
            if person is None:
                return None
            reason = "by a link made at the machine"
            await enter(writing, actor_of(person), "account.sign-in", person.id, at, reason)
            return await sessions.begin(
                writing.connection, self.rules, person.id, place=place, at=at, method="link"
            )

    def may_try(self, place: Place, at: float) -> bool:
        """Count an attempt to sign in from somewhere; whether it is one of those allowed."""
        return self._attempts.may(place.address, at)

    async def sign_out(self, session: Session, at: float) -> None:
        """End a session."""
        async with self._store.writing() as writing:
            if await sessions.end(writing.connection, session.person_id, session.digest):
                actor = Actor(session.person_id, session.person_id, "portal")
                await enter(writing, actor, "account.sign-out", session.person_id, at)

    async def end_sessions(
        self, actor: Actor, person_id: str, at: float, *, but: str = "", digest: str = ""
    ) -> None:
        """End one session of a person, or all but one; both are given by digest."""
        async with self._store.writing() as writing:
            if digest:
                ended = int(await sessions.end(writing.connection, person_id, digest))
            else:
                ended = await sessions.end_all(writing.connection, person_id, but=but)
            if ended:
                await enter(writing, actor, "account.end-sessions", person_id, at)

    # -- What somebody changes of their own account

    async def verify(self, person_id: str, password: str, *, place: Place, at: float) -> bool:
        """Whether this is the password of somebody who is signed in. Raises `SignInRefused`."""
        account, locked = await self._attempt(person_id, place, at)
        if locked:
            raise SignInRefused(WRONG)
        if account is not None and await self._passwords.verify(account.password, password):
            async with self._store.writing() as writing:
                await rows.forgive_one(writing.connection, person_id)
            return True
        if account is not None:
            await self._note_failure(account, "wrong password", at)
        return False

    async def change_password(self, actor: Actor, password: str, *, but: str, at: float) -> None:
        """Another password; every session ends but one, given by its digest."""
        kept = await self._passwords.hash(password)
        async with self._store.writing() as writing:
            await rows.change(writing.connection, actor.id, password=kept, must_change=0)
            await sessions.end_all(writing.connection, actor.id, but=but)
            await enter(writing, actor, "account.password", actor.id, at)

    async def enrol(self, actor: Actor, seed: str, code: str, at: float) -> Sequence[str] | None:
        """Take a second factor into use, proved by a code of it; the recovery codes, seen this
        once. None: the code is wrong.
        """
        step = factors.used_step(seed, code, at, 0)
        if step is None:
            return None
        async with self._store.writing() as writing:
            await rows.change(writing.connection, actor.id, totp_seed=seed, totp_step=step)
            return await self._new_codes(writing, actor, "account.second-factor", at)

    async def renew_recovery_codes(self, actor: Actor, at: float) -> Sequence[str]:
        """New recovery codes in place of all earlier ones."""
        async with self._store.writing() as writing:
            return await self._new_codes(writing, actor, "account.recovery-codes", at)

    async def drop_second_factor(self, actor: Actor, person_id: str, at: float) -> None:
        """Ask for a password alone again. Who may do that is the caller's question."""
        async with self._store.writing() as writing:
            await rows.change(writing.connection, person_id, totp_seed=None, totp_step=0)
            await rows.put_recovery_codes(writing.connection, person_id, [])
            await enter(writing, actor, "account.no-second-factor", person_id, at)

    # -- What others may know of an account, and change

    async def account(self, person_id: str) -> Account | None:
        """The account of a person; None when there is none."""
        async with self._store.reading() as connection:
            return await rows.find(connection, person_id)

    async def recovery_codes_left(self, person_id: str) -> int:
        """How many recovery codes a person has not used."""
        async with self._store.reading() as connection:
            return await rows.count_recovery_codes(connection, person_id)

    async def require_change(self, actor: Actor, person_id: str, at: float) -> None:
        """Have somebody choose another password before they do anything else."""
        async with self._store.writing() as writing:
            await rows.change(writing.connection, person_id, must_change=1)
            await enter(writing, actor, "account.require-change", person_id, at)

    async def person(self, id: str) -> Person | None:
        """A person of the policy; None when it names none of this id."""
        async with self._store.reading() as connection:
            return await read_person(connection, id)

    async def entry_person(self, link: str, at: float) -> Person | None:
        """Whom a link made at the machine signs in; None when it was used or is over."""
        async with self._store.reading() as connection:
            id = await entries.find(connection, link, at)
        return None if id is None else await self.person(id)

    # -- Within

    async def _attempt(
        self, person_id: str, place: Place, at: float
    ) -> tuple[Account | None, bool]:
        """Count an attempt before it is looked at; the account, and whether it is locked.

        Raises `SignInRefused`.
        """
        if not self.may_try(place, at):
            raise SignInRefused(SLOW_DOWN)
        async with self._store.writing() as writing:
            account = await rows.find(writing.connection, person_id)
            if account is None:
                return None, False
            if at < account.locked_until:
                return account, True
            failures = account.failures + 1
            lock = lock_seconds(failures)
            until = at + lock if lock else 0.0
            await rows.change(writing.connection, person_id, failures=failures, locked_until=until)
            return account, False

    async def _refuse(self, account: Account | None, why: str, at: float) -> NoReturn:
        if account is not None:
            await self._note_failure(account, why, at)
        raise SignInRefused(WRONG)

    async def _note_failure(self, account: Account, why: str, at: float) -> None:
        lock = lock_seconds(account.failures + 1)
        reason = f"{why}; locked for {lock:.0f} s" if lock else why
        actor = Actor(account.person_id, account.person_id, "portal")
        async with self._store.writing() as writing:
            id = account.person_id
            await enter(writing, actor, "account.sign-in", id, at, reason, "refused")

    async def _welcome(self, writing: Writing, person: Person, at: float) -> None:
        await rows.change(writing.connection, person.id, failures=0, locked_until=0.0)
        await enter(writing, actor_of(person), "account.sign-in", person.id, at)

    async def _new_codes(
        self, writing: Writing, actor: Actor, action: str, at: float
    ) -> Sequence[str]:
        codes = factors.new_recovery_codes()
        await rows.put_recovery_codes(writing.connection, actor.id, codes)
        await enter(writing, actor, action, actor.id, at)
        return codes


def actor_of(person: Person) -> Actor:
    """A person as the one who does something in the portal."""
    return Actor(person.id, person.name, "portal", person.roles)


async def _answers(writing: Writing, account: Account, code: str, at: float) -> bool:
    """Whether a code of the app, or a recovery code, is right; then it is used up."""
    step = factors.used_step(account.totp_seed or "", code, at, account.totp_step)
    if account.totp_seed is not None and step is not None:
        await rows.change(writing.connection, account.person_id, totp_step=step)
        return True
    recovery = factors.recovery_code(code)
    if recovery is None:
        return False
    return await rows.use_recovery_code(writing.connection, account.person_id, recovery)
