"""Does a service of ours answer, through the very door that people use?

A DNS query over UDP and one over TCP to our own listening address; an HTTP request to the portal's
own. A refusal is an answer, silence is none: under a flood a resolver that turns clients away is
busy, and a restart would help only whoever floods it. Blocking, bounded in time, and never raises.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_bytes
from typing import Final

from resolver.listeners import Bind

PROBE_SECONDS_MAX: Final = 2.0
"""How long one attempt may take."""
ATTEMPTS: Final = 4
"""Attempts over UDP, where a full buffer loses a packet and every second refusal is silent."""
_QUESTION: Final = bytes.fromhex("0100000100000000000009") + b"localhost\0" + bytes((0, 1, 0, 1))
"""A for `localhost`, answered by ourselves (RFC 6761); after the ID. No upstream is troubled."""
_SOURCE: Final = "127.57.43.9"
"""A loopback address nobody else uses: others on this machine cannot use up our share."""
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def probe_dns(binds: Sequence[Bind]) -> str:
    """Ask every address over UDP and TCP; what is wrong, or nothing."""
    for bind in binds:
        problem = _over_udp(bind) or _over_tcp(bind)
        if problem:
            return problem
    return ""


def probe_workers(binds: Sequence[Bind], workers: int) -> str:
    """The same, often enough that each of several workers is very likely asked: the kernel chooses
    one by the source port.
    """
    for _ in range(min(workers, 8)):
        problem = probe_dns(binds)
        if problem:
            return problem
    return ""


def probe_http(bind: Bind, path: str) -> str:
    """Ask for a page that must be there; what is wrong, or nothing."""
    where = f"http://{_shown(bind)}{path}"
    try:
        with socket.create_connection(_near(bind), PROBE_SECONDS_MAX) as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            said = sock.recv(64)
    except TimeoutError:
        return f"{where}: silent for {PROBE_SECONDS_MAX:g} s"
    except OSError as fault:
        return f"{where}: {fault.strerror or fault}"
    # 503: as many people as may be served at a time; a restart would cut them off. 4xx: the portal
    # goes by another name than ours, and says so.
    fine = said.startswith(b"HTTP/1.") and (said[9:10] in (b"2", b"4") or said[9:12] == b"503")
    return "" if fine else f"{where}: said {said[:32]!r}"


def _over_udp(bind: Bind) -> str:
    packet = token_bytes(2) + _QUESTION
    for _ in range(ATTEMPTS):
        try:
            with _socket(bind, socket.SOCK_DGRAM) as sock:
                sock.connect(_near(bind))
                sock.send(packet)
                # Each attempt has a port of its own: a late answer to another cannot come here.
                if _is_answer(sock.recv(1232), packet):
                    return ""
        except TimeoutError:
            continue
        except OSError as fault:
            return f"UDP {_shown(bind)}: {fault.strerror or fault}"
    return f"UDP {_shown(bind)}: silent, {ATTEMPTS} times {PROBE_SECONDS_MAX:g} s"


def _over_tcp(bind: Bind) -> str:
    packet = token_bytes(2) + _QUESTION
    connected = False
    try:
        with _socket(bind, socket.SOCK_STREAM) as sock:
            sock.connect(_near(bind))
            connected = True
            sock.sendall(len(packet).to_bytes(2, "big") + packet)
            said = sock.recv(1234)
    except TimeoutError:
        return f"TCP {_shown(bind)}: silent for {PROBE_SECONDS_MAX:g} s"
    except OSError as fault:
        # Cut off by a loop that has no room: alive, and it says so.
        return "" if connected else f"TCP {_shown(bind)}: {fault.strerror or fault}"
    fine = not said or len(said) < 14 or _is_answer(said[2:], packet)
    return "" if fine else f"TCP {_shown(bind)}: something else answers there"


def _is_answer(octets: bytes, packet: bytes) -> bool:
    return len(octets) >= 12 and octets[:2] == packet[:2] and bool(octets[2] & 0x80)


def _socket(bind: Bind, kind: socket.SocketKind) -> socket.socket:
    near = _near(bind)
    sock = socket.socket(socket.AF_INET6 if ":" in near.host else socket.AF_INET, kind)
    sock.settimeout(PROBE_SECONDS_MAX)
    if sock.family == socket.AF_INET:
        with suppress(OSError):  # No loopback network here: any source will do.
            sock.bind((_SOURCE, 0))
    return sock


def _near(bind: Bind) -> Bind:
    return Bind(_EVERYWHERE.get(bind.host, bind.host), bind.port)


def _shown(bind: Bind) -> str:
    near = _near(bind)
    return f"[{near.host}]:{near.port}" if ":" in near.host else f"{near.host}:{near.port}"
