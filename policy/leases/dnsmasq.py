"""Leases of dnsmasq: its `dhcp-leasefile`.

A line has the end in POSIX seconds (0: never), the hardware address, the IP address, the host name
and the client id, `*` for what is not known. Behind a line `duid ...` come those of DHCPv6, with
the IAID in the place of the hardware address. dnsmasq writes the whole file anew for each change.
(Built for machines without a clock, it writes lengths instead of ends; those are not understood.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Final

from policy.leases import Lease, Malformed, hardware_address, host_name, identifier

OLDER: Final[tuple[str, ...]] = ()


def read(lines: Iterable[str]) -> Iterator[Lease | Malformed]:
    """Leases in the order of the file."""
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields or fields[0] == "duid":
            continue
        yield _lease(fields) or Malformed(number)


def _lease(fields: list[str]) -> Lease | None:
    if len(fields) < 4 or not (fields[0].isascii() and fields[0].isdigit()):
        return None
    try:
        address = ip_address(fields[2]).packed
        end = int(fields[0])
    except ValueError:
        return None
    client_id = fields[4] if len(fields) > 4 else "*"
    return Lease(
        address,
        hardware_address(fields[1]) if len(address) == 4 else "",
        "" if fields[3] == "*" else host_name(fields[3]),
        "" if client_id == "*" else identifier(client_id),
        float(end) if 0 < end < 1 << 53 else math.inf,
    )
