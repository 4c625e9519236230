"""Composing: what is written is read alike by both codecs, fits where it must, and grows old."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype
import dnslib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categoriser.names import from_text
from resolver.wire import codes, compose
from resolver.wire.query import Query, scan_query
from tests.resolver import hostile
from tests.resolver.venue import packet, question, upstream_reply

ERRORS = st.lists(
    st.tuples(st.integers(0, 65535), st.text(max_size=250).filter(lambda t: "\0" not in t)),
    max_size=2,
)
ID = b"\x12\x34"


def read(octets: bytes) -> dns.message.Message:
    return dns.message.from_wire(ID + octets)


def texts(message: dns.message.Message) -> list[tuple[int, str]]:
    return [
        (int(option.code), option.text or "")
        for option in message.options
        if isinstance(option, dns.edns.EDEOption)
    ]


@settings(max_examples=100)
@given(
    hostile.HOST_NAMES,
    st.sampled_from(["A", "AAAA"]),
    st.none() | st.integers(512, 4096),
    st.sampled_from([0, codes.RD, codes.RD | codes.CD]),
    st.lists(st.binary(min_size=4, max_size=4), max_size=5),
    st.integers(0, 0x7FFFFFFF),
    st.sampled_from([codes.NOERROR, codes.NXDOMAIN, codes.REFUSED]),
    ERRORS,
    st.booleans(),
)
def test_both_codecs_read_what_was_meant(
    name: str,
    qtype: str,
    size: int | None,
    flags: int,
    addresses: list[bytes],
    ttl: int,
    rcode: int,
    errors: list[tuple[int, str]],
    authentic: bool,
) -> None:
    query = scan_query(packet(name, qtype, edns=size, flags=flags))
    body = b"".join(compose.record(compose.QNAME, codes.A, ttl, packed) for packed in addresses)
    body += compose.soa(compose.QNAME, ttl, from_text("lychgate.internal"))
    octets = compose.answer(
        query, rcode, len(addresses), 1, body, tuple(errors), authentic=authentic
    )

    message = read(octets)
    assert message.rcode() == rcode
    expected = dns.flags.QR | dns.flags.RA | dns.flags.Flag(flags)
    assert message.flags & 0xFFF0 == (expected | dns.flags.AD if authentic else expected)
    assert message.question[0].name.to_wire() == query.question[:-4]
    assert sorted(r.address for rrset in message.answer for r in rrset) == sorted(
        {".".join(map(str, packed)) for packed in addresses}
    )
    assert [rrset.rdtype for rrset in message.authority] == [dns.rdatatype.SOA]
    assert message.authority[0].ttl == message.authority[0][0].minimum == ttl
    assert message.edns == (-1 if size is None else 0)
    if size is not None:
        assert [code for code, _ in texts(message)] == [code for code, _ in errors]
        for (_, sent), (_, given) in zip(texts(message), errors, strict=True):
            assert given.startswith(sent)
            assert len(sent.encode()) <= compose.ERROR_TEXT_OCTETS_MAX

    parsed = dnslib.DNSRecord.parse(ID + octets)
    assert parsed.header.rcode == rcode
    assert (parsed.header.qr, parsed.header.ra, parsed.header.tc) == (1, 1, 0)
    assert (parsed.header.ad, parsed.header.cd) == (authentic, bool(flags & codes.CD))
    assert [bytes(record.rdata.data) for record in parsed.rr] == addresses
    assert [record.ttl for record in parsed.rr] == [ttl] * len(addresses)
    assert len(parsed.auth) == 1
    assert len(parsed.ar) == (size is not None)


@settings(max_examples=200)
@given(hostile.NAMES, st.none() | st.integers(512, 1232), st.integers(0, 2000), ERRORS)
def test_nothing_is_larger_than_the_client_takes(
    name: bytes, size: int | None, octets: int, errors: list[tuple[int, str]]
) -> None:
    query = Query(name, name + b"\0\1\0\1", 1, 1, 0x100, size is not None, False, size or 512, b"")
    body = compose.record(compose.QNAME, codes.TXT, 60, bytes(octets)) if octets else b""
    answer = compose.answer(
        query, 0, bool(octets), 0, body, tuple(errors), size_limit=query.size_limit
    )
    assert len(answer) + 2 <= query.size_limit
    truncated = answer[0] & 2
    assert answer[4:6] == (b"\0\0" if truncated else bool(octets).to_bytes(2))
    if truncated:
        assert 12 + len(query.question) + len(body) + (11 if size else 0) > query.size_limit


def test_errors_go_before_the_answer_does() -> None:
    """RFC 8914 section 3: "servers SHOULD truncate messages by dropping EDE options before dropping
    other data from packets"."""
    query = question("www.example.com", edns=512)
    errors = ((15, "x" * 150), (22, "y" * 150))
    for rdata, kept in ((100, errors), (300, ((15, ""), (22, ""))), (450, ())):
        body = compose.record(compose.QNAME, codes.TXT, 60, bytes(rdata))
        message = compose.answer(query, 0, 1, 0, body, errors, size_limit=512)
        assert not message[0] & 2
        assert texts(_without_answer(message, body)) == list(kept)


