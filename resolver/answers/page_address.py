"""The address of the block page, which says why and offers help (need N13).

Over HTTPS a browser shows a certificate warning instead: docs/limits.md says what to do about it.
Where no page address is set for a type, the name has no data of it.
"""

from resolver.answers import nodata
from resolver.sections import Pages, Sections
from resolver.wire import codes, compose
from resolver.wire.query import Query


def build(query: Query, ttl: int, pages: Pages) -> Sections:
    """A or AAAA with the page's address; NODATA for any other type."""
    rdata = {codes.A: pages.ipv4, codes.AAAA: pages.ipv6}.get(query.qtype)
    if rdata is None:
        return nodata.build(query, ttl, pages)
    body = compose.record(compose.QNAME, query.qtype, ttl, rdata)
    return Sections(codes.NOERROR, 1, 0, body)
