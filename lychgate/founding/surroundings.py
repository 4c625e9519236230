"""What this machine knows of its networks, by the kernel's own tables. Looked at once; nothing is
sent, nothing changed.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final

from policy.types import Network

PROC: Final = Path("/proc/net")
_VIRTUAL: Final = (
    "lo",
    "docker",
    "br-",
    "veth",
    "virbr",
    "cni",
    "flannel",
    "tun",
    "tap",
    "wg",
    "lxc",
)
"""Interfaces of other machines inside this one, and of tunnels."""


@dataclass(frozen=True)
class Attached:
    """A network that this machine is in."""

    network: Network
    address: str
    """Ours in it."""
    interface: str


def attached(proc: Path = PROC) -> list[Attached]:
    """The networks of real interfaces, IPv4 first."""
    found = [*_ipv4(proc), *_ipv6(proc)]
    return list({one.network: one for one in found}.values())


def _ipv4(proc: Path) -> list[Attached]:
    try:
        rows = (proc / "route").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return []
    found = []
    for row in rows:
        words = row.split()
        if len(words) < 8 or words[0].startswith(_VIRTUAL) or int(words[2], 16):
            continue  # through a gateway: somebody else's network
        base, mask = (struct.pack("=I", int(words[place], 16)) for place in (1, 7))
        network = ip_network((base, bin(int.from_bytes(mask)).count("1")), strict=False)
        if isinstance(network, IPv4Network) and 8 <= network.prefixlen <= 30:
            if network.is_link_local:
                continue
            found.append(Attached(network, _own_address(str(network[1])), words[0]))
    return [one for one in found if one.address]


def _ipv6(proc: Path) -> list[Attached]:
    try:
        rows = (proc / "if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    found = []
    for row in rows:
        words = row.split()
        if len(words) < 6 or words[5].startswith(_VIRTUAL):
            continue
        address = IPv6Address(bytes.fromhex(words[0]))
        if address.is_link_local or address.is_loopback:
            continue
        network = ip_network((address.packed, int(words[2], 16)), strict=False)
        found.append(Attached(network, str(address), words[5]))
    return found


def _own_address(of_network: str) -> str:
    """Our address towards another one, by the kernel's choice; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((of_network, 53))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def listen_addresses(networks: tuple[Network, ...], here: list[Attached], port: int) -> list[str]:
    """Where to listen for these networks: our addresses in them and the loopback, or everywhere."""
    ours = [
        one.address
        for one in here
        if any(
            ip_address(one.address) in network
            for network in networks
            if network.version == one.network.version
        )
    ]
    # Not 0.0.0.0 where it can be helped: other programs may have port 53 on a loopback address.
    hosts = [*dict.fromkeys(ours), "127.0.0.1"] if ours else ["0.0.0.0"]
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts]
