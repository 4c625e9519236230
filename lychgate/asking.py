"""`lychgate query`: ask a DNS server one question and take its answer apart, by dnslib.

A small independent client for people who have no `dig` at hand: UDP first and TCP when the answer
was cut, one deadline for all of it. Of the resolver it uses only who is to be trusted over TLS, so
it sees what any stub would see.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from ipaddress import ip_address
from secrets import randbelow
from typing import Final

from dnslib import (
    EDNS0,
    RCODE,
    DNSError,
    DNSHeader,
    DNSLabel,
    DNSQuestion,
    DNSRecord,
    EDNSOption,
)

from categoriser.names import labels_of, to_text
from lychgate.questions import type_name
from resolver.listeners import Bind
from resolver.upstream.transports import Endpoint
from resolver.upstream.transports import tls as security

TIMEOUT_SECONDS: Final = 5.0
_UDP_OCTETS: Final = 1232
_EXTENDED_ERROR: Final = 15
_CLIENT_SUBNET: Final = 8

EXTENDED_ERRORS: Final = dict(
    enumerate(
        (
            "Other Error",
            "Unsupported DNSKEY Algorithm",
            "Unsupported DS Digest Type",
            "Stale Answer",
            "Forged Answer",
            "DNSSEC Indeterminate",
            "DNSSEC Bogus",
            "Signature Expired",
            "Signature Not Yet Valid",
            "DNSKEY Missing",
            "RRSIGs Missing",
            "No Zone Key Bit Set",
            "NSEC Missing",
            "Cached Error",
            "Not Ready",
            "Blocked",
            "Censored",
            "Filtered",
            "Prohibited",
            "Stale NXDOMAIN Answer",
            "Not Authoritative",
            "Not Supported",
            "No Reachable Authority",
            "Network Error",
            "Invalid Data",
        )
    )
)
"""RFC 8914 section 4."""


class NoAnswer(Exception):
    """Nothing that could be used came back; the message says from where and why."""


@dataclass(frozen=True)
class Answered:
    """What a server said."""

    server: Bind
    transport: str
    seconds: float
    rcode: str
    records: tuple[tuple[str, int, str, str], ...]
    """Owner name, TTL in seconds, type, data; the answer section."""
    errors: tuple[tuple[int, str, str], ...]
    """Extended errors: code, its meaning, the server's own text."""


def ask_upstream(upstream: Endpoint, name: bytes, qtype: int) -> Answered:
    """Ask an upstream as a resolver would, by its own transport. Raises `NoAnswer`."""
    server = Bind(upstream.host, upstream.port)
    tls = upstream if upstream.scheme == "tls" else None
    return ask(server, name, qtype, tcp=upstream.scheme != "udp", tls=tls)


def ask(
    server: Bind,
    name: bytes,
    qtype: int,
    *,
    tcp: bool,
    tls: Endpoint | None = None,
    source: str = "",
    client: str = "",
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answered:
    """Ask `server` about a name in wire form; over TLS as `tls` wants it. `source`: the address of
    ours to ask from. `client`: the address to ask for, as a forwarder does (RFC 7871); whoever does
    not trust us takes no notice. Raises `NoAnswer`.
    """
    question = DNSRecord(
        DNSHeader(id=randbelow(65536), rd=1),
        q=DNSQuestion(DNSLabel(tuple(labels_of(name))), qtype),
        ar=[EDNS0(udp_len=_UDP_OCTETS, opts=[_subnet(client)] if client else [])],
    )
    packet = bytes(question.pack())
    began = time.monotonic()
    deadline = began + timeout_seconds
    try:
        octets = b"" if tcp else _over_udp(server, packet, deadline, source)
        if tcp or octets[2] & 0x02:  # TC: the rest comes over TCP (RFC 7766).
            tcp = True
            octets = _over_tcp(server, packet, deadline, tls, source)
        reply = DNSRecord.parse(octets)
    except TimeoutError:
        raise NoAnswer(f"{_shown(server)}: no answer in {timeout_seconds:g} seconds") from None
    except _Untrusted as fault:
        raise NoAnswer(f"{_shown(server)}: {fault}") from None
    except OSError as fault:
        why = security.explain(tls, fault) if tls else fault.strerror or fault
        raise NoAnswer(f"{_shown(server)}: {why}") from None
    except DNSError as fault:
        raise NoAnswer(f"{_shown(server)}: not a DNS message: {_plain(str(fault))}") from None
    return Answered(
        server,
        "TLS" if tls else "TCP" if tcp else "UDP",
        time.monotonic() - began,
        str(RCODE.forward.get(reply.header.rcode, reply.header.rcode)),
        tuple(
            (to_text(_wire(rr.rname)), int(rr.ttl), type_name(rr.rtype), _plain(str(rr.rdata)))
            for rr in reply.rr
        ),
        _errors(reply),
    )


def _errors(reply: DNSRecord) -> tuple[tuple[int, str, str], ...]:
    found = []
    for record in reply.ar:
        if record.rtype == 41:
            for option in record.rdata:
                if option.code == _EXTENDED_ERROR and len(option.data) >= 2:
                    code = int.from_bytes(option.data[:2], "big")
                    text = bytes(option.data[2:]).decode("utf-8", errors="replace").rstrip("\0")
                    found.append((code, EXTENDED_ERRORS.get(code, "unassigned"), _plain(text)))
    return tuple(found)


def _plain(text: str) -> str:
    """What a server wrote, with nothing that a terminal obeys or that turns writing round."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _subnet(client: str) -> EDNSOption:
    address = ip_address(client)
    family = 1 if address.version == 4 else 2
    head = family.to_bytes(2, "big") + bytes((address.max_prefixlen, 0))
    return EDNSOption(_CLIENT_SUBNET, head + address.packed)


def _over_udp(server: Bind, packet: bytes, deadline: float, source: str) -> bytes:
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        if source:
            sock.bind((source, 0))
        sock.connect(server)
        sock.settimeout(_left(deadline))
        sock.send(packet)
        while True:
            octets = sock.recv(65535)
            if len(octets) >= 12 and octets[:2] == packet[:2]:
                return octets
            sock.settimeout(_left(deadline))


class _Untrusted(Exception):
    """The key at the other end is not the pinned one."""


def _over_tcp(
    server: Bind, packet: bytes, deadline: float, tls: Endpoint | None, source: str
) -> bytes:
    own = (source, 0) if source else None
    with socket.create_connection(server, _left(deadline), own) as plain:
        sock = plain
        if tls is not None:
            context = security.context_of(tls)
            sock = context.wrap_socket(plain, server_hostname=security.server_name(tls))
            trouble = security.pin_trouble(tls, sock.getpeercert(binary_form=True))
            if trouble:
                raise _Untrusted(trouble)
        with sock:
            sock.sendall(len(packet).to_bytes(2, "big") + packet)
            size = int.from_bytes(_read(sock, 2, deadline), "big")
            return _read(sock, size, deadline)


def _read(sock: socket.socket, size: int, deadline: float) -> bytes:
    octets = b""
    while len(octets) < size:
        sock.settimeout(_left(deadline))
        piece = sock.recv(size - len(octets))
        if not piece:
            raise ConnectionResetError(0, "the connection was closed before the answer was whole")
        octets += piece
    return octets


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _wire(label: DNSLabel) -> bytes:
    return b"".join([bytes((len(part),)) + part for part in label.label]) + b"\0"


def _shown(server: Bind) -> str:
    return f"{server.host} port {server.port}"
