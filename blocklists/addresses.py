"""Where lists may be fetched from: public addresses, and private ones that somebody has allowed.

A publisher's name that suddenly leads to 169.254.169.254 or to the printer would make this machine
ask things inside its own network on a stranger's behalf. So a name is resolved first, every address
is judged, and the connection is made to the very address that was judged: DNS has no second say
between check and connect. Certificates are still checked by name.

Behind a proxy the proxy resolves, and nothing of this holds but for addresses written out in a URL.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host; raises OSError when nobody can tell. Empty: the name has none."""

ADDRESSES_MAX: Final = 8
"""So many addresses of a host are tried, in turn."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # all that IANA gives out for public use
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1
_COMPATIBLE: Final = IPv6Network("::/96")  # RFC 4291 section 2.5.5.1, long withdrawn
_KINDS: Final = ("unspecified", "loopback", "link_local", "multicast", "private", "reserved")


class AddressFault(Exception):
    """A host has no address that may be used; *where: what was given; what is allowed*."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


def refusal(address: Address, allowed: Sequence[Network]) -> str:
    """Why lists may not be fetched from `address`, in a word or two; empty: they may.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is where the packets end, so that is
    the one judged.
    """
    inner = _embedded(address)
    if any(one in network for one in (address, inner or address) for network in allowed):
        return ""
    judged = inner or address
    for kind in _KINDS:
        if getattr(judged, f"is_{kind}"):
            return kind.replace("_", "-")
    if not judged.is_global or (judged.version == 6 and judged not in _GLOBAL_UNICAST):
        return "not public"
    return ""


def find_addresses(
    host: str, resolve: Resolve | None, allowed: Sequence[Network]
) -> tuple[str, ...]:
    """Addresses of `host` that may be connected to, at most `ADDRESSES_MAX`.

    `host` may be an address itself. None for `resolve` is the machine's own resolver, whose time
    limit is its own. Raises `AddressFault` when there is none.
    """
    literal = read_address(host)
    try:
        given = [str(literal)] if literal else (resolve or _machine)(host)
    except (OSError, UnicodeError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise AddressFault(
            f"{host}: no address was found ({reason}); DNS must know the name", retryable=True
        ) from None
    found: list[str] = []
    refused: list[str] = []
    for text in dict.fromkeys(given):
        address = read_address(text)
        reason = refusal(address, allowed) if address else "not an address"
        if reason:
            refused.append(f"{text} ({reason})")
        else:
            found.append(str(address))
    if not found:
        shown = ", ".join(refused[:3])
        raise AddressFault(
            f"{host}: leads to {shown}; use public addresses, or those of an allowed network"
            if refused
            else f"{host}: has no address; DNS must know one",
            # A name may get an address; an address that was written down stays what it is.
            retryable=literal is None,
        )
    return tuple(found[:ADDRESSES_MAX])


def read_address(text: str) -> Address | None:
    """The address that a text is, if it is one; with an interface behind a `%` it is none."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _machine(host: str) -> Sequence[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
