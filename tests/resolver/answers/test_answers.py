"""Every file of `resolver/answers/` keeps the folder's promises; a new one is tested by being
there."""

from __future__ import annotations

import inspect
from importlib import import_module

import dns.message
import dns.rdatatype
import dnslib
import pytest

from resolver import answers
from resolver.sections import Pages
from resolver.wire import codes, compose
from tests.resolver.venue import question

PAGES = [
    Pages(),
    Pages(ipv4=b"\x0a\0\0\1"),
    Pages(b"\x0a\0\0\1", bytes.fromhex("fd000000000000000000000000000001")),
]
QTYPES = ["A", "AAAA", "CNAME", "HTTPS", "SVCB", "TXT", "MX", "SOA", "NS", "ANY", "TYPE65280"]
NAMES = ["bets.example", "a.very.long.name.below.bets.example", "com", ".", "x" * 63 + ".example"]


def build(kind: str, name: str, qtype: str, pages: Pages, ttl: int = 10) -> dns.message.Message:
    """The whole answer, read by dnspython (which raises for any broken pointer)."""
    query = question(name, qtype)
    sections = answers.choose(kind)(query, ttl, pages)
    octets = compose.answer(
        query, sections.rcode, sections.answers, sections.authorities, sections.body, ()
    )
    dnslib.DNSRecord.parse(b"\0\0" + octets)
    return dns.message.from_wire(b"\0\0" + octets)


def test_the_folder_is_the_list() -> None:
    assert answers.KINDS == ("nodata", "null_address", "nxdomain", "page_address", "refused")


@pytest.mark.parametrize("kind", answers.KINDS)
def test_a_kind_says_what_it_is(kind: str) -> None:
    module = import_module(f"resolver.answers.{kind}")
    assert module.__doc__ and len(module.__doc__) > 40
    assert list(inspect.signature(module.build).parameters) == ["query", "ttl", "pages"]
    assert module.build.__doc__


@pytest.mark.parametrize("kind", answers.KINDS)
@pytest.mark.parametrize("pages", PAGES, ids=["no page", "IPv4 page", "both pages"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_has_one_rcode_whatever_is_asked(kind: str, pages: Pages, name: str) -> None:
    """RFC 8020: an NXDOMAIN denies the name, so another type must not have data."""
    assert len({build(kind, name, qtype, pages).rcode() for qtype in QTYPES}) == 1


@pytest.mark.parametrize("kind", answers.KINDS)
@pytest.mark.parametrize("pages", PAGES, ids=["no page", "IPv4 page", "both pages"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ttl", [0, 10])
def test_what_a_stub_keeps_it_keeps_for_the_ttl(
    kind: str, pages: Pages, name: str, ttl: int
) -> None:
    """Data of the type asked, about the name asked; or an SOA at or above it (RFC 2308)."""
    for qtype in QTYPES:
        message = build(kind, name, qtype, pages, ttl)
        asked = message.question[0]
        for rrset in message.answer:
            assert (rrset.name, rrset.rdtype, rrset.ttl) == (asked.name, asked.rdtype, ttl)
        for rrset in message.authority:
            assert rrset.rdtype == dns.rdatatype.SOA
            assert asked.name.is_subdomain(rrset.name)
            assert rrset.ttl == rrset[0].minimum == ttl
        if message.rcode() != codes.REFUSED:
            assert len(message.answer) + len(message.authority) == 1


def addresses(kind: str, qtype: str, pages: Pages) -> list[str]:
    message = build(kind, "bets.example", qtype, pages)
    return [rdata.to_text() for rrset in message.answer for rdata in rrset]


def test_each_kind_answers_as_its_name_says() -> None:
    both = PAGES[2]
    assert build("nxdomain", "bets.example", "A", both).rcode() == codes.NXDOMAIN
    assert build("nodata", "bets.example", "A", both).rcode() == codes.NOERROR
    assert build("refused", "bets.example", "A", both).rcode() == codes.REFUSED
    assert addresses("null_address", "A", both) == ["0.0.0.0"]
    assert addresses("null_address", "AAAA", both) == ["::"]
    assert addresses("page_address", "A", both) == ["10.0.0.1"]
    assert addresses("page_address", "AAAA", both) == ["fd00::1"]
    assert addresses("page_address", "AAAA", PAGES[1]) == []
    for kind in answers.KINDS:
        assert addresses(kind, "HTTPS", both) == []


def test_nxdomain_denies_the_name_and_nothing_beside_it() -> None:
    """The SOA's owner is the parent, so that a sibling's answer is not denied with it."""
    message = build("nxdomain", "www.bets.example", "A", Pages())
    assert message.authority[0].name.to_text() == "bets.example."


def test_an_unknown_kind_is_answered_with_the_list() -> None:
    with pytest.raises(answers.UnknownKind, match=r"'nxdomian' is not .* nodata, null_address, "):
        answers.choose("nxdomian")
