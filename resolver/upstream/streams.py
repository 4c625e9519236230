"""Streams to one upstream: connections that are kept, with many questions on each at a time and
answers in any order (RFC 7766 sections 6.2 and 7). What TCP and TLS have in common.

A connection is opened when there is a question, closed when nothing was asked for a while, and
replaced after a number of questions. One that cannot be opened is not tried again at once. Whatever
an upstream does ends as a word in `deliver` or a count, never as an exception: `network`,
`handshake`, `certificate`, `closed`, `silent`, `malformed`, `mismatched`, `full`.
"""

from __future__ import annotations

import asyncio
import random
from os import urandom
from typing import Any, Final, NamedTuple, Protocol, cast

from resolver.upstream.transports import Deliver, Endpoint

CONNECTIONS_MAX: Final = 4
"""Connections to one upstream at a time."""
PIPELINE_BUSY: Final = 64
"""With so many questions waiting on every connection another one is opened."""
PIPELINE_MAX: Final = 256
"""Questions that wait on one connection; when all are full, a question fails at once."""
QUERIES_MAX: Final = 20_000
"""Questions after which a connection is replaced."""
STRAYS_MAX: Final = 64
"""Answers to no question of ours after which a connection is given up."""
CONNECT_SECONDS_MAX: Final = 3.0
"""For TCP and TLS together."""
SILENCE_SECONDS_MAX: Final = 4.0
"""A connection that says nothing for so long while questions wait is dead."""
IDLE_SECONDS: Final = 10.0
"""A connection without questions is closed after this (RFC 7766 section 6.2.3)."""
REST_SECONDS_MIN: Final = 0.25
REST_SECONDS_MAX: Final = 30.0
"""After a failure nothing is opened for so long, doubled with each failure in a row."""
_WATCH_SECONDS: Final = 1.0


class Security(Protocol):
    """How a connection is made safe."""

    pads: bool

    async def arguments(self) -> dict[str, Any]:
        """What `create_connection` needs for it. Raises OSError."""

    def trouble(self, transport: asyncio.BaseTransport) -> str:
        """What is wrong with the other end, now that there is a connection; nothing: good."""

    def explain(self, fault: BaseException) -> str:
        """Why there is no connection, beginning with one of the words."""


class Plain:
    """No encryption at all."""

    pads = False

    async def arguments(self) -> dict[str, Any]:
        """Nothing is needed."""
        return {}

    def trouble(self, transport: asyncio.BaseTransport) -> str:
        """Nobody is verified."""
        return ""

    def explain(self, fault: BaseException) -> str:
        """TCP can only fail as networks do."""
        if isinstance(fault, TimeoutError):
            return f"network: no connection within {CONNECT_SECONDS_MAX:g} s"
        return f"network: {getattr(fault, 'strerror', None) or fault}"


class _Waiting(NamedTuple):
    """A question on a connection."""

    exchange: Any
    wire: bytes
    again: bool
    """It was sent before, on a connection that was closed under it."""


