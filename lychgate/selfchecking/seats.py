"""As whom a venue is asked: three ways, the best that this machine has.

1. By EDNS client subnet from the loopback, only where `clients.trusted_forwarders` has it: the
   resolver believes nobody else, and nothing here changes whom it believes.
2. From an address of this machine that is in the venue's own network.
3. Otherwise as this machine; what holds at the venue is worked out from the policy.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import islice
from typing import Final

from evidence.checks.results import Way
from lychgate.config import Configuration
from lychgate.founding.surroundings import attached
from policy.policy import Policy
from policy.types import Network
from resolver.limits import Limits, Trust
from resolver.listeners import Bind

PROFILES_MAX: Final = 8
"""Profiles of one venue that are checked: its own, and those of its rooms."""
ADDRESSES_MAX: Final = 64
"""Of each network that are tried: one must be no device's."""
NETWORKS_MAX: Final = 32
_LOOPBACKS: Final = {4: "127.0.0.1", 6: "::1"}


@dataclass(frozen=True, slots=True)
class Seat:
    """One venue and profile, and how it is asked."""

    venue: str
    profile: str
    way: Way
    server: Bind
    source: str = ""
    """Our address to ask from; empty: whichever the system takes."""
    client: str = ""
    """The address to ask for by client subnet."""
    seen_as: str = ""
    """The address that the resolver takes the client to have."""
    place: str = ""
    """The place to explain for, where `seen_as` is not there."""


def seats(
    policy: Policy, configuration: Configuration, venue: str, profile: str = ""
) -> tuple[Seat, ...]:
    """How to ask as this venue, for each of its profiles or the given one."""
    server = configuration.own_server
    around = _Around(policy, configuration, server)
    wanted = (profile,) if profile else tuple(islice(_profiles(policy, venue), PROFILES_MAX))
    return tuple(around.seat(venue, one) for one in wanted)


def nowhere(policy: Policy, configuration: Configuration) -> Seat:
    """This machine itself, for an installation without venues."""
    here = _own_address(configuration.own_server)
    client = policy.identify(ip_address(here).packed)
    return Seat(
        client.venue, client.profile, "source", configuration.own_server, here, seen_as=here
    )


class _Around:
    def __init__(self, policy: Policy, configuration: Configuration, server: Bind) -> None:
        self._policy: Final = policy
        self._server: Final = server
        self._version: Final = ip_address(server.host).version
        limits, clients = configuration.limits, configuration.clients
        self._limits: Final = Limits(limits.served_networks)
        loopback = ip_address(_LOOPBACKS[self._version]).packed
        trust = Trust(clients.trusted_forwarders)
        self._speaks_for_others: Final = trust.includes(loopback) and self._limits.serves(loopback)
        self._ours: Final = [one.address for one in attached()]

    def seat(self, venue: str, profile: str) -> Seat:
        networks = tuple(islice(self._networks(venue, profile), NETWORKS_MAX))
        if self._speaks_for_others:
            for address in _candidates(networks):
                if self._is(address, venue, profile):
                    source = _LOOPBACKS[self._version]
                    return Seat(
                        venue, profile, "subnet", self._server, source, address, seen_as=address
                    )
        for address in (*self._ours, *_candidates(networks)):
            if self._can_be(address) and self._is(address, venue, profile):
                return Seat(venue, profile, "source", self._server, address, seen_as=address)
        own = self._policy.venues[venue].profile or self._policy.organisation.default_profile
        # For another profile than the venue's own what is worked out is that of the profile.
        place = f"venue:{venue}" if profile == own else self._room_of(venue, profile)
        here = _own_address(self._server)
        return Seat(venue, profile, "machine", self._server, seen_as=here, place=place)

    def _networks(self, venue: str, profile: str) -> Iterator[Network]:
        there = self._policy.venues[venue]
        own = there.profile or self._policy.organisation.default_profile
        if profile == own:
            yield from there.networks
        for room in there.rooms.values():
            if (room.profile or own) == profile:
                yield from room.networks

    def _room_of(self, venue: str, profile: str) -> str:
        for room in self._policy.venues[venue].rooms.values():
            if room.profile == profile:
                return f"room:{venue}/{room.id}"
        return f"profile:{profile}"

    def _is(self, address: str, venue: str, profile: str) -> bool:
        """Whether the resolver takes this address for somebody there who is no known device."""
        packed = ip_address(address).packed
        client = self._policy.identify(packed)
        known = client.device is not None or self._policy.hostname(packed)
        return (client.venue, client.profile) == (venue, profile) and not known

    def _can_be(self, address: str) -> bool:
        if ip_address(address).version != self._version:
            return False
        if not self._limits.serves(ip_address(address).packed):
            return False
        family = socket.AF_INET if self._version == 4 else socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.bind((address, 0))
        except OSError:
            return False
        return True


def _profiles(policy: Policy, venue: str) -> Iterator[str]:
    """Profiles of a venue, its own first."""
    there = policy.venues[venue]
    own = there.profile or policy.organisation.default_profile
    rooms = (room.profile or own for room in there.rooms.values())
    yield from dict.fromkeys((own, *rooms))


def _candidates(networks: Sequence[Network]) -> Iterator[str]:
    """Addresses of networks from their ends, where devices seldom are."""
    for network in networks:
        last = network.num_addresses - 1
        top = last - 1 if network.num_addresses > 2 and network.version == 4 else last
        for number in range(min(top + 1, ADDRESSES_MAX)):
            yield str(network[top - number])


def _own_address(server: Bind) -> str:
    """What we are to a server on this machine when nothing else is chosen."""
    return _LOOPBACKS[4] if server.host.startswith("127.") else server.host
