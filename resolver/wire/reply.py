"""One strict scan over an upstream's reply: what it says, where its TTLs are, and whom it names.

Answer and authority sections are kept as bytes, to be sent on under another ID, another spelling of
the question and lower TTLs. The additional section is not kept: a stub resolver does not need it,
and what is dropped need not be inspected. Everything a filter must look at is pulled out: targets
of CNAME, DNAME, SVCB and HTTPS records, addresses, and address hints (RFC 9460 section 7.3). Pure;
every walk over the packet is bounded by RECORDS_MAX and by the packet's end.
"""

import struct
from typing import Final

from msgspec import Struct

from resolver.sections import Sections
from resolver.wire import codes
from resolver.wire.query import iterate_options, skip_name

_HEADER: Final = struct.Struct(">HHHHH").unpack_from
_RECORD: Final = struct.Struct(">HHIH").unpack_from
_LONG: Final = struct.Struct(">I").unpack_from
_SHORT: Final = struct.Struct(">H").unpack_from

RECORDS_MAX: Final = 512
"""Records of one reply; a reply with more is refused (64 KiB hold about 5,000)."""
POINTERS_MAX: Final = 64
"""Compression pointers followed for one name."""
SUSPECT_OCTETS: Final = frozenset({0, 10, 100, 127, 169, 172, 192, 0xFC, 0xFD, 0xFE})
"""First octets of all private addresses, IPv4 and IPv6 (IPv4-mapped ones begin with 0): most
answers need no closer look."""
TTL_SECONDS_MAX: Final = 0x7FFFFFFF
"""A TTL with the top bit set counts as zero (RFC 2181 section 8)."""


class ReplyFault(ValueError):
    """A reply that cannot be understood; the asker treats it as no reply."""


class Reply(Struct, frozen=True, gc=False):
    """What an upstream said about one question."""

    sections: Sections
    """Rcode, answer and authority sections, with the TTLs of all their records."""
    flags: int
    negative_ttl: int | None
    """min(SOA TTL, SOA minimum) of the authority section (RFC 2308 section 5); None without SOA."""
    targets: tuple[bytes, ...]
    """Names that the answer leads to: CNAME, DNAME, SVCB and HTTPS targets, lower case."""
    addresses: tuple[bytes, ...]
    """A and AAAA rdata and SVCB hints, 4 or 16 octets each."""
    suspect: bool
    """An address among them may be a private one: the first octet says so."""
    errors: tuple[tuple[int, str], ...]
    """Extended DNS Errors of the upstream (RFC 8914): (code, text)."""


def scan_reply(packet: bytes, end: int) -> Reply:
    """Read the reply whose question section ends at `end`; raise `ReplyFault` when it is broken."""
    try:
        return _scan(packet, end)
    except (IndexError, struct.error):
        raise ReplyFault("runs off its end") from None


def _scan(packet: bytes, end: int) -> Reply:
    flags, _, answers, authorities, additionals = _HEADER(packet, 2)
    if answers + authorities + additionals > RECORDS_MAX:
        raise ReplyFault("too many records")
    size = len(packet)
    ttls = []
    targets: list[bytes] = []
    addresses: list[bytes] = []
    negative_ttl = None
    suspect = False
    at = end
    for number in range(answers + authorities):
        if packet[at] >= 0xC0:
            at += 2
        else:
            at = skip_name(packet, at)
            if at < 0:
                raise ReplyFault("owner name")
        rtype, _rclass, ttl, length = _RECORD(packet, at)
        if ttl > TTL_SECONDS_MAX:
            ttl = 0
        ttls.append((at + 4, ttl))
        start = at + 10
        at = start + length
        if at > size:
            raise ReplyFault("rdata")
        if number >= answers:
            if rtype == codes.SOA and length >= 22:
                (minimum,) = _LONG(packet, at - 4)
                negative_ttl = min(ttl, minimum)
        elif rtype == codes.A:
            if length != 4:
                raise ReplyFault("A rdata")
            addresses.append(packet[start:at])
            suspect = suspect or packet[start] in SUSPECT_OCTETS
        elif rtype == codes.AAAA:
            if length != 16:
                raise ReplyFault("AAAA rdata")
            addresses.append(packet[start:at])
            suspect = suspect or packet[start] in SUSPECT_OCTETS
        elif rtype == codes.CNAME or rtype == codes.DNAME:
            targets.append(read_name(packet, start, at)[0])
        elif rtype == codes.SVCB or rtype == codes.HTTPS:
            _scan_service(packet, start, at, targets, addresses)
            suspect = True
    errors, extended = _scan_errors(packet, at, additionals) if additionals else ((), 0)
    return Reply(
        Sections(flags & 15 | extended << 4, answers, authorities, packet[end:at], tuple(ttls)),
        flags,
        negative_ttl,
        tuple(targets),
        tuple(addresses),
        suspect,
        errors,
    )


