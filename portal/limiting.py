"""How often an address may do something without signing in: counted in memory, nothing kept."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

ADDRESSES_MAX: Final = 10_000
"""Addresses that are remembered; the oldest is forgotten."""
IPV6_PREFIX_BITS: Final = 64
"""One machine may take any address of such a network."""


class Limiter:
    """Lets each address do something so often within a window."""

    def __init__(self, most: int, window_seconds: float) -> None:
        self.most: Final = most
        self._window_seconds: Final = window_seconds
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def may(self, address: str, at: float) -> bool:
        """Count one time; whether it is still one of those allowed."""
        key = network_of(address)
        began, count = self._counts.pop(key, (at, 0))
        if at - began >= self._window_seconds or at < began:
            began, count = at, 0
        count += 1
        self._counts[key] = began, count
        while len(self._counts) > ADDRESSES_MAX:
            self._counts.popitem(last=False)
        return count <= self.most


def plain_address(text: str) -> str:
    """An address as it is written without a detour: `10.0.0.1` for `::ffff:10.0.0.1`; "" for what
    is none.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def network_of(address: str) -> str:
    """What counts as one address."""
    plain = plain_address(address)
    if ":" not in plain:
        return plain
    plain = plain.partition("%")[0]
    return str(ip_network(f"{plain}/{IPV6_PREFIX_BITS}", strict=False))
