"""The scan of queries: for any octets a `Query` or a `QueryFault`, and for well-formed ones the
same as two codecs that know nothing of each other."""

from __future__ import annotations

import struct
import time
from contextlib import suppress

import dns.edns
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dnslib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.wire import codes
from resolver.wire.query import (
    ADDITIONAL_MAX,
    Query,
    QueryFault,
    iterate_options,
    scan_query,
    skip_name,
)
from tests.resolver import hostile
from tests.resolver.venue import packet

HEADER = bytes.fromhex("1234 0100 0001 0000 0000 0000")
WWW = b"\x03www\x07example\x03com\x00"
A_IN = b"\0\1\0\1"
GOOD = [
    packet("www.example.com"),
    packet("Example.ORG", "AAAA", edns=1232),
    packet("a.b.c.d.e.f.example", "HTTPS", edns=4096),
    dns.message.make_query("signed.example", "TXT", want_dnssec=True, pad=128).to_wire(),
]
OPTIONS = st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=40)), max_size=4)


def header(questions: int = 1, additional: int = 0, flags: int = 0x0100) -> bytes:
    return struct.pack(">HHHHHH", 0x1234, flags, questions, 0, 0, additional)


def fault_of(octets: bytes) -> QueryFault:
    with pytest.raises(QueryFault) as caught:
        scan_query(octets)
    return caught.value


@settings(max_examples=1500)
@given(hostile.packets(GOOD))
def test_any_octets_make_a_query_or_a_fault(octets: bytes) -> None:
    try:
        query = scan_query(octets)
    except QueryFault as fault:
        assert fault.rcode in (None, codes.FORMERR, codes.NOTIMP, codes.BADVERS)
        assert fault.rcode is None or len(octets) >= 12  # else no ID to answer to
        return
    assert octets[12:].startswith(query.question)
    assert query.name == query.question[:-4].lower()
    assert len(query.name) <= 255
    assert 512 <= query.size_limit <= 65535


@settings(max_examples=300)
@given(hostile.packets(GOOD))
def test_what_it_takes_a_codec_takes_too(octets: bytes) -> None:
    """Stricter than others is safe; laxer would forward what nobody else can read."""
    try:
        query = scan_query(octets)
    except QueryFault:
        return
    if query.options:
        return  # their own formats are not looked at
    try:
        message = dns.message.from_wire(octets, ignore_trailing=False)
    except dns.message.UnknownTSIGKey:
        return
    except dns.exception.DNSException:
        # dnspython reads the rdata of the other records of the additional section; we step over it.
        assert int.from_bytes(octets[10:12]) > query.edns
        return
    assert message.question[0].name.canonicalize().to_wire() == query.name


@settings(max_examples=200)
@given(
    hostile.HOST_NAMES,
    st.sampled_from(["A", "AAAA", "TXT", "HTTPS", "ANY", "TYPE4711"]),
    st.integers(0, 65535),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 65535),
    OPTIONS,
)
def test_it_agrees_with_dnspython(
    name: str,
    qtype: str,
    number: int,
    recursion: bool,
    dnssec_ok: bool,
    size: int | None,
    options: list[tuple[int, bytes]],
) -> None:
    message = dns.message.make_query(name, qtype)
    message.id = number
    message.flags = dns.flags.RD if recursion else dns.flags.Flag(0)
    if size is not None:
        message.use_edns(
            0,
            dns.flags.DO if dnssec_ok else 0,
            size,
            options=[dns.edns.GenericOption(code, data) for code, data in options],
        )
    octets = message.to_wire()
    query = scan_query(octets)
    assert query == Query(
        name=message.question[0].name.canonicalize().to_wire(),
        question=message.question[0].name.to_wire() + struct.pack(
            ">HH", dns.rdatatype.from_text(qtype), dns.rdataclass.IN
        ),
        qtype=dns.rdatatype.from_text(qtype),
        qclass=codes.IN,
        flags=codes.RD if recursion else 0,
        edns=size is not None,
        dnssec_ok=dnssec_ok and size is not None,
        size_limit=max(512, size or 0),
        options=query.options,
    )  # fmt: skip
    assert iterate_options(query.options) == (options if size is not None else [])


@settings(max_examples=150)
@given(
    hostile.HOST_NAMES,
    st.sampled_from(["A", "AAAA", "MX", "HTTPS"]),
    st.booleans(),
    st.none() | st.integers(512, 65535),
)
def test_it_agrees_with_dnslib(name: str, qtype: str, dnssec_ok: bool, size: int | None) -> None:
    record = dnslib.DNSRecord.question(name, qtype)
    if size is not None:
        record.add_ar(dnslib.EDNS0(flags="do" if dnssec_ok else "", udp_len=size))
    query = scan_query(record.pack())
    parsed = dnslib.DNSRecord.parse(record.pack())
    assert query.name == b"".join(
        bytes([len(label)]) + label for label in parsed.q.qname.label
    ).lower() + b"\0"  # fmt: skip
    assert (query.qtype, query.qclass) == (parsed.q.qtype, parsed.q.qclass)
    assert query.edns == bool(parsed.ar)
    if parsed.ar:
        assert query.size_limit == parsed.ar[0].edns_len
        assert query.dnssec_ok == bool(parsed.ar[0].edns_do)


