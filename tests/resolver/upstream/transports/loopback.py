"""Upstreams on loopback that say what a test wants, and a record of what was delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import dns.message

from categoriser.names import from_text
from resolver.wire import compose
from tests.resolver.venue import upstream_packet

NAME = "www.example.com"
WIRE = compose.upstream_query(
    from_text(NAME) + b"\0\1\0\1", dnssec_ok=False, checking_disabled=False
)
END = 12 + len(from_text(NAME)) + 4
ANSWER = upstream_packet(NAME, "A", f"{NAME} 60 A 192.0.2.1")
WAIT_SECONDS = 5.0


class Exchange:
    """What a transport needs of an exchange."""

    def __init__(self) -> None:
        self.question_end = END
        self.spelled = b""
        self.number = 0
        self.channel: Any = None


class Delivered:
    """Everything a transport brought; `take` waits for the next."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[Any, bytes | None, str]] = asyncio.Queue()

    def __call__(self, exchange: Any, packet: bytes | None, trouble: str) -> None:
        self.queue.put_nowait((exchange, packet, trouble))

    async def take(self) -> tuple[Any, bytes | None, str]:
        return await asyncio.wait_for(self.queue.get(), WAIT_SECONDS)


def reply_to(query: bytes) -> bytes:
    """The right reply: the ID and the question as they came."""
    return query[:2] + ANSWER[2:12] + query[12:END] + ANSWER[END:]


Says = Callable[[bytes], list[bytes]]


class UdpUpstream(asyncio.DatagramProtocol):
    """Answers every datagram with what `says` makes of it."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.heard: list[bytes] = []
        self.ports: list[int] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        dns.message.from_wire(data)
        self.heard.append(data)
        self.ports.append(addr[1])
        for octets in self.says(data):
            self.transport.sendto(octets, addr)


async def udp_upstream(
    says: Says = lambda query: [reply_to(query)], host: str = "127.0.0.1"
) -> UdpUpstream:
    """Start one."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_datagram_endpoint(
        lambda: UdpUpstream(says), local_addr=(host, 0)
    )
    return protocol
