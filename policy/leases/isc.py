r"""Leases of ISC DHCP: `dhcpd.leases` and `dhcpd6.leases`.

A journal of blocks, one statement a line (dhcpd.leases(5)); a later block of an address replaces an
earlier one. Octets in quotes are written as in C: `"\001\252"`. Blocks and statements that say
nothing of who holds an address are passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from policy.leases import (
    OVERLONG,
    Lease,
    Malformed,
    hardware_address,
    host_name,
    identifier,
    octets_id,
)

OLDER: Final[tuple[str, ...]] = ()

_OPENED = re.compile(r"(lease|iaaddr|ia-na|ia-ta|ia-pd)\s+(.+?)\s*\{")
_STATEMENT = re.compile(
    r"(ends|binding state|hardware \S+|uid|client-hostname)\s+(.+?)\s*;\s*(?:#.*)?"
)
_END = re.compile(r"\d (\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)")
_EPOCH = re.compile(r"epoch (\d{1,15})")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_IAID_OCTETS = 4
"""Before the DUID, in the name of an identity association."""


@dataclass
class _Block:
    """A lease while it is read; None as address: it is malformed."""

    line: int
    address: bytes | None
    client_id: str = ""
    mac: str = ""
    hostname: str = ""
    expires: float = math.inf
    held: bool = True


def read(lines: Iterable[str]) -> Iterator[Lease | Malformed]:
    """Leases in the order of the file; those not in use have ended."""
    block: _Block | None = None
    association = ""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text == OVERLONG:
            yield Malformed(number)
        elif text.endswith("{"):
            if block is not None:  # its end was lost
                yield Malformed(block.line)
                block = None
            opened = _OPENED.fullmatch(text)
            if opened is None:
                continue
            if opened[1] in ("lease", "iaaddr"):
                uid = association if opened[1] == "iaaddr" else ""
                block = _Block(number, _address(opened[2]), uid)
            else:
                duid = _octets(opened[2])[_IAID_OCTETS:]
                association = identifier(octets_id(duid)) if opened[1] != "ia-pd" else ""
        elif text == "}":
            if block is not None:
                yield _lease(block)
            block = None
        elif block is not None and (statement := _STATEMENT.fullmatch(text)):
            _note(block, statement[1], statement[2])


def _lease(block: _Block) -> Lease | Malformed:
    if block.address is None:
        return Malformed(block.line)
    end = block.expires if block.held else -math.inf
    return Lease(block.address, block.mac, block.hostname, block.client_id, end)


def _note(block: _Block, word: str, value: str) -> None:
    """One statement inside a block."""
    match word:
        case "ends":
            end = _instant(value)
            if end is None:
                block.address = None
            else:
                block.expires = end
        case "binding state":
            block.held = value == "active"
        case "uid":
            quoted = value.startswith('"')
            block.client_id = identifier(octets_id(_octets(value)) if quoted else value)
        case "client-hostname":
            block.hostname = host_name(_octets(value).decode("utf-8", "replace"))
        case _:
            block.mac = hardware_address(value)


def _address(text: str) -> bytes | None:
    try:
        return ip_address(text).packed
    except ValueError:
        return None


def _instant(text: str) -> float | None:
    """`4 2026/03/05 12:00:00` in UTC, `epoch 1772712000`, or `never`; None for none of them."""
    if text == "never":
        return math.inf
    if found := _EPOCH.fullmatch(text):
        return float(found[1])
    if found := _END.fullmatch(text):
        try:
            year, month, day, hour, minute, second = map(int, found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        except ValueError:
            return None
    return None


def _octets(text: str) -> bytes:
    """The octets of a text in quotes."""
    inside = text.removeprefix('"').removesuffix('"')

    def octet(found: re.Match[str]) -> str:
        return chr(int(found[1], 8) & 255) if len(found[1]) == 3 else found[1]

    return _ESCAPE.sub(octet, inside).encode("latin-1", "replace")