@given(hostile.NAMES)
def test_any_octet_may_stand_in_a_label(name: bytes) -> None:
    """RFC 2181 section 11: "any binary string whatever can be used as the label"."""
    query = scan_query(HEADER + name + A_IN)
    assert query.name == name.lower()
    assert query.question == name + A_IN


@pytest.mark.parametrize(
    ("octets", "what", "rcode"),
    [
        (b"", "short", None),
        (HEADER[:11], "short", None),
        (header(flags=0x8100) + WWW + A_IN, "response", None),
        (header(flags=0x8100), "response", None),
        (header(flags=0x2900) + WWW + A_IN, "opcode", codes.NOTIMP),
        (header(questions=0), "counts", codes.FORMERR),
        (header(questions=2) + WWW + A_IN + WWW + A_IN, "counts", codes.FORMERR),
        (header(additional=ADDITIONAL_MAX + 1) + WWW + A_IN, "counts", codes.FORMERR),
        (HEADER, "name", codes.FORMERR),
        (HEADER + WWW[:-1], "name", codes.FORMERR),
        (HEADER + WWW + A_IN[:3], "name", codes.FORMERR),
        (HEADER + b"\xc0\x0c" + A_IN, "label", codes.FORMERR),
        (HEADER + b"\x40" + bytes(64) + A_IN, "label", codes.FORMERR),
        (HEADER + WWW + b"\0\0\0\1", "qtype", codes.FORMERR),
        (HEADER + WWW + b"\0\x29\0\1", "qtype", codes.FORMERR),
        (HEADER + WWW + A_IN + b"x", "trailing", codes.FORMERR),
        (header(additional=1) + WWW + A_IN, "additional", codes.FORMERR),
        (header(additional=1) + WWW + A_IN + bytes(10), "additional", codes.FORMERR),
        (header(additional=1) + WWW + A_IN + b"\0\0\x29\4\xd0\0\0\0\0\0\1", "additional", 1),
        (header(additional=1) + WWW + A_IN + b"\0\0\x29\4\xd0\0\1\0\0\0\0", "edns version", 16),
        (header(additional=1) + WWW + A_IN + b"\0\0\x29\4\xd0\0\0\0\0\0\0x", "trailing", 1),
    ],
)
def test_each_fault_has_its_word_and_its_rcode(octets: bytes, what: str, rcode: int | None) -> None:
    fault = fault_of(octets)
    assert (fault.what, fault.rcode) == (what, rcode)


def test_names_end_at_255_octets() -> None:
    """RFC 1035 section 2.3.4."""
    longest = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\0"
    assert len(longest) == 255
    assert scan_query(HEADER + longest + A_IN).name == longest
    too_long = longest.replace(b"\x3d" + b"a" * 61, b"\x3e" + b"a" * 62)
    assert fault_of(HEADER + too_long + A_IN).what == "name"
    assert fault_of(HEADER + (b"\1a" * 128) + b"\0" + A_IN).what == "name"


def test_a_tsig_beside_opt_is_stepped_over() -> None:
    record = WWW + struct.pack(">HHIH", 250, 255, 0, 3) + b"abc"
    opt = b"\0" + struct.pack(">HHIH", codes.OPT, 1400, 0x8000, 0)
    for order in (record + opt, opt + record):
        query = scan_query(header(additional=2) + WWW + A_IN + order)
        assert (query.edns, query.dnssec_ok, query.size_limit) == (True, True, 1400)
    query = scan_query(header(additional=1) + WWW + A_IN + record)
    assert (query.edns, query.size_limit, query.options) == (False, 512, b"")


def test_a_compressed_root_is_not_the_owner_of_opt() -> None:
    """RFC 6891 section 6.1.2: the owner "MUST be 0 (root domain)"; a pointer to it is not 0."""
    at_root = 12 + len(WWW) - 1
    opt = bytes([0xC0, at_root]) + struct.pack(">HHIH", codes.OPT, 1232, 0, 0)
    assert fault_of(header(additional=1) + WWW + A_IN + opt).what == "opt"


@given(st.binary(max_size=80))
def test_options_are_read_as_far_as_they_go(octets: bytes) -> None:
    found = iterate_options(octets)
    written = b"".join(struct.pack(">HH", code, len(data)) + data for code, data in found)
    assert octets.startswith(written)


@given(st.binary(max_size=300), st.integers(0, 310))
def test_skipping_a_name_never_leaves_the_packet(octets: bytes, at: int) -> None:
    behind = skip_name(octets, at)
    assert behind == -1 or at < behind <= len(octets)


def test_the_slowest_packets_are_quick() -> None:
    """Bounded by the packet's length; measured at 60 us, allowed a thousand times that."""
    opt = b"\0" + struct.pack(">HHIH", codes.OPT, 1232, 0, 0)
    many_labels = header(additional=4) + b"\1a" * 127 + b"\0" + A_IN + (b"\1a" * 30_000)
    many_options = (
        header(additional=1) + WWW + A_IN + opt[:-2] + (60_000).to_bytes(2) + bytes(60_000)
    )
    begun = time.perf_counter()
    for octets in (many_labels, many_options):
        with suppress(QueryFault):
            iterate_options(scan_query(octets).options)
    assert time.perf_counter() - begun < 0.5
