"""Sockets that the service manager opened for us: the protocol of sd_listen_fds(3).

They come as descriptors from 3 on, with names. A service that is given its sockets needs no right
to open them, and queries wait in them while it starts again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Final

from resolver.listeners import Bind

FIRST: Final = 3
SOCKETS_MAX: Final = 64
"""Sockets that are taken; as many as a unit sensibly has."""

DNS: Final = "dns"
PORTAL: Final = "portal"
BLOCK_PAGE: Final = "block-page"
BLOCK_PAGE_TLS: Final = "block-page-tls"


class InheritFault(ValueError):
    """What was handed over cannot be used; the message says why."""


def take_sockets(
    environment: MutableMapping[str, str] = os.environ, first: int = FIRST
) -> dict[str, list[socket.socket]]:
    """The sockets handed to this process, by name. Raises `InheritFault`.

    They are taken out of the environment: children must not take them for theirs. Names are those
    of `FileDescriptorName=`; a socket without one is under "".
    """
    count = environment.pop("LISTEN_FDS", "")
    meant_for = environment.pop("LISTEN_PID", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if not count or meant_for != str(os.getpid()):
        return {}
    if not (count.isascii() and count.isdigit()) or int(count) > SOCKETS_MAX:
        raise InheritFault(f"LISTEN_FDS: {count!r}; at most {SOCKETS_MAX} sockets are taken")
    found: dict[str, list[socket.socket]] = {}
    for place in range(int(count)):
        number = first + place
        try:
            os.set_inheritable(number, False)
            sock = socket.socket(fileno=number)
        except OSError as fault:
            raise InheritFault(f"LISTEN_FDS: descriptor {number}: {fault.strerror}") from None
        name = names[place] if place < len(names) else ""
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise InheritFault(f"LISTEN_FDS: descriptor {number} ({name}): not IPv4 or IPv6")
        found.setdefault(name, []).append(sock)
    return found


def bind_of(sock: socket.socket) -> Bind:
    """Where a socket listens."""
    host, port = sock.getsockname()[:2]
    return Bind(str(host), int(port))
