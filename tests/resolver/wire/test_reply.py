"""The scan of replies: for any octets a `Reply` or a `ReplyFault`, and for well-formed ones the
same targets, addresses, TTLs and errors as two codecs that know nothing of each other."""

from __future__ import annotations

import struct
import time
from ipaddress import ip_address

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.svcbbase
import dns.rrset
import dnslib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categoriser.names import from_text
from resolver.wire import codes
from resolver.wire.reply import (
    RECORDS_MAX,
    Reply,
    ReplyFault,
    read_name,
    scan_reply,
)
from tests.resolver import hostile
from tests.resolver.venue import upstream_packet

NAME = "www.example.com"
END = 12 + 17 + 4
GOOD = [
    upstream_packet(NAME, "A", f"{NAME} 300 A 192.0.2.1", f"{NAME} 60 A 192.0.2.2"),
    upstream_packet(
        NAME,
        "AAAA",
        f"{NAME} 300 CNAME cdn.example.net.",
        "cdn.example.net. 30 AAAA 2001:db8::1",
        authority=("example.net. 3600 NS ns1.example.net.",),
    ),
    upstream_packet(
        NAME,
        "HTTPS",
        f"{NAME} 300 HTTPS 1 svc.example.net. alpn=h2,h3 ipv4hint=192.0.2.1,192.0.2.2 "
        "ipv6hint=2001:db8::2",
    ),
    upstream_packet(
        NAME,
        "A",
        authority=("example.com. 900 SOA ns.example.com. admin.example.com. 1 2 3 4 60",),
        rcode=codes.NXDOMAIN,
    ),
]

IPV4 = st.binary(min_size=4, max_size=4).map(lambda packed: str(ip_address(packed)))
IPV6 = st.binary(min_size=16, max_size=16).map(lambda packed: str(ip_address(packed)))
HOSTS = hostile.HOST_NAMES.map(lambda name: name + ".")
TTLS = st.integers(0, 0x7FFFFFFF)


def _service(priority: int, target: str, four: list[str], six: list[str], port: int | None) -> str:
    parts = [str(priority), target, "alpn=h2"] if priority else ["0", target]
    if priority:
        parts += [f"ipv4hint={','.join(four)}"] if four else []
        parts += [f"ipv6hint={','.join(six)}"] if six else []
        parts += [f"port={port}"] if port is not None else []
    return " ".join(parts)


RDATA = st.one_of(
    IPV4.map(lambda text: ("A", text)),
    IPV6.map(lambda text: ("AAAA", text)),
    HOSTS.map(lambda text: ("CNAME", text)),
    HOSTS.map(lambda text: ("DNAME", text)),
    HOSTS.map(lambda text: ("MX", f"10 {text}")),
    HOSTS.map(lambda text: ("NS", text)),
    st.just(("TXT", '"cname a.example."')),
    st.tuples(
        st.sampled_from(["HTTPS", "SVCB"]),
        st.builds(
            _service,
            st.integers(0, 3),
            HOSTS | st.just("."),
            st.lists(IPV4, max_size=3),
            st.lists(IPV6, max_size=3),
            st.none() | st.integers(0, 65535),
        ),
    ),
)
RECORDS = st.lists(st.tuples(HOSTS, TTLS, RDATA), max_size=6)


@settings(max_examples=2000)
@given(hostile.packets(GOOD), st.sampled_from([END, 12, 17]))
def test_any_octets_make_a_reply_or_a_fault(octets: bytes, end: int) -> None:
    try:
        reply = scan_reply(octets, end)
    except ReplyFault:
        return
    sections = reply.sections
    assert len(sections.ttls) == sections.answers + sections.authorities <= RECORDS_MAX
    assert octets[end:].startswith(sections.body)
    for offset, ttl in sections.ttls:
        assert end <= offset <= end + len(sections.body) - 4
        assert ttl in (0, int.from_bytes(octets[offset : offset + 4]))
    assert all(len(packed) in (4, 16) for packed in reply.addresses)
    for target in reply.targets:
        assert target == target.lower()
        assert len(target) <= 255
        assert dns.name.from_wire(target, 0)[1] == len(target)


