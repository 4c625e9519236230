"""Compose messages: answers to clients, queries to upstreams, and the records of invented answers.

Pure. An answer is the client's own question octets, a body, and an OPT record if the client sent
one. Names inside a body may point to offset 12, the question: `QNAME`. (Built by hand rather than
with dnslib: a blocked name that was never asked before costs 4 us instead of 80, so a flood of
random names under a blocked domain is no cheaper an attack than any other. Checked against dnslib
and dnspython.)
"""

from struct import Struct
from typing import Final

from resolver.wire import codes
from resolver.wire.query import Query

_HEADER: Final = Struct(">HHHHH").pack
_RECORD: Final = Struct(">HHIH").pack
_SERIALS: Final = Struct(">IIIII").pack
_OPTION: Final = Struct(">HHH").pack
_LONG: Final = Struct(">I")

QNAME: Final = b"\xc0\x0c"
"""A compression pointer to the question's name."""
ERROR_TEXT_OCTETS_MAX: Final = 200
"""EXTRA-TEXT of an EDE, shortened so that the whole answer fits into 512 octets."""


def record(owner: bytes, rtype: int, ttl: int, rdata: bytes) -> bytes:
    """One resource record of class IN."""
    return owner + _RECORD(rtype, codes.IN, ttl, len(rdata)) + rdata


def soa(owner: bytes, ttl: int, mname: bytes) -> bytes:
    """The SOA record that tells a stub how long to keep a negative answer (RFC 2308 section 5)."""
    rdata = mname + b"\x0ahostmaster" + mname + _SERIALS(1, 3600, 600, 86400, ttl)
    return record(owner, codes.SOA, ttl, rdata)


def opt(query: Query, errors: tuple[tuple[int, str], ...], rcode: int, keepalive: int = 0) -> bytes:
    """Our OPT record: size, DO copied (RFC 3225), EDE, and a TCP idle time in 100 ms (RFC 7828)."""
    data = query.echo
    for code, text in errors:
        extra = text.encode()[:ERROR_TEXT_OCTETS_MAX].decode("utf-8", "ignore").encode()
        data += _OPTION(codes.EXTENDED_ERROR, len(extra) + 2, code) + extra
    if keepalive:
        data += _OPTION(codes.TCP_KEEPALIVE, 2, keepalive)
    extended = (rcode >> 4) << 24 | (0x8000 if query.dnssec_ok else 0)
    return b"\0" + _RECORD(codes.OPT, codes.UDP_SIZE_OCTETS, extended, len(data)) + data


def answer(
    query: Query,
    rcode: int,
    answers: int,
    authorities: int,
    body: bytes,
    errors: tuple[tuple[int, str], ...],
    *,
    authentic: bool = False,
    size_limit: int = 65535,
    keepalive: int = 0,
) -> bytes:
    """The answer to `query` without its first two octets, the ID.

    Where it does not fit into `size_limit` octets, TC is set and the sections are left out
    (RFC 2181 section 9): the client asks again over TCP. Errors are left out before that.
    """
    flags = codes.QR | codes.RA | rcode & 15 | query.flags & (codes.RD | codes.CD)
    if authentic:
        flags |= codes.AD
    tail = opt(query, errors, rcode, keepalive) if query.edns else b""
    additionals = 1 if tail else 0
    if 12 + len(query.question) + len(body) + len(tail) > size_limit:
        if tail and errors:  # RFC 8914 section 3: errors go first, their texts before their codes.
            fewer = tuple([(code, "") for code, _ in errors])
            if fewer == errors:
                fewer = ()
            return answer(
                query, rcode, answers, authorities, body, fewer,
                authentic=authentic, size_limit=size_limit, keepalive=keepalive,
            )  # fmt: skip
        flags |= codes.TC
        answers = authorities = 0
        body = b""
    head = _HEADER(flags, 1, answers, authorities, additionals)
    return head + query.question + body + tail


def fault(packet: bytes, rcode: int) -> bytes:
    """An answer to a packet whose question may be unreadable: the header alone (RFC 1035 4.1.1)."""
    flags = codes.QR | rcode & 15 | (packet[2] << 8 | packet[3]) & (codes.OPCODE | codes.RD)
    if rcode < 16:
        return packet[:2] + _HEADER(flags, 0, 0, 0, 0)
    # BADVERS does not fit into the header: RFC 6891 section 6.1.3.
    extended = (rcode >> 4) << 24
    root_opt = b"\0" + _RECORD(codes.OPT, codes.UDP_SIZE_OCTETS, extended, 0)
    return packet[:2] + _HEADER(flags, 0, 0, 0, 1) + root_opt


_OPT_PLAIN: Final = b"\0" + _RECORD(codes.OPT, codes.UDP_SIZE_OCTETS, 0, 0)
_OPT_DNSSEC: Final = b"\0" + _RECORD(codes.OPT, codes.UDP_SIZE_OCTETS, 0x8000, 0)
_HEAD: Final = _HEADER(codes.RD | codes.AD, 1, 0, 0, 1)
_HEAD_UNCHECKED: Final = _HEADER(codes.RD | codes.AD | codes.CD, 1, 0, 0, 1)


def upstream_query(question: bytes, *, dnssec_ok: bool, checking_disabled: bool) -> bytes:
    """A recursive query without its ID: RD, the question, and OPT with our size limit.

    AD is set to say that we understand it in the reply (RFC 6840 section 5.7).
    """
    head = _HEAD_UNCHECKED if checking_disabled else _HEAD
    return head + question + (_OPT_DNSSEC if dnssec_ok else _OPT_PLAIN)


def age(tail: bytes, ttls: tuple[tuple[int, int], ...], seconds: int, ceiling: int) -> bytes:
    """`tail` with each TTL lowered by `seconds` and to at most `ceiling`; never below 0."""
    patched = bytearray(tail)
    for offset, ttl in ttls:
        left = ttl - seconds
        if left > ceiling:
            left = ceiling
        _LONG.pack_into(patched, offset - 2, left if left > 0 else 0)
    return bytes(patched)


TTL_MAX: Final = 0x7FFFFFFF
"""No ceiling (RFC 2181 section 8)."""
