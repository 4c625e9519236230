"""The name exists but has no data of any type (RFC 2308 section 2.2).

For clients that treat NXDOMAIN as a reason to try a search suffix or another network.
"""

from resolver.sections import Pages, Sections
from resolver.wire import codes, compose
from resolver.wire.query import Query


def build(query: Query, ttl: int, pages: Pages) -> Sections:
    """NOERROR without answers, with an SOA that lets it be kept for `ttl` seconds."""
    del pages
    soa = compose.soa(compose.QNAME, ttl, b"\x08lychgate\x08internal\0")
    return Sections(codes.NOERROR, 0, 1, soa)