@settings(max_examples=600)
@given(hostile.packets(GOOD))
def test_what_it_takes_hides_nothing_that_a_codec_sees(octets: bytes) -> None:
    """An address or a target that a stub could read must not be one that the filter overlooked."""
    end = END
    if octets[4:6] != b"\0\1" or octets[12:29] != from_text(NAME):
        return  # the transports let nothing else pass
    try:
        reply = scan_reply(octets, end)
        message = dns.message.from_wire(octets, ignore_trailing=True, one_rr_per_rrset=True)
    except (ReplyFault, dns.exception.DNSException):
        return
    if any(rrset.rdclass != dns.rdataclass.IN for rrset in (*message.question, *message.answer)):
        return  # of other classes dnspython reads no addresses
    assert set(_targets(message)) <= set(reply.targets)
    assert set(_addresses(message)) <= set(reply.addresses)


@settings(max_examples=300)
@given(RECORDS, st.lists(st.tuples(HOSTS, TTLS, RDATA), max_size=2), st.booleans())
def test_it_agrees_with_dnspython(
    answers: list[tuple[str, int, tuple[str, str]]],
    authority: list[tuple[str, int, tuple[str, str]]],
    refused: bool,
) -> None:
    message = dns.message.make_response(dns.message.make_query(NAME, "A"))
    message.set_rcode(dns.rcode.REFUSED if refused else dns.rcode.NOERROR)
    for section, records in ((message.answer, answers), (message.authority, authority)):
        for owner, ttl, (rtype, rdata) in records:
            section.append(dns.rrset.from_text(owner, ttl, "IN", rtype, rdata))
    octets = message.to_wire()
    reply = scan_reply(octets, END)
    # Read again: what counts is what stands in the octets.
    message = dns.message.from_wire(octets, one_rr_per_rrset=True)
    assert reply.sections.rcode == message.rcode()
    assert reply.sections.answers == len(answers)
    assert reply.sections.authorities == len(authority)
    assert reply.sections.body == octets[END:]
    assert list(reply.targets) == _targets(message)
    assert list(reply.addresses) == _addresses(message)
    assert [ttl for _, ttl in reply.sections.ttls] == [ttl for _, ttl, _ in (*answers, *authority)]


@settings(max_examples=100)
@given(RECORDS, st.integers(0, 0x7FFFFFFF))
def test_ttls_are_where_it_says(records: list[tuple[str, int, tuple[str, str]]], new: int) -> None:
    """Written over at those offsets, a codec reads the new TTLs and all else unchanged."""
    lines = [f"{owner} {ttl} {rtype} {rdata}" for owner, ttl, (rtype, rdata) in records]
    octets = bytearray(upstream_packet(NAME, "A", *lines))
    before = dns.message.from_wire(bytes(octets), one_rr_per_rrset=True)
    for offset, _ in scan_reply(bytes(octets), END).sections.ttls:
        octets[offset : offset + 4] = new.to_bytes(4)
    after = dns.message.from_wire(bytes(octets), one_rr_per_rrset=True)
    assert [rrset.ttl for rrset in after.answer] == [new] * len(records)
    assert [(r.name, list(r)) for r in after.answer] == [(r.name, list(r)) for r in before.answer]


@settings(max_examples=100)
@given(
    st.lists(
        st.one_of(
            IPV4.map(lambda text: dnslib.RR(NAME, dnslib.QTYPE.A, rdata=dnslib.A(text), ttl=9)),
            IPV6.map(
                lambda text: dnslib.RR(NAME, dnslib.QTYPE.AAAA, rdata=dnslib.AAAA(text), ttl=8)
            ),
            hostile.HOST_NAMES.map(
                lambda text: dnslib.RR(NAME, dnslib.QTYPE.CNAME, rdata=dnslib.CNAME(text), ttl=7)
            ),
        ),
        max_size=5,
    )
)
def test_it_agrees_with_dnslib(records: list[dnslib.RR]) -> None:
    message = dnslib.DNSRecord.question(NAME).reply()
    for record in records:
        message.add_answer(record)
    octets = message.pack()
    parsed = dnslib.DNSRecord.parse(octets)
    reply = scan_reply(octets, END)
    assert [ttl for _, ttl in reply.sections.ttls] == [record.ttl for record in parsed.rr]
    assert [bytes(packed) for packed in reply.addresses] == [
        ip_address(str(record.rdata)).packed
        for record in parsed.rr
        if record.rtype in (codes.A, codes.AAAA)
    ]
    assert list(reply.targets) == [
        from_text(str(record.rdata).lower()) for record in parsed.rr if record.rtype == codes.CNAME
    ]


