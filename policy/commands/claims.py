"""Whose addresses a place may claim: who asks from a network is filtered as the place says.

Whoever administers one venue may divide its networks among rooms as they like. Another network is a
matter of the organisation: with it a partner could take over the clients of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any, Final

from policy.commands.command import Permission, Situation
from policy.commands.permissions import check
from policy.networks import plain_network
from policy.types import Network

NETWORKS: Final = Permission("venue.networks", None)


def check_claims(situation: Situation, venue: str, *bodies: Mapping[str, Any]) -> None:
    """Raise `Refused` unless the actor may give these places of a venue their networks.

    The bodies, which have been read already, are as they shall be.
    """
    present = _networks(situation.raw.get("venues", {}).get(venue, {}))
    for body in bodies:
        for network in _networks(body):
            if not any(_holds(outer, network) for outer in present):
                check(situation.actor, NETWORKS)


def _networks(body: Mapping[str, Any]) -> Iterable[Network]:
    rooms = body.get("rooms", {}).values()
    texts = [*body.get("networks", ()), *(text for room in rooms for text in room["networks"])]
    return [plain_network(ip_network(text.strip())) for text in texts]


def _holds(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]
