"""Whether this machine has a way to the IPv6 internet. Sends nothing."""

from __future__ import annotations

import socket
from typing import Final

_SOMEWHERE: Final = ("2001:4860:4860::8888", 53)


def has_ipv6_route() -> bool:
    """Whether the kernel would know where to send a packet: a connected UDP socket sends none."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(_SOMEWHERE)
            address = str(probe.getsockname()[0])
    except OSError:
        return False
    # A machine with addresses of its own network only (fd00::/8) leads nowhere.
    return not address.startswith(("fc", "fd", "fe80", "::1"))
