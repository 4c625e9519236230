"""Octets to somebody's log engine: over a stream, or datagram by datagram.

After a stream was written it is closed from our side, and we wait a moment for the other one: who
ends it in order has read everything; who resets it has not, and everything is sent again.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from evidence.outward import SECONDS_MAX, OutwardFault, OutwardSettings

LAST_SECONDS: Final = 1.0
"""How long we wait for the other side to close: some never do."""
ANSWER_OCTETS_MAX: Final = 1 << 16
"""What it says is read and forgotten, up to this."""


async def send_stream(settings: OutwardSettings, octets: bytes) -> None:
    """Send octets over TCP, TLS or a unix socket. Raises `OutwardFault`."""
    to = settings.to
    try:
        async with asyncio.timeout(SECONDS_MAX):
            if to.transport == "unix":
                reader, writer = await asyncio.open_unix_connection(to.path)
            else:
                context = None
                if to.transport == "tls":
                    context = await asyncio.to_thread(_trust, settings)
                reader, writer = await asyncio.open_connection(to.host, to.port, ssl=context)
            try:
                await _write(reader, writer, octets)
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise OutwardFault(f"{to}: not done within {SECONDS_MAX:g} seconds") from None
    except (OSError, ValueError) as fault:
        raise OutwardFault(f"{to}: {fault}") from fault


async def _write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes) -> None:
    writer.write(octets)
    await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
        ended = False
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                read = 0
                while read < ANSWER_OCTETS_MAX and not ended:
                    answer = await reader.read(4096)
                    read, ended = read + len(answer), not answer
    else:  # TLS knows no half closing: closing says that all was sent.
        writer.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await writer.wait_closed()


async def send_datagrams(settings: OutwardSettings, messages: Sequence[bytes]) -> None:
    """Send each message as a datagram. Raises `OutwardFault`; UDP never says that one was lost."""
    to = settings.to
    try:
        async with asyncio.timeout(SECONDS_MAX):
            with await _datagram_socket(settings) as sock:
                loop = asyncio.get_running_loop()
                for message in messages:
                    await loop.sock_sendall(sock, message)
    except TimeoutError:
        raise OutwardFault(f"{to}: not done within {SECONDS_MAX:g} seconds") from None
    except (OSError, ValueError) as fault:
        raise OutwardFault(f"{to}: {fault}") from fault


async def _datagram_socket(settings: OutwardSettings) -> socket.socket:
    """A socket that is connected: an error of the one before comes with the next message."""
    to = settings.to
    loop = asyncio.get_running_loop()
    family, address = int(socket.AF_UNIX), to.path
    if to.transport == "udp":
        found = await loop.getaddrinfo(to.host, to.port, type=socket.SOCK_DGRAM)
        family, address = int(found[0][0]), found[0][4]  # type: ignore[assignment]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _trust(settings: OutwardSettings) -> ssl.SSLContext:
    ca_file = None if settings.ca_file is None else str(settings.ca_file)
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
