"""Withdrawing access from an address that is no device yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from categoriser import taxonomy
from policy.commands.command import Actor, Refused
from policy.commands.desk import Desk
from policy.commands.devices import GiveBackDevice
from policy.commands.withdrawing import WithdrawAddress
from policy.store import Store
from policy.store.importing import replace_document
from policy.types import Grant

NOW = 1_795_259_307.0
HOUR = 3_600.0
LEAD = Actor("dora", "Dora Lead", "portal", (Grant("safeguarding-lead"),))
DERBY = Actor("dan", "Dan Lead", "portal", (Grant("safeguarding-lead", frozenset({"derby"})),))
CREWE = Actor("cy", "Cy Lead", "portal", (Grant("safeguarding-lead", frozenset({"crewe"})),))
POLICY = {
    "organisation": {"name": "N", "timezone": "Europe/London", "default_profile": "learners"},
    "profiles": {"learners": {"title": "Learners"}},
    "venues": {
        "crewe": {"title": "Crewe", "networks": ["10.20.0.0/16"]},
        "derby": {"title": "Derby", "networks": ["10.30.0.0/16"]},
    },
    "devices": {"pc-7": {"title": "PC 7", "addresses": ["10.20.3.7"]}},
}


def tell(folder: Path, story: Callable[[Desk, Store], Awaitable[None]]) -> None:
    async def run() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{folder}/state.db", create=True)
        try:
            async with store.writing() as writing:
                await replace_document(writing, POLICY)
            await story(Desk(store, taxonomy.load()), store)
        finally:
            await store.close()

    asyncio.run(run())


def withdraw(address: str = "10.20.3.9", **more: object) -> WithdrawAddress:
    given = {"reason": "While we talk.", "until": NOW + HOUR, **more}
    return WithdrawAddress(address, **given)  # type: ignore[arg-type]


def test_an_address_becomes_a_device_and_gets_its_access_back(tmp_path: Path) -> None:
    async def story(desk: Desk, store: Store) -> None:
        done = await desk.perform(CREWE, withdraw(), at=NOW)
        assert done.subject == "device:at-10-20-3-9" and done.after["withdrawn"] is True
        assert "only essential sites are open until" in done.sentences[0]
        again = await desk.perform(LEAD, withdraw(until=NOW + 2 * HOUR), at=NOW)
        assert again.subject == done.subject and again.before == done.after
        back = await desk.perform(LEAD, GiveBackDevice("at-10-20-3-9", "Done."), at=NOW + 60)
        assert "withdrawn" not in back.after

    tell(tmp_path, story)


def test_a_device_that_is_known_stays_the_one_it_is(tmp_path: Path) -> None:
    async def story(desk: Desk, store: Store) -> None:
        done = await desk.perform(LEAD, withdraw("10.20.3.7"), at=NOW)
        assert done.subject == "device:pc-7" and done.before["title"] == "PC 7"

    tell(tmp_path, story)


@pytest.mark.parametrize(
    "command,says",
    [
        (withdraw("nonsense"), "allowed: an IP address"),
        (withdraw(reason=" "), "reason is required"),
        (withdraw(until=NOW - 1), "allowed: a later time"),
        (withdraw(until=float("nan")), "until"),
    ],
)
def test_what_is_refused(tmp_path: Path, command: WithdrawAddress, says: str) -> None:
    async def story(desk: Desk, store: Store) -> None:
        with pytest.raises(Refused, match=says):
            await desk.perform(LEAD, command, at=NOW)

    tell(tmp_path, story)


@pytest.mark.parametrize("address", ["10.20.3.9", "10.20.3.7", "192.0.2.1"])
def test_only_at_their_venues(tmp_path: Path, address: str) -> None:
    async def story(desk: Desk, store: Store) -> None:
        with pytest.raises(Refused) as caught:
            await desk.perform(DERBY, withdraw(address), at=NOW)
        assert caught.value.permission

    tell(tmp_path, story)
