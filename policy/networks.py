"""Longest-prefix search over packed addresses.

Addresses are 4 or 16 octets, as a socket or an A/AAAA record gives them; an IPv4-mapped IPv6
address (RFC 4291 section 2.5.5.2) counts as the IPv4 address, because a dual-stack socket shows
IPv4 clients in that form.  One dictionary per prefix length in use: a search costs one look-up for
each length, whatever the number of networks.  Knows nothing of clients or rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from typing import Generic, TypeVar

from policy.types import Network

T = TypeVar("T")

_MAPPED = b"\x00" * 10 + b"\xff\xff"

_Level = tuple[int, dict[int, T]]
"""Host bits to shift away, and the values by network bits."""


class NetworkTable(Generic[T]):
    """Values filed under networks; a later value of the same network replaces the earlier."""

    __slots__ = ("_levels",)

    def __init__(self, entries: Iterable[tuple[Network, T]]) -> None:
        by_length: dict[tuple[int, int], dict[int, T]] = {}
        for given, value in entries:
            network = plain_network(given)
            shift = network.max_prefixlen - network.prefixlen
            level = by_length.setdefault((network.max_prefixlen // 8, shift), {})
            level[int(network.network_address) >> shift] = value
        self._levels: dict[int, list[_Level[T]]] = {4: [], 16: []}
        # Fewest host bits first: the first hit is the longest prefix.
        for (octets, shift), level in sorted(by_length.items(), key=lambda item: item[0]):
            self._levels[octets].append((shift, level))

    def find(self, packed: bytes) -> T | None:
        """The value of the longest network holding the address; None for none or bad length."""
        for value in self.find_all(packed):
            return value
        return None

    def find_all(self, packed: bytes) -> Iterator[T]:
        """The values of every network holding the address, longest prefix first."""
        packed = plain_address(packed)
        bits = int.from_bytes(packed, "big")
        for shift, level in self._levels.get(len(packed), ()):
            value = level.get(bits >> shift)
            if value is not None:
                yield value

    def find_around(self, packed: bytes, bits: int) -> T | None:
        """The value of the longest network holding all addresses that begin with these bits."""
        plain = plain_address(packed)
        unknown = 8 * len(packed) - bits
        number = int.from_bytes(plain, "big")
        for shift, level in self._levels.get(len(plain), ()):
            value = level.get(number >> shift) if shift >= unknown else None
            if value is not None:
                return value
        return None


def plain_address(packed: bytes) -> bytes:
    """The address, in 4 octets when it is an IPv4-mapped IPv6 address."""
    if len(packed) == 16 and packed.startswith(_MAPPED):
        return packed[12:]
    return packed


def plain_network(network: Network) -> Network:
    """The network, as IPv4 when it lies wholly inside `::ffff:0:0/96`."""
    if network.version == 6 and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((int(mapped), network.prefixlen - 96))
    return network
