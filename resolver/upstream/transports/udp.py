"""UDP to one upstream: a pool of connected sockets that are used for a while and then replaced.

Whoever wants to forge a reply must guess the port of a socket, the 16-bit ID, and the random case
of the question's letters (RFC 5452 section 9, draft-vixie-dnsext-dns0x20); a connected socket takes
packets from the upstream's address alone. Long-lived sockets cost a fifth of a fresh one for each
question (measured: 2.6 us against 14). A reply that fits in all but the letters' case may be a
forgery, so that question is asked again over TCP.
"""

import asyncio
import errno
import select
import socket
from os import urandom
from typing import Any, Final

from resolver.upstream.transports import Deliver, Endpoint

POOL_SIZE: Final = 32
"""Sockets to one upstream, each with a port of its own chosen by the kernel."""
USES_MAX: Final = 20_000
"""Questions after which a socket is replaced by one with another port."""
BURST: Final = 64
"""Replies read before the loop looks at anything else."""
REPLY_OCTETS_MAX: Final = 4096
RECEIVE_BUFFER_OCTETS: Final = 1 << 20

_LETTERS: Final = bytes(0x20 if chr(o).isalpha() and o < 128 else 0 for o in range(256))
"""Octet -> the bit of a letter's case; nothing for a length octet (below 64)."""
_RANDOM_OCTETS: Final = 16_384
"""Fetched from the kernel at a time: a call for each question would cost 0.4 us."""


def connect(endpoint: Endpoint, deliver: Deliver) -> "UdpTransport":
    """A pool of sockets to `endpoint`; `deliver` gets every reply that matches its question."""
    return UdpTransport(endpoint, deliver)


