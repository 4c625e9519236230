"""How often somebody may do something: counted in memory, by address or by who they are."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

KEYS_MAX: Final = 10_000
"""Addresses, or people, that are remembered; the oldest is forgotten."""
IPV6_PREFIX_BITS: Final = 64
"""One machine may take any address of such a network."""


class Attempts:
    """Lets whoever is behind a key do something so often within a window."""

    def __init__(self, most: int, window_seconds: float) -> None:
        self.most: Final = most
        self._window_seconds: Final = window_seconds
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def is_used_up(self, key: str, at: float) -> bool:
        """Whether no attempt is left; counts none."""
        began, count = self._counts.get(key, (at, 0))
        return count >= self.most and 0 <= at - began < self._window_seconds

    def may(self, key: str, at: float) -> bool:
        """Count one time; whether it is still one of those allowed."""
        began, count = self._counts.pop(key, (at, 0))
        if at - began >= self._window_seconds or at < began:
            began, count = at, 0
        count += 1
        self._counts[key] = began, count
        while len(self._counts) > KEYS_MAX:
            self._counts.popitem(last=False)
        return count <= self.most


class Limiter:
    """The same by address, where all of an IPv6 network counts as one."""

    def __init__(self, most: int, window_seconds: float) -> None:
        self._attempts: Final = Attempts(most, window_seconds)

    def may(self, address: str, at: float) -> bool:
        """Count one time; whether it is still one of those allowed."""
        return self._attempts.may(network_of(address), at)


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