class StreamTransport:
    """One upstream over connections that are kept."""

    def __init__(
        self,
        endpoint: Endpoint,
        deliver: Deliver,
        security: Security,
        instead: StreamTransport | None = None,
    ) -> None:
        """`instead` takes the questions while no connection can be opened."""
        self.endpoint: Final = endpoint
        self.deliver: Final = deliver
        self.security: Final = security
        self._instead: Final = instead
        self._loop: Final = asyncio.get_running_loop()
        self.connections: list[_Connection] = []
        self.mismatches = 0
        """Answers that no question of ours was waiting for."""
        self.opened = 0
        """Connections opened so far."""
        self._failures = 0
        self._rests_until = 0.0
        self._why = ""

    def ask(self, exchange: Any, wire: bytes) -> None:
        """Send one query over a connection with room, opening one if need be."""
        if self.security.pads:
            wire = padded(wire)
        self.send(_Waiting(exchange, wire, False))

    def send(self, waiting: _Waiting) -> None:
        """Put a question on a connection, or say why there is none for it."""
        best: _Connection | None = None
        for connection in self.connections:
            if not connection.retired and (
                best is None or len(connection.pending) < len(best.pending)
            ):
                best = connection
        if best is None or len(best.pending) >= PIPELINE_BUSY:
            resting = self._loop.time() < self._rests_until
            if not resting and len(self.connections) < CONNECTIONS_MAX:
                best = _Connection(self)
                self.connections.append(best)
            elif best is None and resting:
                self.refuse(waiting, self._why)
                return
        if best is None or len(best.pending) >= PIPELINE_MAX:
            self.deliver(waiting.exchange, None, "full: too many questions on the way")
            return
        best.send(waiting)

    def refuse(self, waiting: _Waiting, why: str) -> None:
        """No connection could be opened for this one."""
        if self._instead is None:
            self.deliver(waiting.exchange, None, why)
        else:
            self._instead.send(waiting)

    def forget(self, exchange: Any) -> None:
        """Nobody waits for this exchange any more."""
        if exchange.channel is not None:
            exchange.channel.forget(exchange)

    def close(self) -> None:
        """Close every connection; nobody is told."""
        for connection in list(self.connections):
            connection.drop()
        if self._instead is not None:
            self._instead.close()

    def worked(self) -> None:
        """An answer came."""
        self._failures = 0

    def failed(self, why: str) -> None:
        """A connection could not be opened, or brought nothing: rest before the next."""
        rest = min(REST_SECONDS_MIN * 2 ** min(self._failures, 10), REST_SECONDS_MAX)
        self._failures += 1
        # Many resolvers must not come back at the same moment.
        self._rests_until = self._loop.time() + rest * random.uniform(0.75, 1.25)
        self._why = why


