"""How much one client may ask, who may ask at all, and who for others. Pure: `at` is an argument.

Limits are per source address and set per network: a whole venue behind one router is one address,
so its network gets a limit for a whole venue (peers' defaults of 20 to 1000 queries a minute would
trip a room of twenty PCs).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from policy.networks import NetworkTable
from policy.types import Network

SERVED_BY_DEFAULT: Final = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Private networks: an open resolver is a weapon (RFC 5358)."""
QUERIES_PER_SECOND: Final = 1000
"""For an address in no network with a limit of its own: a room of PCs opening a page each."""


@dataclass(frozen=True)
class Limits:
    """Networks served, and queries a second that one address in a network may ask."""

    served: tuple[Network, ...] = SERVED_BY_DEFAULT
    queries_per_second: int = QUERIES_PER_SECOND
    by_network: tuple[tuple[Network, int], ...] = ()
    _served: NetworkTable[bool] = field(init=False, repr=False, compare=False)
    _rates: NetworkTable[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_served", NetworkTable(_flagged(self.served)))
        object.__setattr__(self, "_rates", NetworkTable(self.by_network))

    def serves(self, packed_address: bytes) -> bool:
        """Whether this address may ask at all."""
        return self._served.find(packed_address) is not None

    def rate(self, packed_address: bytes) -> int:
        """Queries a second for this address; the longest network wins."""
        found = self._rates.find(packed_address)
        return self.queries_per_second if found is None else found


@dataclass(frozen=True)
class Trust:
    """Whose word on behalf of other clients counts: resolvers on site that forward to us."""

    forwarders: tuple[Network, ...] = ()
    client_id_option: int = 0
    """The code of the EDNS option in which they put a client id; 0: none is read."""
    _forwarders: NetworkTable[bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_forwarders", NetworkTable(_flagged(self.forwarders)))

    def includes(self, packed_address: bytes) -> bool:
        """Whether a forwarder with this address is believed."""
        return self._forwarders.find(packed_address) is not None


def _flagged(networks: Iterable[Network]) -> Iterable[tuple[Network, bool]]:
    return ((network, True) for network in networks)
