"""Networks of a venue: divided by whoever administers it, widened only by the organisation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from categoriser import taxonomy
from policy.commands.command import Actor, Command, Refused
from policy.commands.desk import Desk
from policy.commands.journal import entries
from policy.commands.rooms import AddRoom, ChangeRoom
from policy.commands.venues import AddVenue, ChangeVenue
from policy.store import Store
from policy.types import Grant

AT = 1_800_000_000.0
CHIEF = Actor("chief", "Chief", "portal", (Grant("administrator"),))
PARTNER = Actor("kim", "Kim", "portal", (Grant("partner-administrator", frozenset({"crewe"})),))
EVERYWHERE = Actor("max", "Max", "portal", (Grant("partner-administrator"),))
CREWE = {"networks": ["198.51.100.0/24"], "profile": "learners"}


@pytest.mark.parametrize(
    ("actor", "command", "allowed"),
    [
        (PARTNER, AddRoom("crewe", "lab", {"networks": ["198.51.100.64/26"]}), True),
        (PARTNER, ChangeRoom("crewe", "hall", {"networks": [" 198.51.100.0/25 "]}), True),
        (PARTNER, ChangeVenue("crewe", {"title": "Crewe hub"}), True),
        (PARTNER, ChangeVenue("crewe", {"networks": ["198.51.100.0/25"]}), True),
        (PARTNER, ChangeVenue("crewe", {"networks": ["203.0.113.0/24"]}), False),
        (PARTNER, AddRoom("crewe", "lab", {"networks": ["2001:db8::/32"]}), False),
        (PARTNER, AddRoom("crewe", "lab", {"networks": ["::ffff:203.0.113.0/120"]}), False),
        (PARTNER, ChangeRoom("crewe", "hall", {"networks": ["198.51.0.0/16"]}), False),
        (EVERYWHERE, AddVenue("stoke", {"networks": ["203.0.113.0/24"]}), False),
        (CHIEF, ChangeVenue("crewe", {"networks": ["203.0.113.0/24"]}), True),
        (CHIEF, AddRoom("crewe", "lab", {"networks": ["203.0.113.0/24"]}), True),
    ],
)
def test_who_may_claim_a_network(
    actor: Actor, command: Command, allowed: bool, tmp_path: Path
) -> None:
    async def play() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'state.db'}", create=True)
        try:
            desk = Desk(store, taxonomy.load())
            await desk.perform(CHIEF, AddVenue("crewe", CREWE), at=AT)
            hall = AddRoom("crewe", "hall", {"networks": ["198.51.100.128/25"]})
            await desk.perform(CHIEF, hall, at=AT)
            if allowed:
                assert (await desk.perform(actor, command, at=AT)).audit_number == 3
                return
            with pytest.raises(Refused) as refusal:
                await desk.perform(actor, command, at=AT)
            assert refusal.value.permission and "venue.networks" in refusal.value.faults[0]
            async with store.reading() as connection:
                found = [entry.outcome async for entry in entries(connection)]
            assert found == ["done", "done", "refused"]
        finally:
            await store.close()

    asyncio.run(play())