class _Connection(asyncio.Protocol):
    """One connection and the questions that wait on it."""

    def __init__(self, owner: StreamTransport) -> None:
        self._owner: Final = owner
        self._loop: Final = owner._loop
        self.pending: dict[int, _Waiting | None] = {}
        """By ID. None: forgotten, but its answer may still come, so the ID is not free."""
        self._forgotten = 0
        self.retired = False
        self._ready = False
        self._heard = 0
        self._asked = 0
        self._strays = 0
        self._quiet_since = self._loop.time()
        self._outbox: list[bytes] = []
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = self._loop.create_task(self._open())

    def send(self, waiting: _Waiting) -> None:
        """Send a question, with all others of this turn of the loop, once the way is open."""
        pending = self.pending
        if not pending:
            self._quiet_since = self._loop.time()
        octets = urandom(2)
        while (number := octets[0] << 8 | octets[1]) in pending:
            octets = urandom(2)
        pending[number] = waiting
        waiting.exchange.number = number
        waiting.exchange.channel = self
        if self._ready and not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append((len(waiting.wire) + 2).to_bytes(2) + octets + waiting.wire)
        self._asked += 1
        if self._asked >= QUERIES_MAX:
            self.retired = True

    def forget(self, exchange: Any) -> None:
        """Nobody waits for this one; its ID stays taken until its answer has come."""
        exchange.channel = None
        self.pending[exchange.number] = None
        self._forgotten += 1
        if self._forgotten > PIPELINE_MAX // 2:
            self.retired = True
        self._close_if_done()

    def drop(self) -> None:
        """Close now; who waits is not told."""
        if self in self._owner.connections:
            self._owner.connections.remove(self)
        for waiting in self.pending.values():
            if waiting is not None:
                waiting.exchange.channel = None
        self.pending, self._outbox = {}, []
        self.retired = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The way is open, but not yet judged."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages (RFC 1035 section 4.2.2)."""
        if not self._ready:
            self._end("malformed: it spoke before it was asked", failed=True)
            return
        self._quiet_since = self._loop.time()
        buffer = self._buffer
        buffer += data
        at, size = 0, len(buffer)
        while size - at >= 2:
            end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
            if end > size:
                break
            self._take(bytes(buffer[at + 2 : end]))
            if self._transport is None:
                return  # It was garbage, and the connection is gone.
            at = end
        del buffer[:at]
        self._close_if_done()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end closed, or the network did."""
        if self._transport is None or self._opening is not None:
            return  # We did, or `_open` will hear of it.
        why = f"closed: {exc}" if exc else "closed: the upstream closed the connection"
        self._end(why, failed=not self._heard and bool(self.pending), again=bool(self._heard))

    async def _open(self) -> None:
        owner = self._owner
        security = owner.security
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                arguments = await security.arguments()
                endpoint = owner.endpoint
                transport, _ = await self._loop.create_connection(
                    lambda: self, endpoint.host, endpoint.port, **arguments
                )
            why = security.trouble(transport)
        except (
            OSError,
            ValueError,
        ) as fault:  # every `ssl.SSLError` and TimeoutError is an OSError
            why = security.explain(fault)
        self._opening = None
        if why:
            self._end(why, failed=True, opening=True)
            return
        if self._transport is None or self._transport.is_closing():
            self._end("closed: the upstream closed the connection", failed=True)
            return
        owner.opened += 1
        self._ready = True
        self._quiet_since = self._loop.time()
        self._timer = self._loop.call_later(_WATCH_SECONDS, self._watch)
        self._flush()

    def _flush(self) -> None:
        """One write for all, so that they share a segment and a TLS record."""
        if self._transport is not None and self._outbox:
            self._transport.write(b"".join(self._outbox))
            self._outbox = []

    def _take(self, packet: bytes) -> None:
        owner = self._owner
        if len(packet) < 12 or not packet[2] & 0x80:
            self._end("malformed: what came is no answer", failed=True)
            return
        number = packet[0] << 8 | packet[1]
        if number not in self.pending:
            owner.mismatches += 1
            self._strays += 1
            if self._strays > STRAYS_MAX:
                self._end("mismatched: too many answers to nobody", failed=True)
            return
        waiting = self.pending.pop(number)
        if waiting is None:  # Late, and nobody waits.
            self._forgotten -= 1
            return
        exchange, wire, _ = waiting
        exchange.channel = None
        end = exchange.question_end
        if packet[4:6] != b"\0\1" or packet[12:end].lower() != wire[10 : end - 2].lower():
            owner.mismatches += 1
            owner.deliver(exchange, None, "mismatched: it answers another question")
            return
        if not self._heard:
            owner.worked()
        self._heard += 1
        owner.deliver(exchange, packet, "")

    def _watch(self) -> None:
        """Once a second: close what is idle, give up what is dead."""
        self._timer = None
        quiet = self._loop.time() - self._quiet_since
        if self.pending and quiet >= SILENCE_SECONDS_MAX:
            self._end("silent: no answer on a connection that stands", failed=True)
        elif not self.pending and quiet >= IDLE_SECONDS:
            self.drop()
        else:
            self._timer = self._loop.call_later(_WATCH_SECONDS, self._watch)

    def _close_if_done(self) -> None:
        if self.retired and len(self.pending) == self._forgotten:
            self.drop()

    def _end(self, why: str, *, failed: bool, again: bool = False, opening: bool = False) -> None:
        """Close, and tell everybody who waits; `again`: those who may ask once more do."""
        owner = self._owner
        left = [waiting for waiting in self.pending.values() if waiting is not None]
        self.drop()
        if failed:
            owner.failed(why)
        for waiting in left:
            if opening:
                owner.refuse(waiting, why)
            elif again and not waiting.again:
                # RFC 7766 section 6.2.4: outstanding queries are asked again.
                owner.send(waiting._replace(again=True))
            else:
                owner.deliver(waiting.exchange, None, why)


PAD_TO: Final = 128
"""Queries are padded to a multiple of this (RFC 8467 section 4.1)."""
_PADDING: Final = (12).to_bytes(2)
_OPTION_HEAD: Final = 4


def padded(wire: bytes) -> bytes:
    """A query (without ID, its last record an empty OPT) with a padding option (RFC 7830)."""
    octets = -(len(wire) + 2 + _OPTION_HEAD) % PAD_TO
    size = (octets + _OPTION_HEAD).to_bytes(2)
    return b"".join((wire[:-2], size, _PADDING, octets.to_bytes(2), bytes(octets)))
