"""REFUSED: the resolver will not answer (RFC 1035 section 4.1.1).

Many stubs then ask their next resolver: use it only where this one is the only one.
"""

from resolver.sections import Pages, Sections
from resolver.wire import codes
from resolver.wire.query import Query


def build(query: Query, ttl: int, pages: Pages) -> Sections:
    """REFUSED without sections."""
    del query, ttl, pages
    return Sections(codes.REFUSED)