def _without_answer(octets: bytes, body: bytes) -> dns.message.Message:
    return read(octets[:4] + b"\0\0" + octets[6:].replace(body, b""))


def test_an_error_text_is_cut_between_characters() -> None:
    query = question("www.example.com", edns=1232)
    ((_, text),) = texts(read(compose.answer(query, 0, 0, 0, b"", ((15, "é" * 150),))))
    assert text == "é" * 100


def test_keepalive_is_announced() -> None:
    """RFC 7828 section 3.1: two octets, in units of 100 ms."""
    query = question("www.example.com", edns=1232)
    message = read(compose.answer(query, 0, 0, 0, b"", (), keepalive=100))
    assert [(int(o.otype), o.to_wire()) for o in message.options] == [(11, b"\0\x64")]


@pytest.mark.parametrize("rcode", [codes.FORMERR, codes.NOTIMP, codes.BADVERS])
@given(octets=st.binary(min_size=12, max_size=60))
def test_a_fault_is_answered_by_a_header(rcode: int, octets: bytes) -> None:
    message = dns.message.from_wire(compose.fault(octets, rcode))
    assert message.id == int.from_bytes(octets[:2])
    assert message.rcode() == rcode
    assert message.flags & dns.flags.QR
    assert message.opcode() == octets[2] >> 3 & 15
    assert (message.edns == 0) == (rcode == codes.BADVERS)
    assert not message.question


@given(hostile.HOST_NAMES, st.booleans(), st.booleans())
def test_upstreams_are_asked_plainly(name: str, dnssec_ok: bool, checking_disabled: bool) -> None:
    octets = compose.upstream_query(
        from_text(name) + b"\0\x1c\0\1", dnssec_ok=dnssec_ok, checking_disabled=checking_disabled
    )
    message = read(octets)
    expected = dns.flags.RD | dns.flags.AD
    assert message.flags & 0xFFF0 == (expected | dns.flags.CD if checking_disabled else expected)
    assert (message.edns, message.payload) == (0, codes.UDP_SIZE_OCTETS)
    assert bool(message.ednsflags & dns.flags.DO) == dnssec_ok
    assert not message.options  # nothing that could tell one client from another
    assert message.question[0].rdtype == dns.rdatatype.AAAA
    parsed = dnslib.DNSRecord.parse(ID + octets)
    assert parsed.q.qtype == codes.AAAA
    assert parsed.ar[0].edns_len == codes.UDP_SIZE_OCTETS


@given(
    st.lists(st.integers(0, 0x7FFFFFFF), min_size=1, max_size=4),
    st.integers(0, 100_000),
    st.integers(-10, 0x7FFFFFFF),
)
def test_ttls_grow_old_and_never_grow(ttls: list[int], seconds: int, ceiling: int) -> None:
    lines = [f"www.example.com {ttl} A 192.0.2.{n}" for n, ttl in enumerate(ttls, 1)]
    sections = upstream_reply("www.example.com", "A", *lines).sections
    query = question("www.example.com")
    tail = compose.answer(query, 0, len(ttls), 0, sections.body, ())
    aged = compose.age(tail, sections.ttls, seconds, ceiling)
    message = dns.message.from_wire(ID + aged, one_rr_per_rrset=True)
    assert [rrset.ttl for rrset in message.answer] == [
        max(0, min(ttl - seconds, ceiling)) for ttl in ttls
    ]
    assert compose.age(aged, sections.ttls, 0, compose.TTL_MAX) == tail  # all else is untouched
