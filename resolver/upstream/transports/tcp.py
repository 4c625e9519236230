"""TCP to one upstream (RFC 7766): for answers that do not fit into UDP, and for doubtful ones.

One connection for each question, closed after its answer; what cannot be forged off-path needs no
more than a matching ID and question.
"""

import asyncio
from os import urandom
from typing import Any, Final

from resolver.upstream.transports import Deliver, Endpoint

CONNECTIONS_MAX: Final = 64
"""Connections to one upstream at a time; a question beyond that fails at once."""
EXCHANGE_SECONDS_MAX: Final = 4.0


def connect(endpoint: Endpoint, deliver: Deliver) -> "TcpTransport":
    """A way to `endpoint`; `deliver` gets every reply that matches its question."""
    return TcpTransport(endpoint, deliver)


class TcpTransport:
    """One upstream over TCP."""

    def __init__(self, endpoint: Endpoint, deliver: Deliver) -> None:
        self._endpoint: Final = endpoint
        self._deliver: Final = deliver
        self._tasks: dict[Any, asyncio.Task[None]] = {}
        self.mismatches = 0

    def ask(self, exchange: Any, wire: bytes) -> None:
        """Start one exchange."""
        if len(self._tasks) >= CONNECTIONS_MAX:
            self._deliver(exchange, None, "too many TCP connections")
            return
        task = asyncio.get_running_loop().create_task(self._run(exchange, wire))
        exchange.channel = task
        self._tasks[exchange] = task  # The loop itself holds tasks by weak references only.
        task.add_done_callback(lambda _: self._tasks.pop(exchange, None))

    def forget(self, exchange: Any) -> None:
        """Stop an exchange that nobody waits for."""
        task = self._tasks.pop(exchange, None)
        if task is not None:
            exchange.channel = None  # Task and exchange would hold each other for ever.
            task.cancel()

    def close(self) -> None:
        """Stop all exchanges."""
        for exchange in list(self._tasks):
            self.forget(exchange)

    async def _run(self, exchange: Any, wire: bytes) -> None:
        reply, trouble = None, ""
        try:
            async with asyncio.timeout(EXCHANGE_SECONDS_MAX):
                reply = await self._exchange(exchange, wire)
        except TimeoutError:
            trouble = "network: timed out over TCP"
        except (OSError, EOFError) as fault:
            trouble = f"network: {fault}"
        self._tasks.pop(exchange, None)
        exchange.channel = None
        self._deliver(exchange, reply, trouble)

    async def _exchange(self, exchange: Any, wire: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._endpoint.host, self._endpoint.port)
        try:
            number = urandom(2)
            writer.write((len(wire) + 2).to_bytes(2) + number + wire)
            size = int.from_bytes(await reader.readexactly(2))
            reply = await reader.readexactly(size)
            end = exchange.question_end
            if size < end or reply[:2] != number or not reply[2] & 0x80:
                raise EOFError("the reply over TCP does not match")
            if reply[12:end].lower() != wire[10 : end - 2].lower():
                raise EOFError("the reply over TCP answers another question")
            return reply
        finally:
            writer.close()
