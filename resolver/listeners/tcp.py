"""TCP (RFC 7766): many queries on one connection, answered as they are ready, in any order.

Everything a client can hold on to is bounded: connections in all and of one address, queries in
progress, unsent octets, and idle time.
"""

import asyncio
import socket
from collections import Counter
from typing import Final, cast

from resolver.listeners import Bind
from resolver.service import ClientRecord, Service

CONNECTIONS_MAX: Final = 512
"""Connections in all."""
CONNECTIONS_PER_ADDRESS_MAX: Final = 128
"""Connections of one address: a whole venue may stand behind it."""
IN_PROGRESS_MAX: Final = 64
"""Unanswered queries of one connection; reading pauses there (RFC 7766 section 6.2.1.1)."""
UNSENT_OCTETS_MAX: Final = 256 * 1024
"""Answers a client has not taken; beyond that it is cut off."""
IDLE_SECONDS: Final = 10.0
"""RFC 7766 section 6.2.3: a few seconds; announced by edns-tcp-keepalive."""


KIND: Final = socket.SOCK_STREAM


async def listen(service: Service, bind: Bind, *, shared: bool) -> "TcpListener":
    """Listen on `bind` and answer what comes."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((bind.host, bind.port))
        return await adopt(service, sock)
    except OSError:
        sock.close()
        raise


async def adopt(service: Service, sock: socket.socket) -> "TcpListener":
    """Listen on a bound socket and answer what comes."""
    listener = TcpListener(service)
    await listener.open(sock)
    return listener


class TcpListener:
    """One listening socket and its connections."""

    def __init__(self, service: Service) -> None:
        self.service: Final = service
        self.connections: Final[set[Connection]] = set()
        self.by_address: Final[Counter[str]] = Counter()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self, sock: socket.socket) -> None:
        """Listen on a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), sock=sock, backlog=128)
        self.port = sock.getsockname()[1]

    def close(self) -> None:
        """Take no more connections and end those there are."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.end()


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, listener: TcpListener) -> None:
        self._listener: Final = listener
        self._service: Final = listener.service
        self._buffer = bytearray()
        self._in_progress = 0
        self._paused = False
        self._address = ""
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._last_active = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept it if there is room for it."""
        # uvloop's transports do not inherit from asyncio.Transport, so a cast and no assertion.
        self._transport = transport = cast(asyncio.Transport, transport)
        listener = self._listener
        self._address = transport.get_extra_info("peername")[0]
        record = self._record()
        if (
            not record.served
            or len(listener.connections) >= CONNECTIONS_MAX
            or listener.by_address[self._address] >= CONNECTIONS_PER_ADDRESS_MAX
        ):
            self._service.limited += 1
            transport.abort()
            return
        listener.connections.add(self)
        listener.by_address[self._address] += 1
        self._last_active = self._service.clock()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._idle is not None:
            self._idle.cancel()
        listener = self._listener
        if self in listener.connections:
            listener.connections.remove(self)
            listener.by_address[self._address] -= 1
            if not listener.by_address[self._address]:
                del listener.by_address[self._address]
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take whole messages off the stream."""
        self._buffer += data
        self._read_messages()

    def end(self) -> None:
        """Close, sending what is still unsent."""
        if self._transport is not None:
            self._transport.close()

    def _record(self) -> ClientRecord:
        service = self._service
        record = service.records.get(self._address)
        return record or service.admit(self._address, service.clock())

    def _read_messages(self) -> None:
        buffer = self._buffer
        while len(buffer) >= 2 and self._in_progress < IN_PROGRESS_MAX:
            size = buffer[0] << 8 | buffer[1]
            if len(buffer) < size + 2:
                break
            packet = bytes(buffer[2 : size + 2])
            del buffer[: size + 2]
            if size < 12:  # Not even a header: this stream will not come back into step.
                self.end()
                return
            self._ask(packet)
        self._set_paused(self._in_progress >= IN_PROGRESS_MAX)

    def _ask(self, packet: bytes) -> None:
        at = self._service.clock()
        self._last_active = at  # A whole message: dripping octets keeps no connection alive.
        record = self._record()
        record.tokens -= 1
        if record.tokens < 0 and not record.may_ask(at):
            self._service.limited += 1
            self.end()
            return
        self._in_progress += 1
        answered = len(packet) >= 12 and packet[2] & 0x80 == 0
        self._service.handle(packet, record, at, self._reply, "tcp")
        if not answered:  # A response is not answered, so nothing will count it down.
            self._in_progress -= 1

    def _reply(self, octets: bytes) -> None:
        self._in_progress -= 1
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > UNSENT_OCTETS_MAX:
            transport.abort()
            return
        transport.write(len(octets).to_bytes(2) + octets)
        if self._paused:
            self._set_paused(False)
            # Not at once: this may be running inside `_read_messages` already.
            asyncio.get_running_loop().call_soon(self._read_messages)

    def _set_paused(self, paused: bool) -> None:
        if self._transport is None or paused == self._paused:
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _watch(self) -> None:
        """Close a connection that has been idle for too long."""
        now = self._service.clock()
        left = self._last_active + IDLE_SECONDS - now
        if left <= 0 and not self._in_progress:
            self.end()
            return
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(max(left, 0.5), self._watch)
