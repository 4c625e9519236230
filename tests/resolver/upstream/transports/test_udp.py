"""UDP to an upstream, over loopback: what is believed, and what a forger would have to guess."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from resolver.upstream.transports import Endpoint
from resolver.upstream.transports import udp as module
from resolver.upstream.transports.udp import POOL_SIZE, UdpTransport, connect
from tests.resolver.upstream.transports.loopback import (
    ANSWER,
    END,
    WIRE,
    Delivered,
    Exchange,
    Says,
    UdpUpstream,
    reply_to,
    udp_upstream,
)

Script = Callable[[UdpTransport, UdpUpstream, Delivered], Coroutine[Any, Any, None]]


def play(script: Script, says: Says = lambda query: [reply_to(query)]) -> None:
    """Run a script against a fresh upstream."""

    async def whole() -> None:
        upstream = await udp_upstream(says)
        delivered = Delivered()
        transport = connect(Endpoint("udp", "127.0.0.1", upstream.port), delivered)
        try:
            await script(transport, upstream, delivered)
        finally:
            transport.close()
            upstream.transport.close()

    asyncio.run(whole())


async def ask(transport: UdpTransport, times: int = 1) -> list[Exchange]:
    exchanges = [Exchange() for _ in range(times)]
    for exchange in exchanges:
        transport.ask(exchange, WIRE)
    return exchanges


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.005)


def test_a_reply_is_delivered_to_its_exchange() -> None:
    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        exchanges = await ask(transport, 100)
        got = [await delivered.take() for _ in exchanges]
        assert {id(exchange) for exchange, _, _ in got} == {id(one) for one in exchanges}
        for exchange, packet, trouble in got:
            assert trouble == "" and packet is not None
            assert packet[:2] == exchange.number.to_bytes(2)
            assert exchange.channel is None
        assert transport.mismatches == 0

    play(script)


def test_what_leaves_is_the_question_and_nothing_a_forger_knows() -> None:
    """RFC 5452 section 9: ID and port vary, and the letters' case (0x20), letters only."""

    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        for _ in range(8):
            await ask(transport, 100)
            for _ in range(100):
                await delivered.take()
        heard = upstream.heard
        assert len(heard) == 800
        for query in heard:
            assert query[12:END].lower() == WIRE[10 : END - 2]
            assert query[END - 4 : END] == b"\0\1\0\1" and query[END:] == WIRE[END - 2 :]
            assert query[2:12] == WIRE[:10]
        assert len({query[:2] for query in heard}) > 780  # birthdays: 5 expected among 65,536
        assert len({query[12:END] for query in heard}) > 700  # 13 letters: 8,192 spellings
        assert len(set(upstream.ports)) == POOL_SIZE
        letters = [
            at for at in range(12, END - 4) if chr(WIRE[at - 2]).isalpha() and WIRE[at - 2] > 63
        ]
        for at in letters:
            upper = sum(query[at] < 0x60 for query in heard)
            assert 300 < upper < 500  # each a fair coin: seven standard deviations

    play(script)


def other_id(query: bytes) -> bytes:
    return bytes((query[0] ^ 0x80, query[1])) + reply_to(query)[2:]


def other_name(query: bytes) -> bytes:
    return reply_to(query).replace(query[12:END], query[12:END].swapcase().replace(b"\3", b"\2"))


def other_letter(query: bytes) -> bytes:
    return reply_to(query)[:13] + b"x" + reply_to(query)[14:]


def other_type(query: bytes) -> bytes:
    return reply_to(query)[: END - 4] + b"\0\x1c\0\1" + reply_to(query)[END:]


def no_response(query: bytes) -> bytes:
    return query


def other_opcode(query: bytes) -> bytes:
    octets = bytearray(reply_to(query))
    octets[2] |= 0x28
    return bytes(octets)


@pytest.mark.parametrize(
    "forge",
    [
        other_id,
        other_letter,
        other_type,
        no_response,
        other_opcode,
        lambda query: query[:1],
        lambda query: query[:11],
        lambda query: query[:2] + b"\x81\x80" + bytes(9),
    ],
)
def test_what_does_not_match_is_dropped_and_counted(forge: Callable[[bytes], bytes]) -> None:
    """And the right reply behind it is still taken."""

    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        (exchange,) = await ask(transport)
        assert await delivered.take() == (exchange, reply_to(upstream.heard[0]), "")
        assert transport.mismatches == 1

    play(script, lambda query: [forge(query), reply_to(query)])