def read_name(packet: bytes, at: int, limit: int) -> tuple[bytes, int]:
    """The name at `at` in lower-case wire form, and the offset behind it.

    `limit` bounds the part before the first compression pointer. Pointers must lead backwards, each
    further than the last, so a loop cannot exist (RFC 1035 section 4.1.4 says "a prior
    occurrence").
    """
    labels = []
    size = 0
    behind = 0
    lowest = at
    for _ in range(POINTERS_MAX + 128):
        length = packet[at]
        if length == 0:
            labels.append(b"\0")
            at += 1
            if not behind:
                behind = at
                if at > limit:
                    raise ReplyFault("name in rdata")
            name = b"".join(labels).lower()
            return name, behind
        if length >= 0xC0:
            pointer = (length & 0x3F) << 8 | packet[at + 1]
            if pointer >= lowest:
                raise ReplyFault("pointer forward")
            if not behind:
                behind = at + 2
            at = lowest = pointer
            continue
        if length > 63:
            raise ReplyFault("label")
        size += length + 1
        if size > 254:
            raise ReplyFault("name too long")
        labels.append(packet[at : at + length + 1])
        at += length + 1
    raise ReplyFault("name")


def _scan_service(
    packet: bytes, start: int, end: int, targets: list[bytes], addresses: list[bytes]
) -> None:
    """SVCB and HTTPS rdata: priority, target, parameters (RFC 9460 section 2.2)."""
    target, at = read_name(packet, start + 2, end)
    if target != b"\0":  # "." means the owner name itself, or no service.
        targets.append(target)
    while at + 4 <= end:
        (key,) = _SHORT(packet, at)
        (length,) = _SHORT(packet, at + 2)
        at += 4
        if at + length > end:
            raise ReplyFault("service parameter")
        width = {4: 4, 6: 16}.get(key)  # ipv4hint, ipv6hint
        if width:
            if length == 0 or length % width:
                raise ReplyFault("address hint")
            addresses += (packet[i : i + width] for i in range(at, at + length, width))
        at += length
    if at != end:
        raise ReplyFault("service parameter")


def _scan_errors(packet: bytes, at: int, count: int) -> tuple[tuple[tuple[int, str], ...], int]:
    """The upstream's EDE options and the upper bits of the rcode, out of its OPT record."""
    for _ in range(count):
        at = skip_name(packet, at)
        if at < 0:
            raise ReplyFault("additional")
        rtype, _limit, extended, length = _RECORD(packet, at)
        at += 10 + length
        if at > len(packet):
            raise ReplyFault("additional")
        if rtype == codes.OPT:
            found = [
                (data[0] << 8 | data[1], data[2:].decode("utf-8", "replace"))
                for code, data in iterate_options(packet[at - length : at])
                if code == codes.EXTENDED_ERROR and len(data) >= 2
            ]
            return tuple(found[:2]), extended >> 24
    return (), 0
