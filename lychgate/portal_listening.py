"""HTTP for the portal: answers leave at once, and whoever takes too long to ask is cut off.

uvicorn waits for the head of a request for ever, and serves so many connections at a time: without
this, as many that say nothing would keep everybody out.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS_MAX: Final = 10.0
"""From connecting, or from the first octet of a later request, to the end of its head."""


class Punctual(H11Protocol):
    """uvicorn's HTTP/1.1, with a time limit for heads."""

    head_seconds_max: float = HEAD_SECONDS_MAX
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio does so only for sockets that name their protocol, and those that a listening
            # one of ours accepts do not: head and body of an answer would be 40 ms apart.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take octets; wait on for a head of which only a part is here."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget()  # the head is here; what follows is the application's matter
        elif self._deadline is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.head_seconds_max, self._late)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            self.transport.close()
