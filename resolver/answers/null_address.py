"""The unspecified address, 0.0.0.0 or ::, as hosts files use it: a connection fails at once.

Other types have no data. The address is invented, hence EDE 15 and never DNSSEC-signed.
"""

from resolver.answers import nodata
from resolver.sections import Pages, Sections
from resolver.wire import codes, compose
from resolver.wire.query import Query


def build(query: Query, ttl: int, pages: Pages) -> Sections:
    """A or AAAA with the unspecified address; NODATA for any other type."""
    if query.qtype == codes.A:
        rdata = bytes(4)
    elif query.qtype == codes.AAAA:
        rdata = bytes(16)
    else:
        return nodata.build(query, ttl, pages)
    body = compose.record(compose.QNAME, query.qtype, ttl, rdata)
    return Sections(codes.NOERROR, 1, 0, body)