class UdpTransport:
    """One upstream over UDP."""

    def __init__(self, endpoint: Endpoint, deliver: Deliver) -> None:
        self._endpoint: Final = endpoint
        self._deliver: Final = deliver
        self._loop: Final = asyncio.get_running_loop()
        self._channels: list[_Channel] = []
        self._by_descriptor: dict[int, _Channel] = {}
        # One descriptor for the loop instead of one for each socket: a wake-up then reads exactly
        # the packets there are, and saves 1 us a reply in callbacks and in reads that find nothing.
        self._ready: Final = select.epoll()
        self._loop.add_reader(self._ready.fileno(), self._read)
        self._turn = 0
        self._random = b""
        self._random_at = 0
        self.mismatches = 0
        """Packets that answered no question of ours."""

    def ask(self, exchange: Any, wire: bytes) -> None:
        """Send one query over the pool's next socket, under an ID and in a case of its own."""
        turn = self._turn
        self._turn = turn + 1 if turn + 1 < POOL_SIZE else 0
        channel = self._channels[turn] if turn < len(self._channels) else None
        if channel is None or channel.uses >= USES_MAX:
            channel = self._renew(turn, exchange)
            if channel is None:
                return
        channel.uses += 1
        pending = channel.pending
        end = exchange.question_end - 2  # Of the question, in a message without ID.
        size = end - 14  # The name alone: type and class are not to be touched.
        at = self._random_at
        if at + size + 2 > len(self._random):
            self._random = urandom(_RANDOM_OCTETS)
            at = 0
        self._random_at = at + size + 2
        dice = self._random
        number = dice[at] << 8 | dice[at + 1]
        while number in pending:
            number = int.from_bytes(urandom(2))
        # Flip the case bit of letters where the dice say so (0x20).
        name = wire[10 : 10 + size]
        mask = int.from_bytes(name.translate(_LETTERS)) & int.from_bytes(
            dice[at + 2 : at + 2 + size]
        )
        name = (int.from_bytes(name) ^ mask).to_bytes(size)
        exchange.spelled = name + wire[10 + size : end]
        exchange.number = number
        exchange.channel = channel
        pending[number] = exchange
        try:
            channel.send(number.to_bytes(2) + wire[:10] + name + wire[10 + size :])
        except OSError as fault:
            # A full buffer is a lost packet; anything else: this upstream is out of reach.
            if fault.errno not in (errno.EAGAIN, errno.ENOBUFS):
                channel.forget(exchange)
                self._deliver(exchange, None, f"network: {fault.strerror}")

    def _renew(self, turn: int, exchange: Any) -> "_Channel | None":
        """A fresh socket, and so a fresh port, at this place of the pool."""
        try:
            channel = _Channel(self)
        except OSError as fault:
            self._deliver(exchange, None, f"socket: {fault.strerror}")
            return None
        if turn < len(self._channels):
            self._channels[turn].retire()
            self._channels[turn] = channel
        else:
            self._channels.append(channel)
        return channel

    def forget(self, exchange: Any) -> None:
        """Free the ID of an exchange that nobody waits for."""
        channel: _Channel | None = exchange.channel
        if channel is not None:
            channel.forget(exchange)

    def close(self) -> None:
        """Close all sockets at once."""
        self._loop.remove_reader(self._ready.fileno())
        for channel in list(self._by_descriptor.values()):
            channel.close()
        self._channels = []
        self._ready.close()

    def _read(self) -> None:
        """Read one reply from every socket that has one; the loop comes back for more."""
        by_descriptor = self._by_descriptor
        for descriptor, _ in self._ready.poll(0, BURST):
            channel = by_descriptor.get(descriptor)
            if channel is not None:
                self._read_one(channel)

    def _read_one(self, channel: "_Channel") -> None:
        try:
            packet = channel.receive(REPLY_OCTETS_MAX)
        except BlockingIOError:
            return
        except OSError as fault:
            # ICMP port unreachable, host unreachable ...: nobody on this socket gets an answer.
            for exchange in list(channel.pending.values()):
                channel.forget(exchange)
                self._deliver(exchange, None, f"network: {fault.strerror}")
            return
        pending = channel.pending
        exchange = pending.get(packet[0] << 8 | packet[1]) if len(packet) >= 12 else None
        if exchange is None or packet[2] & 0xF8 != 0x80:  # A response, and to a QUERY.
            self.mismatches += 1
            return
        end = exchange.question_end
        if packet[12:end] == exchange.spelled and packet[4:6] == b"\0\1":
            del pending[exchange.number]
            exchange.channel = None
            if channel.retired and not pending:
                channel.close()
            self._deliver(exchange, packet, "")
            return
        self.mismatches += 1
        if packet[12:end].lower() == exchange.spelled.lower() or len(packet) == 12:
            # A forger's guess, or an upstream that does not keep case: ask over TCP.
            channel.forget(exchange)
            self._deliver(exchange, packet, "case")


class _Channel:
    """One connected socket and the questions that wait on it."""

    __slots__ = ("_owner", "_socket", "pending", "receive", "retired", "send", "uses")

    def __init__(self, owner: UdpTransport) -> None:
        endpoint = owner._endpoint
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        self._owner: Final = owner
        self.pending: dict[int, Any] = {}
        self.retired = False
        self.uses = 0
        self._socket: Final = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        self._socket.connect((endpoint.host, endpoint.port))
        self.send: Final = self._socket.send
        self.receive: Final = self._socket.recv
        owner._by_descriptor[self._socket.fileno()] = self
        owner._ready.register(self._socket.fileno(), select.EPOLLIN)

    def forget(self, exchange: Any) -> None:
        """Nobody waits for this one."""
        self.pending.pop(exchange.number, None)
        exchange.channel = None
        if self.retired and not self.pending:
            self.close()

    def retire(self) -> None:
        """Take no more questions; close when the last one is answered or forgotten."""
        self.retired = True
        if not self.pending:
            self.close()

    def close(self) -> None:
        """Close now."""
        descriptor = self._socket.fileno()
        if descriptor >= 0:
            del self._owner._by_descriptor[descriptor]
            self._owner._ready.unregister(descriptor)
            self._socket.close()
