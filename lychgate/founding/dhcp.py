"""The lines that make common routers hand this resolver out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("dhcp.toml")
_ADDRESS: Final = "ADDRESS-OF-THIS-MACHINE"
_NETWORK: Final = "192.168.1.0/24"


@dataclass(frozen=True)
class Router:
    """One kind."""

    title: str
    where: str
    lines: tuple[str, ...]


@cache
def routers() -> Mapping[str, Router]:
    """Every kind by its word."""
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        word: Router(entry["title"], entry["where"], tuple(entry["lines"]))
        for word, entry in raw.items()
    }


def lines(router: Router, *, ipv4: str = "", ipv6: str = "", network: str = "") -> list[str]:
    """Its lines for this machine; those for IPv6 only where it has an address."""
    chosen = ip_network(network or _NETWORK, strict=False)
    values = {
        "ipv4": ipv4 or _ADDRESS,
        "ipv6": ipv6,
        "network": str(chosen),
        "mask": str(chosen.netmask),
        "base": str(chosen.network_address),
    }
    return [line.format(**values) for line in router.lines if ipv6 or "{ipv6}" not in line]
