"""A desk over the college of `college.toml`, and people who hand in commands there."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from policy.audit import AuditEntry, Verdict
from policy.commands.command import Actor, Command, Done, Knowledge, Refused
from policy.commands.desk import Desk
from policy.commands.journal import entries, verify_journal
from policy.store import Store
from policy.store.importing import replace_document
from policy.types import Grant
from tests.policy.college import COLLEGE, TAXONOMY, TUESDAY_10

T = TypeVar("T")

PAT = Actor("pat", "Pat Admin", "cli", (Grant("administrator"),))
PARTNER = Actor(
    "lee", "Lee Partner", "portal", (Grant("partner-administrator", frozenset({"partner"})),)
)
TUTOR = Actor("sam", "Sam Tutor", "portal", (Grant("tutor", frozenset({"ellesmere-port"})),))
LEAD = Actor("dee", "Dee Lead", "portal", (Grant("safeguarding-lead"),))
LEADER = Actor("lou", "Lou Leader", "portal", (Grant("leadership"),))


@asynccontextmanager
async def open_desk(url: str, knowledge: Knowledge | None = None) -> AsyncIterator[Desk]:
    """A desk on a store that is there."""
    store = await Store.open(url)
    try:
        yield Desk(store, TAXONOMY, knowledge=knowledge)
    finally:
        await store.close()


async def make_college(url: str, text: str = COLLEGE) -> None:
    """A new store that holds the college."""
    store = await Store.open(url, create=True)
    async with store.writing() as writing:
        await replace_document(writing, tomllib.loads(text))
    await store.close()


def perform(
    url: str,
    *commands: Command,
    actor: Actor = PAT,
    at: float = TUESDAY_10,
    dry_run: bool = False,
    knowledge: Knowledge | None = None,
) -> Done:
    """Hand in commands, one after the other; what came of the last."""

    async def run() -> Done:
        async with open_desk(url, knowledge) as desk:
            done = [await desk.perform(actor, c, at=at, dry_run=dry_run) for c in commands]
        return done[-1]

    return asyncio.run(run())


def refusal(url: str, command: Command, actor: Actor = PAT, **more: Any) -> Refused:
    """What a command is refused with; that it changed nothing is checked."""
    before = document(url)
    try:
        perform(url, command, actor=actor, **more)
    except Refused as refused:
        assert document(url) == before
        return refused
    raise AssertionError(f"{command} was not refused")


def document(url: str) -> dict[str, Any]:
    """The raw document that the store holds."""
    return in_store(url, _document)


def journal(url: str) -> list[AuditEntry]:
    """The audit log."""
    return in_store(url, _journal)


def verdict(url: str, noted_digest: str = "") -> Verdict:
    """What verifying the audit log finds."""

    async def run(store: Store) -> Verdict:
        async with store.reading() as connection:
            return await verify_journal(connection, noted_digest)

    return in_store(url, run)


def in_store(url: str, action: Callable[[Store], Awaitable[T]]) -> T:
    """What an action does with an open store."""

    async def run() -> T:
        store = await Store.open(url)
        try:
            return await action(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def _document(store: Store) -> dict[str, Any]:
    return (await store.document()).raw


async def _journal(store: Store) -> list[AuditEntry]:
    async with store.reading() as connection:
        return [entry async for entry in entries(connection)]
