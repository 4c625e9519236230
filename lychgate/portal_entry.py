"""`lychgate portal-link`: the way in that is left when every other one is shut."""

from __future__ import annotations

import asyncio
import time

from lychgate.config import Configuration
from lychgate.kinds import write_bind
from lychgate.office import at_the_machine
from policy.commands.command import Refused
from policy.reading import Faults
from policy.store import Store
from policy.store.reading import read_keys
from portal.accounts.care import Care


def make_link(configuration: Configuration, person: str) -> str:
    """A link that signs a person in once. Raises `Refused` and `StoreFault`."""
    return asyncio.run(_make(configuration, person))


async def _make(configuration: Configuration, person: str) -> str:
    store = await Store.open(configuration.store_url)
    try:
        async with store.reading() as connection:
            people = (await read_keys(connection, ["people"])).get("people", {})
        if person not in people:
            faults = Faults("PERSON")
            faults.unknown("", person, "person", people)
            raise Refused(*faults.lines)
        secret = await Care(store).make_entry(at_the_machine(), person, time.time())
    finally:
        await store.close()
    settings = configuration.portal
    address = settings.public_url or f"http://{write_bind(settings.listen)}"
    return f"{address}/link/{secret}"