@pytest.mark.parametrize(
    "doubtful",
    [
        lambda query: reply_to(query)[:12] + query[12:END].swapcase() + ANSWER[END:],
        lambda query: (
            query[:2] + b"\x81\x81" + bytes(8)
        ),  # the header alone: FORMERR of old servers
        lambda query: reply_to(query)[:4] + b"\0\2" + reply_to(query)[6:],
    ],
    ids=["other case", "header alone", "two questions"],
)
def test_what_matches_in_all_but_the_spelling_is_doubtful(
    doubtful: Callable[[bytes], bytes],
) -> None:
    """A forger's lucky guess or a careless upstream: to be asked again over TCP. Its ID is free, so
    nothing more is believed about it."""

    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        (exchange,) = await ask(transport)
        found, _, trouble = await delivered.take()
        assert (found, trouble) == (exchange, "case")
        assert exchange.channel is None
        await until(lambda: transport.mismatches == 2)
        assert delivered.queue.empty()

    play(script, lambda query: [doubtful(query), reply_to(query)])


def test_a_stranger_cannot_answer() -> None:
    """Connected sockets take packets from the upstream's address and port alone."""

    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        await ask(transport)
        await until(lambda: bool(upstream.heard))
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.sendto(reply_to(upstream.heard[0]), ("127.0.0.1", upstream.ports[0]))
        await asyncio.sleep(0.05)
        assert delivered.queue.empty() and transport.mismatches == 0

    play(script, lambda query: [])


def test_an_answer_is_taken_once() -> None:
    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        await ask(transport)
        await delivered.take()
        await until(lambda: transport.mismatches == 2)
        assert delivered.queue.empty()

    play(script, lambda query: [reply_to(query)] * 3)


def test_a_forgotten_question_is_not_answered() -> None:
    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        (exchange,) = await ask(transport)
        transport.forget(exchange)
        transport.forget(exchange)  # twice does no harm
        assert exchange.channel is None
        await until(lambda: transport.mismatches == 1)
        assert delivered.queue.empty()

    play(script)


def test_nobody_listening_is_told_at_once() -> None:
    """ICMP port unreachable: every question of that socket, without waiting for a timeout."""

    async def whole() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        delivered = Delivered()
        transport = connect(Endpoint("udp", "127.0.0.1", port), delivered)
        exchanges = await ask(transport, 3)
        got = [await delivered.take() for _ in exchanges]
        assert {id(exchange) for exchange, _, _ in got} == {id(one) for one in exchanges}
        assert all(packet is None and trouble.startswith("network: ") for _, packet, trouble in got)
        transport.close()

    asyncio.run(whole())


def test_an_unreachable_network_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def whole() -> None:
        delivered = Delivered()
        transport = connect(Endpoint("udp", "192.0.2.1", 53), delivered)

        def fail(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(socket, "socket", fail)
        await ask(transport)
        monkeypatch.undo()
        _, packet, trouble = await delivered.take()
        assert packet is None and trouble == "socket: Too many open files"
        transport.close()

    asyncio.run(whole())


def test_sockets_are_renewed_and_let_their_last_questions_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "USES_MAX", 2)
    monkeypatch.setattr(module, "POOL_SIZE", 2)
    held: list[bytes] = []

    def says(query: bytes) -> list[bytes]:
        held.append(query)
        return [reply_to(query)] if len(held) > 1 else []  # the first has to wait

    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        (first,) = await ask(transport)
        await until(lambda: len(held) == 1)
        for _ in range(11):
            await ask(transport)
            await delivered.take()
        ports = upstream.ports
        assert max(ports.count(port) for port in ports) == 2
        assert len(set(ports)) == 6
        # Two in the pool, and the first one's, which still waits.
        assert len(transport._by_descriptor) == 3
        upstream.transport.sendto(reply_to(held[0]), ("127.0.0.1", ports[0]))
        assert (await delivered.take())[0] is first
        assert len(transport._by_descriptor) == 2

    play(script, says)


def test_a_renewal_that_fails_is_told_and_the_old_socket_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "USES_MAX", 1)
    monkeypatch.setattr(module, "POOL_SIZE", 1)

    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        await ask(transport)

        def fail(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", fail)
            await ask(transport)
        assert (await delivered.take())[2] == "socket: Too many open files"
        assert (await delivered.take())[2] == ""
        await ask(transport)
        assert (await delivered.take())[2] == ""

    play(script)


def test_closing_closes_every_socket() -> None:
    async def script(transport: UdpTransport, upstream: UdpUpstream, delivered: Delivered) -> None:
        await ask(transport, 5)
        sockets = [channel._socket for channel in transport._channels]
        transport.close()
        assert all(sock.fileno() == -1 for sock in sockets)
        await asyncio.sleep(0.02)
        assert delivered.queue.empty()
        connect(transport._endpoint, delivered).close()

    async def whole() -> None:
        upstream = await udp_upstream()
        delivered = Delivered()
        transport = connect(Endpoint("udp", "127.0.0.1", upstream.port), delivered)
        await script(transport, upstream, delivered)
        upstream.transport.close()

    asyncio.run(whole())
