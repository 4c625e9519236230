"""Names and types answered here: each zone's apex and what is below it, and never a name beside."""

from __future__ import annotations

import pytest

from categoriser.names import from_text, to_text
from categoriser.taxonomy import load
from resolver.sections import Sections
from resolver.special import (
    CANARIES,
    NONEXISTENT,
    ancestors,
    answer_any,
    answer_special,
)
from resolver.wire import codes
from tests.resolver.venue import question


def answer(name: str, qtype: str = "A", *, routed: bool = False) -> Sections | None:
    return answer_special(question(name, qtype), routed=routed)


@pytest.mark.parametrize("zone", sorted(map(to_text, NONEXISTENT)))
def test_a_reserved_zone_does_not_exist(zone: str) -> None:
    for name in (zone, f"a.{zone}", f"B.a.{zone.upper()}"):
        for qtype in ("A", "PTR", "TXT"):
            sections = answer(name, qtype)
            assert sections is not None
            assert sections.rcode == codes.NXDOMAIN
        assert answer(name, routed=True) is None


@pytest.mark.parametrize(
    "name",
    [
        ".",
        "com",
        "www.example.com",
        "latest",  # ends like `test`, is another label
        "local.example",
        "onion.example.org",
        "home.arpa.example",
        "arpa",
        "in-addr.arpa",
        "9.9.9.9.in-addr.arpa",
        "16.172.example",
        "15.172.in-addr.arpa",
        "32.172.in-addr.arpa",
        "63.100.in-addr.arpa",
        "128.100.in-addr.arpa",
        "110.in-addr.arpa",
        "e.f.ip6.arpa",
        "notlocalhost",
        "localhost.example",
        "xresolver.arpa",
    ],
)
def test_a_name_beside_is_nothing_special(name: str) -> None:
    assert answer(name) is None


def test_a_label_cannot_imitate_a_reserved_end() -> None:
    """The octets `\\5local\\0` may stand inside one label; the name still ends otherwise."""
    assert answer("a\\005local") is None
    assert answer("xx\\005test.com") is None


@pytest.mark.parametrize("name", ["localhost", "a.b.localhost", "LOCALHOST"])
def test_localhost_is_the_loopback(name: str) -> None:
    """RFC 6761 section 6.3."""
    four, six, other = answer(name), answer(name, "AAAA"), answer(name, "MX")
    assert four is not None and four.body.endswith(b"\x7f\0\0\1")
    assert six is not None and six.body.endswith(bytes(15) + b"\1")
    assert other is not None
    assert (other.rcode, other.answers, other.authorities) == (codes.NOERROR, 0, 1)


def test_the_resolvers_own_zone_stays_here() -> None:
    """RFC 9462 section 6.4."""
    sections = answer("_dns.resolver.arpa", "SVCB")
    assert sections is not None
    assert (sections.rcode, sections.answers) == (codes.NOERROR, 0)


@pytest.mark.parametrize("qtype", ["IXFR", "AXFR", "MAILB", "MAILA"])
def test_what_a_forwarder_does_not_do(qtype: str) -> None:
    for routed in (False, True):
        sections = answer("www.example.com", qtype, routed=routed)
        assert sections is not None and sections.rcode == codes.NOTIMP


@pytest.mark.parametrize("qclass", [0, 2, 3, 4, 254, 255])
def test_other_classes_are_refused(qclass: int) -> None:
    query = question("version.bind", "TXT")
    chaos = type(query)(
        query.name, query.question, query.qtype, qclass, query.flags, False, False, 512, b""
    )
    sections = answer_special(chaos, routed=False)
    assert sections is not None and sections.rcode == codes.REFUSED


def test_any_is_one_small_record() -> None:
    """RFC 8482 section 4.2."""
    assert (answer_any().answers, len(answer_any().body)) == (1, 21)


def test_canaries_have_categories_that_exist() -> None:
    for name, matches in CANARIES.items():
        assert name == from_text(to_text(name))
        assert all(match.category in load() and not match.keyword for match in matches)


def test_ancestors_from_the_name_up() -> None:
    assert [to_text(name) for name in ancestors(from_text("a.b.example"))] == [
        "a.b.example",
        "b.example",
        "example",
    ]
    assert ancestors(b"\0") == []
