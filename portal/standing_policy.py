"""The policy as it stands, for pages that show it: the raw document, and the same built.

Rules and exceptions are left out: there may be 50,000, and their pages read them by themselves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from policy.commands.desk import PLACES
from policy.document import Builder, PolicyFault
from policy.policy import Policy
from policy.store import StoreFault
from policy.store.reading import StoredParts, read_parts
from portal.services import Services

ID_CHARACTERS_MAX: Final = 60
_KEPT: Final = "standing policy"


@dataclass(frozen=True, slots=True)
class Standing:
    """The policy now. Not to be changed."""

    raw: Mapping[str, Any]
    policy: Policy

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's clock."""
        return ZoneInfo(self.policy.organisation.timezone)

    @property
    def profiles(self) -> list[tuple[str, str]]:
        """Ids and titles of all profiles."""
        return [(id, profile.title) for id, profile in self.policy.profiles.items()]

    @property
    def venues(self) -> list[tuple[str, str]]:
        """Ids and titles of all venues."""
        return [(id, venue.title) for id, venue in self.policy.venues.items()]

    def profile_of(self, venue: str, room: str = "") -> str:
        """The title of the profile that holds at a place."""
        place = self.policy.venues[venue]
        own = place.rooms[room].profile if room else None
        return self.title(own or place.profile)

    def title(self, profile: str | None) -> str:
        """The title of a profile; None: the default one."""
        return self.policy.profiles[profile or self.policy.organisation.default_profile].title

    def venues_of(self, device: str) -> frozenset[str] | None:
        """The venues in which the addresses of a device lie; None: it may turn up anywhere."""
        known = self.policy.devices[device]
        if known.client_ids or known.hostnames:
            return None
        found = {self.policy.identify(address.packed).venue for address in known.addresses}
        return frozenset(found) if found and found <= self.policy.venues.keys() else None


async def standing(services: Services) -> Standing:
    """The policy as it stands. Raises `StoreFault`, also when what is stored is not sound.

    Reading and building 1,000 venues takes 0.2 s, asking whether anything changed 1 ms: the last
    one is kept with the services.
    """
    kept = services.kept.get(_KEPT)
    known: tuple[StoredParts, Standing] | None = kept if isinstance(kept, tuple) else None
    async with services.store.reading() as connection:
        parts = await read_parts(connection, PLACES, known and known[0])
    if known is not None and all(parts.raw.get(key) is known[0].raw.get(key) for key in PLACES):
        return known[1]
    try:
        builder = Builder(services.taxonomy, "store")
        policy = await asyncio.to_thread(builder.build, parts.raw, fingerprint="")
    except PolicyFault as fault:
        wrong = "; ".join(fault.faults)
        raise StoreFault("refused", "store", wrong, "put a sound policy in its place") from fault
    now = Standing(parts.raw, policy)
    services.kept[_KEPT] = parts, now
    return now


async def names_of_people(services: Services) -> Mapping[str, str]:
    """What people are called, by id; nothing while the policy cannot be read."""
    try:
        now = await standing(services)
    except StoreFault:
        return {}
    return {id: person.name for id, person in now.policy.people.items()}


def id_from(title: str) -> str:
    """`Crewe hub (north)` as an id: `crewe-hub-north`; "" when nothing is left of it."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:ID_CHARACTERS_MAX].strip("-")


def lines(text: str) -> Sequence[str]:
    """What stands in a text area, one on a line; commas part too."""
    return [part for line in re.split(r"[\n,]", text) if (part := line.strip())]
