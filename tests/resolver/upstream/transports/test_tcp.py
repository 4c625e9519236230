"""TCP to an upstream, over loopback: matching, failing quickly, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from resolver.upstream.transports import Endpoint
from resolver.upstream.transports import tcp as module
from resolver.upstream.transports.tcp import TcpTransport, connect
from tests.resolver.upstream.transports.loopback import (
    END,
    WIRE,
    Delivered,
    Exchange,
    reply_to,
)


class Upstream:
    """Says what it is told to, octet for octet, and then closes or waits."""

    def __init__(self, says: Callable[[bytes], bytes | None]) -> None:
        self._says = says
        self.heard: list[bytes] = []
        self.ended = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = int.from_bytes(await reader.readexactly(2))
            self.heard.append(await reader.readexactly(size))
            octets = self._says(self.heard[-1])
            if octets is None:
                await reader.read()  # until the other end closes
            else:
                for start in range(0, len(octets), 7):
                    writer.write(octets[start : start + 7])
                    await writer.drain()
        finally:
            self.ended += 1
            writer.close()


Script = Callable[[TcpTransport, Upstream, Delivered], Coroutine[Any, Any, None]]


def framed(octets: bytes) -> bytes:
    return len(octets).to_bytes(2) + octets


def right(query: bytes) -> bytes:
    return framed(reply_to(query))


def play(script: Script, says: Callable[[bytes], bytes | None] = right) -> None:
    async def whole() -> None:
        upstream = Upstream(says)
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
        delivered = Delivered()
        port = server.sockets[0].getsockname()[1]
        transport = connect(Endpoint("tcp", "127.0.0.1", port), delivered)
        try:
            await script(transport, upstream, delivered)
        finally:
            transport.close()
            server.close()
            await asyncio.sleep(0.01)

    asyncio.run(whole())


def test_a_reply_in_pieces_is_delivered_whole() -> None:
    async def script(transport: TcpTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchanges = [Exchange() for _ in range(20)]
        for exchange in exchanges:
            transport.ask(exchange, WIRE)
        got = [await delivered.take() for _ in exchanges]
        assert {id(exchange) for exchange, _, _ in got} == {id(one) for one in exchanges}
        replies = {reply_to(query) for query in upstream.heard}
        assert {packet for _, packet, _ in got} == replies
        assert len({query[:2] for query in upstream.heard}) > 15  # IDs vary here, too
        assert all(query[2:] == WIRE for query in upstream.heard)
        assert all(exchange.channel is None for exchange in exchanges)
        assert not transport._tasks

    play(script)


@pytest.mark.parametrize(
    ("says", "trouble"),
    [
        (lambda query: framed(b"\0\0" + reply_to(query)[2:]), "does not match"),
        (lambda query: framed(query), "does not match"),
        (lambda query: framed(reply_to(query)[: END - 1]), "does not match"),
        (lambda query: framed(b""), "does not match"),
        (
            lambda query: framed(reply_to(query)[:13] + b"x" + reply_to(query)[14:]),
            "another question",
        ),
        (lambda query: right(query)[:-1], "network: "),
        (lambda query: b"\0", "network: "),
        (lambda query: b"", "network: "),
    ],
)
def test_what_does_not_match_is_no_reply(says: Callable[[bytes], bytes], trouble: str) -> None:
    async def script(transport: TcpTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchange = Exchange()
        transport.ask(exchange, WIRE)
        found, packet, what = await delivered.take()
        assert (found, packet) == (exchange, None)
        assert what.startswith("network: ") and trouble in what
        assert exchange.channel is None

    play(script, says)


def test_the_case_of_letters_is_the_upstreams_business() -> None:
    """Nobody off the path can forge it, so nothing is asked of the spelling."""

    async def script(transport: TcpTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[1] is not None

    play(
        script,
        lambda query: framed(reply_to(query)[:12] + query[12:END].upper() + reply_to(query)[END:]),
    )


def test_nobody_listening() -> None:
    async def whole() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        delivered = Delivered()
        transport = connect(Endpoint("tcp", "127.0.0.1", port), delivered)
        transport.ask(Exchange(), WIRE)
        _, packet, trouble = await delivered.take()
        assert packet is None and trouble.startswith("network: ")

    asyncio.run(whole())


def test_one_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXCHANGE_SECONDS_MAX", 0.1)

    async def script(transport: TcpTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[2] == "network: timed out over TCP"
        await asyncio.sleep(0.05)
        assert upstream.ended == 1  # the connection is closed, not left

    play(script, lambda query: None)


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECTIONS_MAX", 3)

    async def script(transport: TcpTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchanges = [Exchange() for _ in range(5)]
        for exchange in exchanges:
            transport.ask(exchange, WIRE)
        for expected in exchanges[3:]:
            found, packet, trouble = await delivered.take()
            assert (found, packet, trouble) == (expected, None, "too many TCP connections")
        transport.forget(exchanges[0])
        transport.ask(Exchange(), WIRE)
        await asyncio.sleep(0.05)
        assert delivered.queue.empty()

    play(script, lambda query: None)


def test_a_forgotten_exchange_ends_its_connection_and_leaves_no_cycle() -> None:
    """The cycle collector is off while queries are served (`resolver/process.py`)."""

    async def script(transport: TcpTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchange = Exchange()
        transport.ask(exchange, WIRE)
        await asyncio.sleep(0.05)
        assert upstream.heard
        gc.collect()
        gc.disable()
        try:
            transport.forget(exchange)
            gone = weakref.ref(exchange)
            assert exchange.channel is None
            del exchange
            await asyncio.sleep(0.05)
            assert gone() is None
        finally:
            gc.enable()
        assert upstream.ended == 1
        assert delivered.queue.empty() and not transport._tasks

    play(script, lambda query: None)
