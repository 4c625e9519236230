"""Leases of Kea: the CSV files of its memfile backend (`kea-leases4.csv`, `kea-leases6.csv`).

The first line names the columns. The file is a journal: a later line of an address replaces an
earlier one, a valid lifetime of 0 deletes it. From time to time Kea moves the journal aside and
begins anew; the leases then are in the files with the endings of `OLDER` (Kea's own order at start,
"Lease File Cleanup" in its manual; reading `.2` and `.1` as well where `.completed` is already
there gives the same).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Final

from policy.leases import Lease, Malformed, hardware_address, host_name, identifier

OLDER: Final[tuple[str, ...]] = (".2", ".1", ".completed")

_NEEDED = frozenset({"address", "valid_lifetime", "expire", "hostname"})
_FOREVER = 0xFFFFFFFF
"""RFC 2131 section 3.3: a lease without an end."""
_HELD = ("", "0", "4")
"""States: 0 is a lease in use, 4 an address that a machine chose itself and registered (RFC 9686);
the others were declined, reclaimed or released."""
_PREFIX = "2"
"""Lease type of a delegated prefix: no address of a machine."""
_COLUMNS_MAX: Final = 64
_ESCAPED = re.compile("&#x([0-9a-fA-F]{2})")
"""How Kea writes a comma inside a value."""


def read(lines: Iterable[str]) -> Iterator[Lease | Malformed]:
    """Leases in the order of the file; those deleted have ended."""
    columns: list[str] = []
    for number, line in enumerate(lines, 1):
        values = line.strip().split(",", _COLUMNS_MAX)
        if values[0] == "address":
            columns = values if _NEEDED.issubset(values) else []
        elif values != [""]:
            row = dict(zip(columns, values, strict=False))
            if row.get("lease_type") != _PREFIX:
                yield _lease(row) or Malformed(number)


def _lease(row: dict[str, str]) -> Lease | None:
    try:
        address = ip_address(row["address"]).packed
        lifetime, end = int(row["valid_lifetime"]), int(row["expire"])
        hostname = _plain(row["hostname"])
    except (KeyError, ValueError):
        return None
    held = lifetime > 0 and row.get("state", "") in _HELD
    expires = math.inf if lifetime == _FOREVER or end >= 1 << 53 else float(end)
    return Lease(
        address,
        hardware_address(row.get("hwaddr", "")),
        host_name(hostname),
        identifier(_plain(row.get("client_id") or row.get("duid", ""))),
        expires if held else -math.inf,
    )


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
