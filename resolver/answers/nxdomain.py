"""The name does not exist (RFC 2308 section 2.1): every client gives up at once. The default.

The SOA belongs to the parent name, so that what is denied is the name and all below it, nothing
beside.
"""

from resolver.sections import Pages, Sections
from resolver.wire import codes, compose
from resolver.wire.query import Query


def build(query: Query, ttl: int, pages: Pages) -> Sections:
    """NXDOMAIN with an SOA that lets it be kept for `ttl` seconds."""
    del pages
    parent = 12 + 1 + query.name[0] if query.name[0] else 12
    owner = bytes((0xC0, parent))
    return Sections(codes.NXDOMAIN, 0, 1, compose.soa(owner, ttl, b"\x08lychgate\x08internal\0"))
