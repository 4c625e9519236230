"""Streams to an upstream, over loopback: kept and shared, answers in any order, and whatever an
upstream may do ends as a word."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from resolver.upstream import streams as module
from resolver.upstream.streams import StreamTransport
from resolver.upstream.transports import Endpoint
from resolver.upstream.transports.tcp import connect
from tests.resolver.upstream.transports.loopback import (
    END,
    WIRE,
    Delivered,
    Exchange,
    reply_to,
)
from tests.resolver.upstream.transports.streaming import CLOSE, Upstream, framed, play, until


def test_one_connection_serves_many_questions() -> None:
    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchanges = [Exchange() for _ in range(40)]
        for exchange in exchanges:
            transport.ask(exchange, WIRE)
        got = [await delivered.take() for _ in exchanges]
        assert {id(exchange) for exchange, _, _ in got} == {id(one) for one in exchanges}
        assert {packet for _, packet, _ in got} == {reply_to(query) for query in upstream.heard}
        assert upstream.connections == 1
        assert len({query[:2] for query in upstream.heard}) == 40  # no ID twice while it waits
        assert all(query[2:] == WIRE for query in upstream.heard)
        assert all(exchange.channel is None for exchange in exchanges)
        transport.ask(Exchange(), WIRE)
        await delivered.take()
        assert upstream.connections == 1 and transport.opened == 1

    play(script)


def test_answers_may_come_in_any_order_and_in_pieces() -> None:
    """RFC 7766 section 6.2.1.1: pipelined queries may be answered out of order."""
    held: list[bytes] = []

    def says(query: bytes, _: int) -> bytes | None:
        held.append(framed(reply_to(query)))
        return b"".join(reversed(held)) if len(held) == 10 else None

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchanges = [Exchange() for _ in range(10)]
        for exchange in exchanges:
            transport.ask(exchange, WIRE)
        got = [(await delivered.take())[0] for _ in exchanges]
        assert got == exchanges[::-1]

    play(script, says)


@pytest.mark.parametrize(
    ("says", "word"),
    [
        (lambda query, _: framed(query), "malformed: "),
        (lambda query, _: framed(b""), "malformed: "),
        (lambda query, _: b"HTTP/1.1 400 Bad Request\r\n" + b"x" * 20_000, "malformed: "),
        (lambda query, _: framed(reply_to(query)[: END - 1]), "mismatched: "),
        (
            lambda query, _: framed(reply_to(query)[:13] + b"x" + reply_to(query)[14:]),
            "mismatched: ",
        ),
        (lambda query, _: CLOSE, "closed: "),
    ],
)
def test_what_does_not_match_is_no_reply(says: Any, word: str) -> None:
    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchange = Exchange()
        transport.ask(exchange, WIRE)
        found, packet, what = await delivered.take()
        assert (found, packet) == (exchange, None)
        assert what.startswith(word)
        assert exchange.channel is None

    play(script, says)


def test_answers_to_nobody_are_counted_and_end_a_connection_at_last() -> None:
    def says(query: bytes, connection: int) -> bytes:
        wrong = framed(bytes(octet ^ 0xFF for octet in query[:2]) + reply_to(query)[2:])
        return wrong * (3 if connection == 1 and len(seen) < 2 else 100) + framed(reply_to(query))

    seen: list[bytes] = []

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[1] is not None
        assert transport.mismatches == 3
        seen.extend(upstream.heard * 2)
        transport.ask(Exchange(), WIRE)
        _, packet, why = await delivered.take()
        assert packet is None and why.startswith("mismatched: ")
        assert transport.mismatches == 4 + module.STRAYS_MAX - 3 and not transport.connections

    play(script, says)


def test_an_answer_that_comes_twice_counts_once() -> None:
    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        await delivered.take()
        await until(lambda: transport.mismatches == 1)
        assert delivered.queue.empty()

    play(script, lambda query, _: framed(reply_to(query)) * 2)


def test_the_case_of_letters_is_the_upstreams_business() -> None:
    """Nobody off the path can forge it, so nothing is asked of the spelling."""

    def says(query: bytes, _: int) -> bytes:
        return framed(reply_to(query)[:12] + query[12:END].upper() + reply_to(query)[END:])

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[1] is not None

    play(script, says)


def test_a_question_on_a_connection_that_was_closed_is_asked_once_more() -> None:
    """RFC 7766 section 6.2.4; servers close idle connections just when a query is on its way."""

    def says(query: bytes, connection: int) -> Any:
        return CLOSE if connection == 1 and len(heard) > 1 else framed(reply_to(query))

    heard: list[bytes] = []

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[1] is not None
        heard.extend([b"", b""])
        exchange = Exchange()
        transport.ask(exchange, WIRE)
        assert (await delivered.take())[:1] == (exchange,)
        assert upstream.connections == 2 and len(upstream.heard) == 3

    play(script, says)


def test_one_that_always_closes_is_not_asked_for_ever() -> None:
    def says(query: bytes, connection: int) -> Any:
        return framed(reply_to(query)) if query in first else CLOSE

    first: list[bytes] = []

    class Once(list[bytes]):
        def __contains__(self, query: object) -> bool:
            self.append(b"")
            return len(self) == 1

    first = Once()

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[1] is not None
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[2].startswith("closed: ")
        assert upstream.connections == 2

    play(script, says)


def test_nobody_listening_and_no_rush_of_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def whole() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        delivered = Delivered()
        transport = connect(Endpoint("tcp", "127.0.0.1", port), delivered)
        tried = []
        real = asyncio.get_running_loop().create_connection
        loop = asyncio.get_running_loop()

        async def counting(*arguments: Any, **options: Any) -> Any:
            tried.append(loop.time())
            return await real(*arguments, **options)

        monkeypatch.setattr(loop, "create_connection", counting)
        for _ in range(20):
            transport.ask(Exchange(), WIRE)
            _, packet, trouble = await delivered.take()
            assert packet is None and trouble.startswith("network: ")
        assert len(tried) == 1
        await asyncio.sleep(module.REST_SECONDS_MIN * 1.3)
        transport.ask(Exchange(), WIRE)
        await delivered.take()
        assert len(tried) == 2
        assert transport._rests_until - loop.time() > module.REST_SECONDS_MIN  # longer each time

    asyncio.run(whole())


def test_one_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS_MAX", 0.1)
    monkeypatch.setattr(module, "_WATCH_SECONDS", 0.03)

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[2].startswith("silent: ")
        await until(lambda: not upstream.open)  # the connection is closed, not left

    play(script, lambda query, _: None)


def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(module, "_WATCH_SECONDS", 0.03)

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        transport.ask(Exchange(), WIRE)
        await delivered.take()
        assert upstream.open == 1
        await until(lambda: not upstream.open)
        assert not transport.connections
        transport.ask(Exchange(), WIRE)
        assert (await delivered.take())[1] is not None and upstream.connections == 2

    play(script)


def test_connections_and_questions_on_each_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECTIONS_MAX", 2)
    monkeypatch.setattr(module, "PIPELINE_BUSY", 3)
    monkeypatch.setattr(module, "PIPELINE_MAX", 6)

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchanges = [Exchange() for _ in range(14)]
        for exchange in exchanges:
            transport.ask(exchange, WIRE)
        for expected in exchanges[12:]:
            found, packet, trouble = await delivered.take()
            assert (found, packet) == (expected, None) and trouble.startswith("full: ")
        await until(lambda: len(upstream.heard) == 12)
        assert upstream.connections == 2
        for exchange in exchanges[:12]:  # an upstream that answers nobody must not stop us for ever
            transport.forget(exchange)
        transport.ask(last := Exchange(), WIRE)
        await until(lambda: len(upstream.heard) == 13)
        assert last.channel is not None

    play(script, lambda query, _: None)


def test_a_connection_is_replaced_after_so_many_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUERIES_MAX", 5)

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        for _ in range(12):
            transport.ask(Exchange(), WIRE)
            assert (await delivered.take())[1] is not None
        assert upstream.connections == 3
        await until(lambda: upstream.open == 1)

    play(script)


def test_a_late_answer_to_a_forgotten_question_is_no_mismatch() -> None:
    held: list[bytes] = []

    def says(query: bytes, _: int) -> bytes | None:
        held.append(framed(reply_to(query)))
        return b"".join(held) if len(held) == 2 else None

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        first, second = Exchange(), Exchange()
        transport.ask(first, WIRE)
        await until(lambda: held)
        transport.forget(first)
        transport.ask(second, WIRE)
        assert (await delivered.take())[0] is second
        assert transport.mismatches == 0 and delivered.queue.empty()

    play(script, says)


def test_a_forgotten_exchange_leaves_no_cycle() -> None:
    """The cycle collector is off while queries are served (`resolver/process.py`)."""

    async def script(transport: StreamTransport, upstream: Upstream, delivered: Delivered) -> None:
        exchange = Exchange()
        transport.ask(exchange, WIRE)
        await until(lambda: upstream.heard)
        gc.collect()
        gc.disable()
        try:
            transport.forget(exchange)
            gone = weakref.ref(exchange)
            assert exchange.channel is None
            del exchange
            assert gone() is None
        finally:
            gc.enable()

    play(script, lambda query, _: None)
