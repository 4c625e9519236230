"""DNS rebinding: a public name must not lead to a private address.

Otherwise a page from outside can make a browser here talk to a router or a printer. Asked for every
address of an upstream answer, hints of HTTPS records included; zones that are forwarded inside, and
zones on the allowlist, are exempt. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Final

from policy.networks import NetworkTable
from resolver.special import ancestors

PRIVATE: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # RFC 1122: this host; many stacks connect to themselves
        "10.0.0.0/8",  # RFC 1918
        "100.64.0.0/10",  # RFC 6598
        "127.0.0.0/8",  # RFC 1122
        "169.254.0.0/16",  # RFC 3927
        "172.16.0.0/12",  # RFC 1918
        "192.168.0.0/16",  # RFC 1918
        "::/127",  # RFC 4291: unspecified and loopback
        "fc00::/7",  # RFC 4193
        "fe80::/10",  # RFC 4291
    )
)
_TABLE: Final = NetworkTable((network, True) for network in PRIVATE)
_STARTS: Final = frozenset(
    part.network_address.packed[:2]
    for network in PRIVATE
    if isinstance(network, IPv4Network)
    for part in network.subnets(new_prefix=16)
)
"""First two octets of every private IPv4 address: no private network is longer than 16 bits."""


@dataclass(frozen=True, slots=True)
class Rebinding:
    """Whether private addresses are refused, and for whom not."""

    enabled: bool = True
    allowed_zones: frozenset[bytes] = frozenset()
    """Zones in wire form whose names may lead inside."""

    def find(self, addresses: Iterable[bytes], name: bytes) -> bytes | None:
        """The first private address among those of the answer about `name`, or None."""
        for packed in addresses:
            if _is_private(packed):
                allowed = not self.allowed_zones.isdisjoint(ancestors(name))
                return None if allowed else packed
        return None


def _is_private(packed: bytes) -> bool:
    if len(packed) == 4:
        return packed[:2] in _STARTS
    return _TABLE.find(packed) is not None
