"""A device that asks, as a program of its own, inside a namespace: `python -m
tests.deployment.stub`.

    stub ask NAME ...             asks the servers of /etc/resolv.conf, in their order
    stub burst SERVER EACH SOURCE ...   each source address asks for so many names at once

Prints JSON. It stands on dnspython alone: nothing of ours is asked what we answer.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver

ATTEMPT_SECONDS = 2.0
BURST_SECONDS_MAX = 8.0


def ask(name: str) -> dict[str, Any]:
    """What a device learns about a name: the first server that answers counts."""
    servers = [str(one) for one in dns.resolver.Resolver("/etc/resolv.conf").nameservers]
    for server in servers:
        query = dns.message.make_query(name, "A", use_edns=0)
        try:
            reply = dns.query.udp(query, server, timeout=ATTEMPT_SECONDS)
        except (dns.exception.Timeout, OSError):
            continue
        return {
            "server": server,
            "rcode": dns.rcode.to_text(reply.rcode()),
            "addresses": [str(item) for rrset in reply.answer for item in rrset],
            "ede": [int(one.code) for one in reply.options if isinstance(one, dns.edns.EDEOption)],
            "ttl": min((rrset.ttl for rrset in reply.answer), default=None),
        }
    return {"server": None, "rcode": "NOBODY", "addresses": [], "ede": [], "ttl": None}


def burst(server: str, each: int, sources: list[str]) -> dict[str, int]:
    """Many hosts at once; how many answers came, and how many of them cut short (TC)."""
    socks = []
    for source in sources:
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.setblocking(False)
        socks.append(sock)
    begun = time.monotonic()
    for number in range(each):
        for place, sock in enumerate(socks):
            name = f"www{number}.host{place}.example"
            sock.sendto(dns.message.make_query(name, "A").to_wire(), (server, 53))
        time.sleep(0.002)
    sent_after = time.monotonic() - begun
    answered = cut = 0
    while answered < each * len(socks) and time.monotonic() < begun + BURST_SECONDS_MAX:
        ready, _, _ = select.select(socks, [], [], 1.0)
        if not ready:
            break
        for sock in ready:
            answered += 1
            cut += bool(dns.message.from_wire(sock.recv(4096)).flags & dns.flags.TC)
    return {
        "sent": each * len(socks),
        "answered": answered,
        "cut": cut,
        "milliseconds": round(sent_after * 1000),
    }


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        found: Any = {name: ask(name) for name in sys.argv[2:]}
    else:
        found = burst(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    print(json.dumps(found))
