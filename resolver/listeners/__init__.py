"""Ways in for queries, one module each; the file name is the transport's word in configuration.

A module offers `listen(service, bind, shared=...)`, and `adopt(service, sock)` for a socket of its
`KIND` that somebody else opened. Listeners read octets, find the client's record, and hand over to
the service; they decide nothing about names.
"""

import errno
import socket
from collections.abc import Sequence
from importlib import import_module
from ipaddress import ip_address
from pkgutil import iter_modules
from typing import Any, Final, NamedTuple, Protocol

TRANSPORTS: Final[tuple[str, ...]] = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Every transport is opened on every listening address."""


class ListenFault(OSError):
    """An address cannot be listened on; the message says why and what would help."""


class Listener(Protocol):
    """An open way in."""

    port: int
    """The port really bound: of interest when 0 was asked for."""

    def close(self) -> None:
        """Take no more queries."""


class Bind(NamedTuple):
    """An address to listen on."""

    host: str
    port: int


def parse_bind(text: str) -> Bind:
    """`127.0.0.1:5300`, `[::1]:53`, `192.168.1.2` (port 53)."""
    host, port = text, "53"
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else "53" if bracket and not rest else ""
    elif text.count(":") == 1:
        host, port = text.split(":")
    try:
        number = int(port) if port.isascii() and port.isdigit() else -1
        address = str(ip_address(host))
        if not 0 <= number <= 65535:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{text!r} is not an address to listen on; use ADDRESS:PORT, "
            "as in 127.0.0.1:5300 or [::1]:53"
        ) from None
    return Bind(address, number)


async def open_listeners(service: Any, binds: list[Bind], *, shared: bool) -> list[Listener]:
    """Open every transport on every address; all or none.

    `shared`: let other processes of ours listen on the same addresses (SO_REUSEPORT).
    """
    opened: list[Listener] = []
    try:
        for bind in binds:
            port = bind.port
            for word in reversed(TRANSPORTS):  # udp before tcp: both on the port that udp was given
                module = import_module(f"{__name__}.{word}")
                listener = await module.listen(service, Bind(bind.host, port), shared=shared)
                opened.append(listener)
                port = listener.port
    except OSError as fault:
        for listener in opened:
            listener.close()
        raise ListenFault(explain(bind, fault)) from None
    return opened


async def adopt_listeners(service: Any, handed: Sequence[socket.socket]) -> list[Listener]:
    """Listen on sockets that the service manager opened. Raises `ListenFault`."""
    modules = [import_module(f"{__name__}.{word}") for word in TRANSPORTS]
    opened: list[Listener] = []
    for sock in handed:
        try:
            module = next(module for module in modules if sock.type == module.KIND)
            opened.append(await module.adopt(service, sock))
        except (OSError, StopIteration) as fault:
            for listener in opened:
                listener.close()
            raise ListenFault(f"socket {sock.fileno()} handed over: {fault!r}") from None
    return opened


def explain(bind: Bind, fault: OSError) -> str:
    """Why `bind` cannot be listened on, and what would help."""
    where = f"listen: {bind.host} port {bind.port}"
    if fault.errno == errno.EADDRINUSE:
        return (
            f"{where}: another program listens there already; stop it "
            "(on port 53 often systemd-resolved: set DNSStubListener=no) or choose another port"
        )
    if fault.errno == errno.EACCES:
        return f"{where}: not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    if fault.errno == errno.EADDRNOTAVAIL:
        return f"{where}: this machine has no such address; see `ip address`"
    return f"{where}: {fault.strerror}"
