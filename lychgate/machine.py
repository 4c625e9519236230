"""What this machine has: resolvers of its own to forward to, an IPv6 loopback or not, free ports.

Looked at once, at start. Nothing is remembered and nothing changed.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from pathlib import Path

from lychgate.occupied import explain_taken, who_listens
from lychgate.settings import Server
from resolver.listeners import Bind, ListenFault, explain
from resolver.upstream.transports import Endpoint, parse_endpoint

RESOLV_CONF = Path("/etc/resolv.conf")
SYSTEMD_RESOLV_CONF = Path("/run/systemd/resolve/resolv.conf")
"""Where systemd-resolved lists the servers behind its own stub."""
_STUB = "127.0.0.53"
RESOLVERS_MAX = 3
"""As many as resolv.conf(5) allows."""


def own_resolvers(listening: Collection[Bind]) -> tuple[Endpoint, ...]:
    """The resolvers this machine is set to use, without ourselves: that would be a loop."""
    found = read_resolvers(RESOLV_CONF)
    if [endpoint.host for endpoint in found] == [_STUB]:
        # Ask who is behind the stub: once this machine's DNS points to us, the stub does as well.
        found = read_resolvers(SYSTEMD_RESOLV_CONF) or found
    return tuple(endpoint for endpoint in found if not _is_ours(endpoint, listening))


def read_resolvers(path: Path) -> list[Endpoint]:
    """The nameservers of a file as resolv.conf(5) describes it; none when there is no file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found: list[Endpoint] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(parse_endpoint(words[1]))
            except ValueError:
                continue  # As the system's own stub does.
    return list(dict.fromkeys(found))[:RESOLVERS_MAX]


def _is_ours(endpoint: Endpoint, listening: Collection[Bind]) -> bool:
    for bind in listening:
        if bind.port == endpoint.port:
            if bind.host == endpoint.host:
                return True
            # Listening on every address takes the loopback in.
            if ip_address(bind.host).is_unspecified and ip_address(endpoint.host).is_loopback:
                return True
    return False


def has_ipv6_loopback() -> bool:
    """Whether something can listen on ::1."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def binds_of(server: Server) -> tuple[Bind, ...]:
    """Where to listen. By default also on ::1, but a machine without IPv6 is no fault."""
    if "listen" in server.model_fields_set or has_ipv6_loopback():
        return server.listen
    return tuple(bind for bind in server.listen if ":" not in bind.host)


def check_listening(binds: Sequence[Bind], metrics: Bind | None) -> None:
    """Find out before anything starts whether the addresses are free. Raises `ListenFault`.

    Workers share their ports, and would silently share them with another Lychgate as well.
    """
    wanted = [(bind, kind) for bind in binds for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    if metrics is not None:
        wanted.append((metrics, socket.SOCK_STREAM))
    for bind, kind in wanted:
        family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
        try:
            with socket.socket(family, kind) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((bind.host, bind.port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                raise ListenFault(explain_taken(bind, who_listens(bind, kind))) from None
            raise ListenFault(explain(bind, fault)) from None
