"""Who stands before a page without having signed in, and what they ask: by their address alone.

The address is looked at and forgotten. It says the venue, and counts towards the limits below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from policy.commands.command import Reader, Refused
from policy.commands.desk import PLACES
from policy.commands.requests import ANYBODY, AskForReview, digest_of
from policy.policy import Policy
from policy.requests import AskedFor, ReviewRequest, Said, code_of, host_of, spaced
from policy.store import StoreFault, requests
from policy.store.reading import read_keys
from policy.types import UNKNOWN_VENUE, Client
from portal.limiting import Limiter, plain_address
from portal.security import place_of
from portal.services import Services

ASKS_MAX: Final = 20
"""How often somebody at one address may ask within an hour; a venue may be behind one. Beyond, the
page says to tell a member of staff, and to come back later."""
ASKS_SECONDS: Final = 3600.0

LOOKUPS_MAX: Final = 30
"""How many codes one address may look up within ten minutes; see `policy.requests.CODE_LETTERS`."""
LOOKUPS_SECONDS: Final = 600.0

_PROBE: Final = "example.com"


class Flood(Exception):
    """One address asked too often."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody before a page, as far as policy is concerned."""

    client: Client
    policy: Policy
    is_known: bool
    """Whether the address belongs to a venue."""

    @property
    def venue(self) -> str:
        """The title of the venue; empty for none."""
        return self.policy.venues[self.client.venue].title if self.is_known else ""

    @property
    def room(self) -> str:
        """The title of the room; empty for none."""
        if not self.is_known or self.client.room is None:
            return ""
        return self.policy.venues[self.client.venue].rooms[self.client.room].title


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody gets who asked."""

    site: str
    code: str
    """As people read it; it is shown this once."""


class Desk:
    """What is remembered between questions: limits, and the policy that was built last."""

    def __init__(self, services: Services) -> None:
        self.asks: Final = Limiter(ASKS_MAX, ASKS_SECONDS)
        self.lookups: Final = Limiter(LOOKUPS_MAX, LOOKUPS_SECONDS)
        self.reader: Final = Reader(services.taxonomy)


async def visitor_of(request: Request, services: Services) -> Visitor:
    """Who stands before the page. Raises `StoreFault`."""
    policy = await policy_now(request, services)
    address = plain_address(place_of(request).address)
    client = Client(UNKNOWN_VENUE, None, None, policy.organisation.default_profile)
    try:
        said: Any = (await services.explain(_PROBE, address, None)).get("client")
    except ValueError:  # no address, or a policy that cannot be used
        said = None
    if said and said["profile"] in policy.profiles:
        client = Client(said["venue"], said["room"], said["device"], said["profile"])
    known = policy.venues.get(client.venue)
    if known is None or (client.room is not None and client.room not in known.rooms):
        return Visitor(client, policy, is_known=False)
    return Visitor(client, policy, is_known=True)


async def ask(request: Request, services: Services, kind: AskedFor, site: str, why: str) -> Asked:
    """Ask for a review, for whoever stands before the page.

    Raises `Flood`, `policy.commands.requests.TooManyAsked`, and `Refused` for what is no site.
    """
    at = services.clock()
    address = plain_address(place_of(request).address)
    try:
        host = host_of(site)
    except ValueError as fault:  # costs nothing, and counts for nothing
        raise Refused(f"{AskForReview.action}: site: {fault}") from None
    if not desk_of(request, services).asks.may(address, at):
        raise Flood
    visitor = await visitor_of(request, services)
    try:
        said = Said.of(await services.explain(host, address, None))
    except ValueError:
        said = Said()
    venue = visitor.client.venue if visitor.is_known else UNKNOWN_VENUE
    command = AskForReview(kind, host, venue, why, said)
    await services.desk.perform(ANYBODY, command, at=at)
    return Asked(host, spaced(command.code))


async def look_up(request: Request, services: Services, typed: str) -> ReviewRequest | None:
    """What became of the request whose code somebody typed; None: there is none. Raises `Flood`."""
    address = plain_address(place_of(request).address)
    if not desk_of(request, services).lookups.may(address, services.clock()):
        raise Flood
    code = code_of(typed)
    if code is None:
        return None
    async with services.store.reading() as connection:
        return await requests.by_digest(connection, digest_of(code))


async def policy_now(request: Request, services: Services) -> Policy:
    """The policy without its rules and exceptions; built again only when it changed."""
    async with services.store.reading() as connection:
        raw = await read_keys(connection, PLACES)
    try:
        return desk_of(request, services).reader.build("store", raw)
    except Refused as refused:
        wrong, remedy = "; ".join(refused.faults), "mend the policy"
        raise StoreFault("other", services.store.where, wrong, remedy) from refused


def desk_of(request: Request, services: Services) -> Desk:
    """What this application remembers."""
    state = request.app.state
    if not hasattr(state, "asking"):
        state.asking = Desk(services)
    desk: Desk = state.asking
    return desk