def _targets(message: dns.message.Message) -> list[bytes]:
    found = []
    for rrset in message.answer:
        for rdata in rrset:
            target = getattr(rdata, "target", None)
            service = isinstance(rdata, dns.rdtypes.svcbbase.SVCBBase)
            aliases = (dns.rdatatype.CNAME, dns.rdatatype.DNAME)
            if target is not None and (service or rdata.rdtype in aliases):
                wire = target.canonicalize().to_wire()
                if not service or wire != b"\0":
                    found.append(wire)
    return found


def _addresses(message: dns.message.Message) -> list[bytes]:
    found = []
    for rrset in message.answer:
        for rdata in rrset:
            if rdata.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                found.append(ip_address(rdata.address).packed)
            elif isinstance(rdata, dns.rdtypes.svcbbase.SVCBBase):
                # In the order of the octets: keys rise (RFC 9460 section 2.2).
                for key in (dns.rdtypes.svcbbase.ParamKey.IPV4HINT, 6):
                    hint = rdata.params.get(key)
                    found += [ip_address(a).packed for a in hint.addresses] if hint else []
    return found


def reply_with(rtype: int, rdata: bytes, *, ttl: int = 60, section: int = 0) -> bytes:
    counts = [0, 0, 0]
    counts[section] = 1
    head = struct.pack(">HHHHHH", 0x1234, 0x8180, 1, *counts)
    record = b"\xc0\x0c" + struct.pack(">HHIH", rtype, 1, ttl, len(rdata)) + rdata
    return head + from_text(NAME) + b"\0\1\0\1" + record


def fault_of(octets: bytes) -> str:
    with pytest.raises(ReplyFault) as caught:
        scan_reply(octets, END)
    return str(caught.value)


@pytest.mark.parametrize(
    ("rtype", "rdata", "what"),
    [
        (codes.A, b"\1\2\3", "A rdata"),
        (codes.A, b"\1\2\3\4\5", "A rdata"),
        (codes.AAAA, bytes(4), "AAAA rdata"),
        (codes.CNAME, b"", "runs off its end"),
        (codes.CNAME, b"\3abc", "runs off its end"),
        (codes.CNAME, b"\xff\xff", "pointer forward"),
        (codes.CNAME, b"\xc0\x2d", "pointer forward"),  # itself
        (codes.CNAME, b"\1a\xc0\x2d", "pointer forward"),  # back to its own start: a loop
        (codes.CNAME, b"\x41abc", "label"),
        (codes.HTTPS, b"\0\1\0\0\4\0\3abc", "address hint"),
        (codes.HTTPS, b"\0\1\0\0\4\0\0", "address hint"),
        (codes.HTTPS, b"\0\1\0\0\6\0\4abcd", "address hint"),
        (codes.HTTPS, b"\0\1\0\0\4\0\x08abcd", "service parameter"),
        (codes.HTTPS, b"\0\1\0\0\4\0", "service parameter"),
        (codes.HTTPS, b"\0", "runs off its end"),
    ],
)
def test_what_cannot_be_inspected_is_refused(rtype: int, rdata: bytes, what: str) -> None:
    assert fault_of(reply_with(rtype, rdata)) == what


def test_rdata_may_not_borrow_from_what_stands_behind_it() -> None:
    """A CNAME whose name goes on past its rdata would be read differently by others."""
    octets = bytearray(reply_with(codes.CNAME, b"\1a\1b\0"))
    octets[END + 10 : END + 12] = b"\0\2"
    octets[8:10] = b"\0\0"
    assert fault_of(bytes(octets)) == "name in rdata"


def test_more_records_than_anybody_needs_are_refused() -> None:
    octets = bytearray(GOOD[0])
    octets[6:12] = struct.pack(">HHH", RECORDS_MAX, 1, 0)
    assert fault_of(bytes(octets)) == "too many records"


