"""Names and types that are answered here and never sent to an upstream.

Special-use names (RFC 6761 and kin), empty reverse zones (RFC 6303), types that a forwarder does
not forward, and the canaries by which browsers and phones ask whether they may go round this
resolver (need N10). Pure: tables and one function.
"""

from typing import Final

from categoriser.matches import Match
from categoriser.names import from_text
from resolver.answers import nodata, nxdomain, page_address
from resolver.sections import Pages, Sections
from resolver.wire import codes, compose
from resolver.wire.query import Query

TTL_SECONDS: Final = 3600
"""Of an answer about a special name: it will not change."""

PAGE_TTL_SECONDS: Final = 60
"""Of an answer about the name of the block page: an administrator may move it."""

_PRIVATE_REVERSE: Final = (
    "0.in-addr.arpa",
    "10.in-addr.arpa",
    "127.in-addr.arpa",
    "254.169.in-addr.arpa",
    *(f"{octet}.172.in-addr.arpa" for octet in range(16, 32)),
    "168.192.in-addr.arpa",
    *(f"{octet}.100.in-addr.arpa" for octet in range(64, 128)),
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    f"{'0.' * 32}ip6.arpa",
    f"1.{'0.' * 31}ip6.arpa",
    "d.f.ip6.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
)
"""RFC 6303 sections 4.2-4.6 and RFC 7793: reverse zones that must not leak to the root."""

NONEXISTENT: Final = frozenset(
    from_text(name)
    for name in (
        "invalid",  # RFC 6761 section 6.4
        "test",  # RFC 6761 section 6.2
        "local",  # RFC 6762 section 22.1: multicast DNS only
        "onion",  # RFC 7686 section 2
        "home.arpa",  # RFC 8375 section 4
        "internal",  # reserved for private use by ICANN, 2024
        "alt",  # RFC 9476
        *_PRIVATE_REVERSE,
    )
)
"""Names that do not exist, with all below them, unless a conditional forward says otherwise."""

_LOCALHOST: Final = from_text("localhost")
_RESOLVER_ARPA: Final = from_text("resolver.arpa")
_HINFO: Final = b"\x07RFC8482\x00"

CANARIES: Final = {
    from_text(name): (Match(category, name, ("lychgate:canary",)),)
    for name, category in (
        ("use-application-dns.net", "circumvention-doh"),  # Firefox asks before it turns DoH on
        ("mask.icloud.com", "circumvention-relay"),  # Apple devices ask before using Private Relay
        ("mask-h2.icloud.com", "circumvention-relay"),
    )
}
"""Canary names and the category policy decides them by; their block answer is NXDOMAIN."""


def ancestors(name: bytes) -> list[bytes]:
    """The name and all names above it, the root left out."""
    found = []
    while name[0]:
        found.append(name)
        name = name[name[0] + 1 :]
    return found


def answer_page(query: Query, pages: Pages) -> Sections:
    """The answer about the name of the block page itself, which is nobody else's to answer."""
    return page_address.build(query, PAGE_TTL_SECONDS, pages)


def answer_special(query: Query, *, routed: bool) -> Sections | None:
    """The answer to a question that needs no upstream and no policy, or None.

    `routed`: a conditional forward takes the name, so it exists after all.
    """
    if query.qclass != codes.IN:  # CHAOS names would tell what software runs here.
        return Sections(codes.REFUSED)
    if codes.IXFR <= query.qtype <= codes.MAILA:  # Zone transfers and RFC 883's mail queries.
        return Sections(codes.NOTIMP)
    name = query.name
    if not routed and name.endswith(RESERVED_ENDS):
        return _answer_reserved(query)
    return None


def answer_any() -> Sections:
    """The answer to ANY about a name that is not blocked: one small record (RFC 8482 4.2)."""
    body = compose.record(compose.QNAME, codes.HINFO, TTL_SECONDS, _HINFO)
    return Sections(codes.NOERROR, 1, 0, body)


def _answer_reserved(query: Query) -> Sections | None:
    above = ancestors(query.name)
    if _LOCALHOST in above[-1:]:  # RFC 6761 section 6.3
        rdata = {codes.A: b"\x7f\0\0\1", codes.AAAA: bytes(15) + b"\1"}.get(query.qtype)
        if rdata is None:
            return nodata.build(query, TTL_SECONDS, Pages())
        body = compose.record(compose.QNAME, query.qtype, TTL_SECONDS, rdata)
        return Sections(codes.NOERROR, 1, 0, body)
    if _RESOLVER_ARPA in above:  # RFC 9462 section 6.4: never forwarded; we offer no encrypted DNS
        return nodata.build(query, TTL_SECONDS, Pages())
    if not NONEXISTENT.isdisjoint(above):
        return nxdomain.build(query, TTL_SECONDS, Pages())
    return None


RESERVED_ENDS: Final = tuple(
    {ancestors(name)[-1] for name in (*NONEXISTENT, _LOCALHOST, _RESOLVER_ARPA)}
)
"""Ends of all reserved names: one look lets an ordinary name pass."""
