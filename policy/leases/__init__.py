"""DHCP leases: which machine holds which address, by a network's own account.

One module each for the files of a DHCP server; the file name is the word used in configuration. A
format turns lines into leases, streaming, and knows nothing else: no disk, clock or policy. To add
one, add a module with `read` and `OLDER`; nothing here changes.

A host name in a lease is what the machine said of itself: good for showing to people, and for
knowing a machine whose owner has no reason to lie. A hardware address is harder to forge, a fixed
address hardest.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol, cast

from policy.networks import plain_address

LEASES_MAX: Final = 200_000
"""Addresses kept; leases of more are left out."""
LINE_CHARACTERS_MAX: Final = 4_096
"""A longer line is malformed: real ones have about a hundred."""
OVERLONG: Final = "\0"
"""What formats are given in the place of such a line; no lease has it."""
_ID_CHARACTERS_MAX: Final = 400
"""Of a hardware address or client id: 130 octets (RFC 8415 section 11.1) with colons between."""

_HOST_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_PAIRS = re.compile(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2})*")


class Lease(NamedTuple):
    """An address, and who holds it until when."""

    address: bytes
    """4 or 16 octets."""
    mac: str = ""
    """Hardware address, as in `aa:bb:cc:dd:ee:ff`; empty when it is not known."""
    hostname: str = ""
    """As the machine gave it; only letters, digits, `-`, `_` and dots."""
    client_id: str = ""
    """DHCP client identifier or DUID: octets in hexadecimal with colons, or text."""
    expires: float = math.inf
    """POSIX seconds; `-math.inf` for a lease that was given back."""


class Malformed(NamedTuple):
    """A line that is no lease."""

    line: int
    """Its number, from 1."""


class Format(Protocol):
    """What a module of this folder provides."""

    OLDER: tuple[str, ...]
    """Endings of further files beside the one named, to be read before it, oldest first."""

    def read(self, lines: Iterable[str]) -> Iterator[Lease | Malformed]:
        """What is in these lines, in order; a later lease of an address replaces an earlier one.

        Never raises on content.
        """
        ...


def names() -> list[str]:
    """The formats there are: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(word: str) -> Format:
    """The format of this name, which must be one of `names`."""
    return cast("Format", importlib.import_module(f"{__name__}.{word}"))


def read(lines: Iterable[str], word: str) -> Iterator[Lease | Malformed]:
    """What the format `word` makes of these lines."""
    return find(word).read(line if len(line) <= LINE_CHARACTERS_MAX else OVERLONG for line in lines)


class Leases:
    """Who holds which address at one instant. Immutable."""

    __slots__ = ("_by_address", "_by_hostname", "_by_id", "facts", "next_expiry")

    def __init__(self, leases: Iterable[Lease] = (), at: float = 0.0) -> None:
        self._by_address: dict[bytes, Lease] = {}
        for lease in leases:
            address = plain_address(lease.address)
            known = self._by_address.pop(address, None)
            if lease.expires > at and (known or len(self._by_address) < LEASES_MAX):
                self._by_address[address] = lease
        self._by_hostname: dict[str, list[bytes]] = {}
        self._by_id: dict[str, list[bytes]] = {}
        for address, lease in self._by_address.items():
            name = lease.hostname.lower()
            for key in dict.fromkeys((name, name.partition(".")[0])):
                if key:
                    self._by_hostname.setdefault(key, []).append(address)
            for key in dict.fromkeys((lease.mac, plain_id(lease.client_id))):
                if key:
                    self._by_id.setdefault(key, []).append(address)
        self.facts: Mapping[bytes, tuple[str, str, str]] = {
            address: (lease.hostname, lease.mac, lease.client_id)
            for address, lease in self._by_address.items()
        }
        """All that anybody may ask, without the ends: a renewal changes nothing here."""
        self.next_expiry = min(
            (lease.expires for lease in self._by_address.values()), default=math.inf
        )
        """POSIX seconds at which the first of them ends."""

    def __len__(self) -> int:
        return len(self._by_address)

    def find(self, packed_address: bytes) -> Lease | None:
        """The lease of an address of 4 or 16 octets."""
        return self._by_address.get(plain_address(packed_address))

    def with_hostname(self, hostname: str) -> tuple[bytes, ...]:
        """Addresses of machines that call themselves so: by the whole name or its first label."""
        return tuple(self._by_hostname.get(hostname.lower(), ()))

    def with_id(self, client_id: str) -> tuple[bytes, ...]:
        """Addresses held under this hardware address or client id."""
        return tuple(self._by_id.get(plain_id(client_id), ()))


NO_LEASES: Final = Leases()


def plain_id(text: str) -> str:
    """A hardware address or client id as it is compared: lower case, colons for hyphens."""
    lower = text.strip().lower()
    return lower.replace("-", ":") if _PAIRS.fullmatch(lower) else lower


def octets_id(octets: bytes) -> str:
    """An id given in octets, as people write it: `aa:bb:cc:dd:ee:ff`."""
    return octets.hex(":")


def hardware_address(text: str) -> str:
    """A hardware address in its one form; empty when it is none.

    ARP's number of the kind of hardware may stand before it, as dnsmasq writes `06-aa:bb:...`.
    """
    kind, separator, rest = text.partition("-")
    if separator and ":" in rest and len(kind) == 2:
        text = rest
    plain = plain_id(text)
    return plain if len(plain) <= _ID_CHARACTERS_MAX and _PAIRS.fullmatch(plain) else ""


def identifier(text: str) -> str:
    """A client identifier in its one form; empty when it is none or has characters not to print."""
    plain = plain_id(text)
    return plain if len(plain) <= _ID_CHARACTERS_MAX and plain.isprintable() else ""


def host_name(text: str) -> str:
    """A host name that may be shown, without a dot at its end; empty when it is none.

    Machines send what they like. Anything but a plain name could play tricks on a screen.
    """
    name = text.removesuffix(".")
    return name if len(name) <= 253 and _HOST_NAME.fullmatch(name) else ""