def test_a_ttl_with_the_top_bit_set_counts_as_zero() -> None:
    """RFC 2181 section 8."""
    reply = scan_reply(reply_with(codes.A, b"\1\2\3\4", ttl=0x80000000), END)
    assert reply.sections.ttls == ((END + 6, 0),)


def test_addresses_beside_the_answer_are_dropped_and_not_inspected() -> None:
    for section in (1, 2):
        reply = scan_reply(reply_with(codes.A, b"\1\2\3\4", section=section), END)
        assert reply.addresses == ()
    assert reply.sections.body == b""


def test_extended_errors_and_rcode_are_read() -> None:
    """RFC 8914; RFC 6891 section 6.1.3: the OPT record holds the rcode's upper bits."""
    message = dns.message.from_wire(GOOD[0])
    errors = [dns.edns.EDEOption(code, text) for code, text in ((15, "no"), (6, None), (9, "x"))]
    message.use_edns(0, 0, 1232, options=[dns.edns.GenericOption(10, b"cookie!!"), *errors])
    message.set_rcode(dns.rcode.BADVERS)
    reply = scan_reply(message.to_wire(), END)
    assert reply.errors == ((15, "no"), (6, ""))  # two are enough
    assert reply.sections.rcode == codes.BADVERS


def test_an_error_text_that_is_not_utf_8_is_mended() -> None:
    rdata = struct.pack(">HHH", codes.EXTENDED_ERROR, 4, 15) + b"\xff\xfe"
    octets = reply_with(codes.OPT, rdata, ttl=0, section=2)
    assert scan_reply(octets, END).errors == ((15, "\ufffd\ufffd"),)


@pytest.mark.parametrize(
    ("ttl", "minimum", "lives"), [(900, 60, 60), (30, 60, 30), (1 << 31, 9, 0)]
)
def test_negative_ttl_is_the_lesser_of_two(ttl: int, minimum: int, lives: int) -> None:
    """RFC 2308 section 5."""
    rdata = b"\0\0" + struct.pack(">IIIII", 1, 2, 3, 4, minimum)
    octets = reply_with(codes.SOA, rdata, ttl=ttl, section=1)
    assert scan_reply(octets, END).negative_ttl == lives
    answered = reply_with(codes.SOA, rdata, ttl=ttl)
    assert scan_reply(answered, END).negative_ttl is None  # an answer to a question for SOA


@settings(max_examples=300)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_reading_a_name_agrees_with_dnspython(octets: bytes, at: int) -> None:
    try:
        name, behind = read_name(octets, at, len(octets))
    except (ReplyFault, IndexError):
        with pytest.raises(dns.exception.DNSException):
            dns.name.from_wire(octets, at)
        return
    try:
        expected, used = dns.name.from_wire(octets, at)
    except dns.exception.DNSException:
        # It refuses names that run over their own pointer. Others read those, and so do we.
        assert dns.name.from_wire(name, 0)[1] == len(name) <= 255
        return
    assert (name, behind) == (expected.to_wire().lower(), at + used)


@given(st.lists(st.sampled_from([b"\1a", b"\xc0\x00", b"\xc0\x02", b"\0"]), max_size=30))
def test_names_of_nothing_but_pointers_agree_too(parts: list[bytes]) -> None:
    octets = b"".join(parts)
    for at in range(len(octets)):
        test_reading_a_name_agrees_with_dnspython.hypothesis.inner_test(octets, at)  # type: ignore[attr-defined]


def test_the_slowest_reply_is_quick() -> None:
    """RECORDS_MAX names of 127 labels each, all behind pointers: bounded. Measured at 9 ms."""
    long_name = b"\1a" * 127 + b"\0"
    head = struct.pack(">HHHHHH", 1, 0x8180, 1, RECORDS_MAX, 0, 0) + long_name + b"\0\5\0\1"
    record = b"\xc0\x0c" + struct.pack(">HHIH", codes.CNAME, 1, 60, 2) + b"\xc0\x0c"
    begun = time.perf_counter()
    reply: Reply = scan_reply(head + record * RECORDS_MAX, len(head))
    assert time.perf_counter() - begun < 2
    assert reply.targets == (long_name,) * RECORDS_MAX
