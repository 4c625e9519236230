"""dnstap messages, written by hand: the few fields we know. Pure.

A query is long answered when it is written here: the message is composed again from what is known
of it, without its ID, and without the EDNS options of a client unless addresses are wanted: a
client subnet, a cookie or a MAC address says who asked as well as an address does. The client's
port, and the address it asked, are not known any more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from resolver.cache import FOREVER
from resolver.resolution import Outcome
from resolver.service import KEEPALIVE, Answer, ClientRecord, Event
from resolver.wire import codes, compose
from resolver.wire.query import Query

CLIENT_QUERY: Final = 5
CLIENT_RESPONSE: Final = 6
INET: Final = 1
INET6: Final = 2
PROTOCOLS: Final = {"udp": 1, "tcp": 2, "tls": 3, "https": 4}
_NO_ID: Final = b"\0\0"
_NANOSECONDS: Final = struct.Struct("<I")
_HEADER: Final = struct.Struct(">HHHHH")
_OPT: Final = struct.Struct(">BHHIH")
# Tags of protocol buffers: number of the field << 3 | wire type.
_TYPE, _FAMILY, _PROTOCOL, _QUERY_ADDRESS = b"\x08", b"\x10", b"\x18", b"\x22"
_QUERY_SECONDS, _QUERY_NANOSECONDS, _QUERY_MESSAGE = b"\x40", b"\x4d", b"\x52"
_RESPONSE_SECONDS, _RESPONSE_NANOSECONDS, _RESPONSE_MESSAGE = b"\x60", b"\x6d", b"\x72"
_IDENTITY, _VERSION, _MESSAGE, _IS_MESSAGE = b"\x0a", b"\x12", b"\x72", b"\x78\x01"

Hit = tuple[float, ClientRecord, Answer]


class Writer:
    """Writes messages of one server."""

    def __init__(self, identity: str, version: str, *, addresses: bool, queries: bool) -> None:
        named = [(_IDENTITY, identity.encode()), (_VERSION, version.encode())]
        self._head: Final = b"".join(_octets(tag, value) for tag, value in named if value)
        self._addresses: Final = addresses
        self._queries: Final = queries

    def of_hits(self, hits: Sequence[Hit]) -> Iterator[bytes]:
        """Messages of queries that were answered out of the memo."""
        for at, record, answer in hits:
            if record.behind is None:
                tail = answer.tail
            else:
                tail = self._composed(answer.query, answer.outcome, at, "udp")
            yield from self._messages(at, at, record, answer.query, tail, "udp")

    def of_events(self, events: Sequence[Event]) -> Iterator[bytes]:
        """Messages of queries that were resolved."""
        for at, record, query, outcome, transport, seconds in events:
            tail = self._composed(query, outcome, at, transport)
            yield from self._messages(at - seconds, at, record, query, tail, transport)

    def _messages(
        self,
        asked_at: float,
        at: float,
        record: ClientRecord,
        query: Query,
        tail: bytes,
        transport: str,
    ) -> Iterator[bytes]:
        family = INET6 if ":" in record.address else INET
        who = _FAMILY + bytes((family,)) + _PROTOCOL + bytes((PROTOCOLS.get(transport, 1),))
        if self._addresses and len(record.packed) == (16 if family == INET6 else 4):
            who += _octets(_QUERY_ADDRESS, record.packed)
        who += _instant(_QUERY_SECONDS, _QUERY_NANOSECONDS, asked_at)
        if self._queries:
            message = _octets(_QUERY_MESSAGE, self._asked(query))
            yield self._whole(_TYPE + bytes((CLIENT_QUERY,)) + who + message)
        answered = _instant(_RESPONSE_SECONDS, _RESPONSE_NANOSECONDS, at)
        message = _octets(_RESPONSE_MESSAGE, _NO_ID + tail)
        yield self._whole(_TYPE + bytes((CLIENT_RESPONSE,)) + who + answered + message)

    def _whole(self, message: bytes) -> bytes:
        return self._head + _octets(_MESSAGE, message) + _IS_MESSAGE

    def _asked(self, query: Query) -> bytes:
        """The query as it may have come."""
        head = _NO_ID + _HEADER.pack(query.flags, 1, 0, 0, int(query.edns)) + query.question
        if not query.edns:
            return head
        options = query.options if self._addresses else b""
        flags = 0x8000 if query.dnssec_ok else 0
        return head + _OPT.pack(0, codes.OPT, query.size_limit, flags, len(options)) + options

    def _composed(self, query: Query, outcome: Outcome, at: float, transport: str) -> bytes:
        """The answer behind its ID, as `resolver.service` sent it."""
        if query.echo and not self._addresses:
            query = structs.replace(query, echo=b"")
        sections = outcome.sections
        over_udp = transport == "udp"
        tail = compose.answer(
            query,
            sections.rcode,
            sections.answers,
            sections.authorities,
            sections.body,
            outcome.errors,
            authentic=outcome.authentic,
            size_limit=min(query.size_limit, codes.UDP_SIZE_OCTETS) if over_udp else 65535,
            keepalive=0 if over_udp else KEEPALIVE,
        )
        elapsed, ceiling = max(int(at - outcome.since), 0), outcome.ceiling_until
        if sections.ttls and not tail[0] & 0x02 and (elapsed or ceiling != FOREVER):
            left = compose.TTL_MAX if ceiling == FOREVER else int(ceiling - at)
            tail = compose.age(tail, sections.ttls, elapsed, left)
        return tail


def _instant(seconds_tag: bytes, nanoseconds_tag: bytes, at: float) -> bytes:
    seconds = int(at)
    nanoseconds = min(int((at - seconds) * 1e9), 999_999_999)
    return seconds_tag + _varint(seconds) + nanoseconds_tag + _NANOSECONDS.pack(nanoseconds)


def _octets(tag: bytes, value: bytes) -> bytes:
    return tag + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
