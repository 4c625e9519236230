"""UDP (RFC 1035 section 4.2.1): the hot path.

Sockets are read directly in the loop's ready callback, many packets a wake-up, and answered out of
the memo: look up, patch the ID, send, append one event. Anything else goes to the service. Measured
on one core over loopback: 7 us a query, of which the kernel takes four fifths.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

from resolver.listeners import Bind
from resolver.service import EVENTS_MAX, Service

BURST: Final = 64
"""Packets read before the loop looks at anything else."""
QUERY_OCTETS_MAX: Final = 1232
"""A longer query is cut, and then is no query: real ones are below 512 (RFC 8467 pads to 128s)."""
BUFFER_OCTETS: Final = 4 << 20
"""Asked of the kernel for a socket; holds about 5,000 queries while a snapshot is swapped."""


KIND: Final = socket.SOCK_DGRAM


async def listen(service: Service, bind: Bind, *, shared: bool) -> "UdpListener":
    """Open a socket on `bind` and answer what comes."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((bind.host, bind.port))
        return UdpListener(service, sock)
    except OSError:
        sock.close()
        raise


async def adopt(service: Service, sock: socket.socket) -> "UdpListener":
    """Answer what comes to a bound socket."""
    return UdpListener(service, sock)


class UdpListener:
    """One UDP socket."""

    def __init__(self, service: Service, sock: socket.socket) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self._socket: Final = sock
        sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_OCTETS)
        self.port: Final[int] = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket.fileno(), _reader(self._socket, service))

    def close(self) -> None:
        """Take no more queries."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()


def _reader(sock: socket.socket, service: Service) -> Callable[[], None]:
    """The ready callback, with everything it touches for each packet in local names."""
    receive, send, clock = sock.recvfrom, sock.sendto, service.clock
    record_of = service.records.get
    admit, handle, turn_away = service.admit, service.handle, service.turn_away

    def reply_to(peer: tuple[str, int]) -> Callable[[bytes], None]:
        def reply(octets: bytes) -> None:
            try:  # noqa: SIM105 - `suppress` costs 0.4 us, this nothing
                send(octets, peer)
            except OSError:
                pass  # A full buffer or a vanished peer loses this answer; the stub will ask again.

        return reply

    def read() -> None:
        at = clock()
        hits = service.hits
        note = hits.append
        if len(hits) >= EVENTS_MAX:
            service.events_dropped += len(hits)
            hits.clear()
        try:
            for _ in range(BURST):
                packet, peer = receive(QUERY_OCTETS_MAX)
                record = record_of(peer[0]) or admit(peer[0], at)
                record.tokens -= 1
                if record.tokens < 0 and not record.may_ask(at):
                    turn_away(packet, record, reply_to(peer))
                    continue
                answer = record.memo.get(packet[2:])
                if answer is not None and at < answer.good_until:
                    if at >= answer.fresh_until:
                        answer.refresh(at)
                    send(packet[:2] + answer.tail, peer)
                    note((at, record, answer))
                    continue
                handle(packet, record, at, reply_to(peer), "udp")
        except BlockingIOError:
            pass
        except OSError as fault:
            # ECONNREFUSED and kin: some earlier peer is gone. The next wake-up reads on.
            if fault.errno == errno.EBADF:
                raise

    return read
