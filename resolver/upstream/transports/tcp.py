"""TCP to one upstream (RFC 7766): for answers that do not fit into UDP, and for doubtful ones.

Connections are kept and shared (`resolver.upstream.streams`); what cannot be forged off-path needs
no more than a matching ID and question.
"""

from __future__ import annotations

from resolver.upstream.streams import Plain, StreamTransport
from resolver.upstream.transports import Deliver, Endpoint


def connect(endpoint: Endpoint, deliver: Deliver) -> StreamTransport:
    """A way to `endpoint`; `deliver` gets every reply that matches its question."""
    return StreamTransport(endpoint, deliver, Plain())
