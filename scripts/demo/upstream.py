"""An upstream that knows every name: nothing of the demonstration leaves the machine."""

from __future__ import annotations

import socket
import threading
from typing import Final

from dnslib import QTYPE, RR, A, DNSError, DNSRecord

ADDRESS: Final = "198.51.100.80"
"""For documentation (RFC 5737): nobody is there."""


def start() -> int:
    """Answer on a port of loopback, on a thread; the port."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))
    threading.Thread(target=_answer, args=(listening,), daemon=True).start()
    port: int = listening.getsockname()[1]
    return port


def _answer(listening: socket.socket) -> None:
    while True:
        packet, client = listening.recvfrom(4096)
        try:
            reply = DNSRecord.parse(packet).reply()
        except DNSError:
            continue
        if reply.q.qtype == QTYPE.A:
            reply.add_answer(RR(reply.q.qname, QTYPE.A, ttl=60, rdata=A(ADDRESS)))
        listening.sendto(reply.pack(), client)
