"""A hub with venues, rooms and a timetable, whose portal explains as the real resolver decides."""

from __future__ import annotations

import asyncio
import dataclasses
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from categoriser import taxonomy
from lychgate.config import load
from lychgate.live_explaining import Explaining
from policy.commands.command import Knowledge
from policy.commands.desk import Desk
from policy.store.importing import replace_document
from portal.accounts import rows
from portal.accounts.accounts import actor_of
from portal.accounts.tokens import SCOPES
from portal.app import create_app
from tests.portal.visitors import CHEAP, PASSWORD, PEOPLE, SATURDAY, Browser, House, Story, house

LEARNER = "10.30.3.7"
"""In the lab at Crewe."""
ELSEWHERE = "198.51.100.9"
"""On a network of no venue."""
HOSTILE = "<img src=x onerror=alert(1)>"

POLICY = """
[organisation]
name = "Northshire Skills"
timezone = "Europe/London"
default_profile = "learners"

[profiles.learners]
title = "Adult learners"

    [[profiles.learners.periods]]
    name = "lunch"
    days = ["sat"]
    from = "12:00"
    to = "13:00"
    actions = { social-media = "allow" }

[profiles.guests]
title = "Guests"

[venues.crewe]
title = "Crewe"
networks = ["10.30.0.0/16", "fd00:30::/32"]

    [venues.crewe.rooms.lab]
    title = "Lab"
    networks = ["10.30.3.0/24", "127.0.0.1/32"]  # with the browser of the tests

[venues.partner]
title = "Partner library"
networks = ["203.0.113.7/32"]
profile = "guests"

[pages.organisation]
text = "Ask at the desk, or ring 01234 567890."
"""

MORE_PEOPLE = {
    "cy": {"name": "Cy Crewe", "roles": [{"role": "tutor", "venues": ["crewe"]}]},
    "pia": {
        "name": "Pia Partner",
        "roles": [{"role": "partner-administrator", "venues": ["partner"]}],
    },
    "dee": {"name": "Dee Lead", "roles": [{"role": "safeguarding-lead"}]},
}


class At(Browser):
    """Somebody at an address."""

    def __init__(self, made: House, address: str) -> None:
        super().__init__(made.app, "http://portal.example")
        self._transport = httpx.ASGITransport(
            made.app, raise_app_exceptions=False, client=(address, 50_000)
        )


def tell_hub(folder: Path, story: Story, **services: Any) -> None:
    """Run a story in the portal of the hub."""

    async def run() -> None:
        async with hub(folder, **services) as made:
            await story(made)

    asyncio.run(run())


@asynccontextmanager
async def hub(folder: Path, **services: Any) -> AsyncIterator[House]:
    """The portal of the hub, with everybody of `PEOPLE` and `MORE_PEOPLE`."""
    async with house(folder) as made:
        await furnish(made)
        (folder / "lychgate.toml").write_text('server.state_directory = "."\n')
        explaining = Explaining(load(folder / "lychgate.toml"), made.clock)
        desk = Desk(made.services.store, taxonomy.load(), knowledge=knowing(explaining))
        made.services = dataclasses.replace(
            made.services, explain=explaining, desk=desk, **services
        )
        made.app = create_app(made.services)
        try:
            # What is over by the clock on the wall is not read: in a story, by the story's.
            with patch("lychgate.policies.time", made.clock):
                yield made
        finally:
            explaining.close()


async def furnish(made: House) -> None:
    """Venues, rooms, profiles and people."""
    raw = tomllib.loads(POLICY)
    people = {**PEOPLE, **MORE_PEOPLE}
    kept = CHEAP.hash(PASSWORD)
    async with made.services.store.writing() as writing:
        await replace_document(writing, {**raw, "people": people})
        for id in MORE_PEOPLE:
            await rows.add(writing.connection, id, kept, SATURDAY)


def knowing(explaining: Explaining) -> Knowledge:
    """What the index knows of names, as the composition root hands it to the desk."""
    from categoriser.names import from_text

    def categories_of(name: str) -> list[str]:
        matches = explaining.index().categorise(from_text(name))
        return [match.category for match in matches if not match.keyword]

    return Knowledge(categories_of=categories_of)


async def token_of(made: House, scopes: tuple[str, ...] = SCOPES) -> str:
    """A token of the administrator."""
    person = await made.services.accounts.person("ada")
    assert person is not None
    at = made.clock.at
    secret = await made.services.visits.make_token(
        actor_of(person), title="test", scopes=scopes, at=at, expires_at=at + 86_400
    )
    assert secret is not None
    return secret
