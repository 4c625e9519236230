"""The TCP listener over real connections (RFC 7766): order, pieces, and everything it bounds."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from categoriser.names import to_text
from resolver.limits import Limits
from resolver.listeners import Bind
from resolver.listeners import tcp as module
from resolver.listeners.tcp import Connection, TcpListener, listen
from resolver.wire import codes
from tests.resolver import hostile
from tests.resolver.venue import Desk, packet, upstream_reply

WAIT_SECONDS = 5.0


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *packets: bytes) -> None:
        self.writer.write(b"".join(len(octets).to_bytes(2) + octets for octets in packets))
        await self.writer.drain()

    async def receive(self) -> bytes:
        async with asyncio.timeout(WAIT_SECONDS):
            size = int.from_bytes(await self.reader.readexactly(2))
            return await self.reader.readexactly(size)

    async def ended(self) -> bytes:
        """What still came before the other end closed."""
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    def silent(self) -> bool:
        return not self.reader._buffer and not self.reader.at_eof()  # type: ignore[attr-defined]

    def close(self) -> None:
        self.writer.close()


class Stage:
    """A listener with its clients."""

    def __init__(self, desk: Desk, listener: TcpListener) -> None:
        self.desk, self.listener = desk, listener
        self.clients: list[Client] = []

    async def client(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.listener.port))
        self.clients.append(client)
        return client

    async def asked(self, count: int) -> None:
        """Wait until so many questions wait for the upstream."""
        await self.until(lambda: len(self.desk.upstream.asked) >= count)
        assert len(self.desk.upstream.asked) == count

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not holds():  # noqa: ASYNC110 - what is waited for knows no events
                await asyncio.sleep(0.005)

    def answer(self, which: int = 0) -> None:
        """Let the upstream answer the question with this place in the queue."""
        asked = self.desk.upstream.asked
        asked.insert(0, asked.pop(which))
        name = to_text(asked[0][0].question[:-4])
        self.desk.upstream.answer(upstream_reply(name, "A", f"{name} 60 A 192.0.2.1"))


Script = Callable[[Stage], Coroutine[Any, Any, None]]


def play(script: Script, limits: Limits | None = None) -> None:
    async def whole() -> None:
        faults: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context))
        desk = Desk(limits=limits)
        stage = Stage(desk, await listen(desk.service, Bind("127.0.0.1", 0), shared=False))
        try:
            await script(stage)
        finally:
            for client in stage.clients:
                client.close()
            stage.listener.close()
            await asyncio.sleep(0.02)
        assert faults == []
        assert not stage.listener.connections and not stage.listener.by_address

    asyncio.run(whole())


def name_of(octets: bytes) -> str:
    return dns.message.from_wire(octets).question[0].name.to_text()


def test_answers_come_as_they_are_ready() -> None:
    """RFC 7766 sections 6.2.1.1 and 7: concurrently, and out of order."""

    async def script(stage: Stage) -> None:
        client = await stage.client()
        names = ["a.example", "b.example", "bets.example", "c.example"]
        await client.send(*(packet(name, number=n) for n, name in enumerate(names)))
        assert (await client.receive())[:2] == b"\0\2"  # the blocked one needs nobody
        await stage.asked(3)
        for which, number in ((1, 1), (1, 3), (0, 0)):
            stage.answer(which)
            octets = await client.receive()
            assert octets[:2] == number.to_bytes(2)
            assert name_of(octets) == f"{names[number]}."

    play(script)


def test_a_message_may_come_octet_by_octet() -> None:
    """RFC 7766 section 8: length and message need not arrive together."""

    async def script(stage: Stage) -> None:
        client = await stage.client()
        for octet in struct.pack(">H", 30) + packet("bets.example") + b"\0":
            client.writer.write(bytes([octet]))
            await asyncio.sleep(0)
        assert name_of(await client.receive()) == "bets.example."
        assert client.silent()

    play(script)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_any_cut_of_the_stream_gives_the_same_answers(pieces: list[int]) -> None:
    """Without sockets: the protocol alone, fed in pieces."""
    stream = b"".join(
        len(octets).to_bytes(2) + octets
        for octets in (packet("bets.example", number=n) for n in range(5))
    )
    wire = _Wire()
    connection = Connection(TcpListener(Desk().service))
    connection.connection_made = _without_timer(connection)  # type: ignore[method-assign]
    connection.connection_made(wire)
    at = 0
    for size in [*pieces, len(stream)]:
        connection.data_received(stream[at : at + size])
        at += size
    answers = wire.messages()
    assert [octets[:2] for octets in answers] == [n.to_bytes(2) for n in range(5)]


def test_it_closes_after_a_while_of_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7766 section 6.2.3; but not while a question is under way."""

    async def script(stage: Stage) -> None:
        idle, busy = await stage.client(), await stage.client()
        await busy.send(packet("slow.example"))
        await stage.asked(1)
        stage.desk.at += 11
        monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
        assert await idle.ended() == b""
        assert busy.silent()
        stage.answer()
        assert name_of(await busy.receive()) == "slow.example."
        assert await busy.ended() == b""

    monkeypatch.setattr(module, "IDLE_SECONDS", 0.3)
    play(script)


def test_activity_keeps_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.6)

    async def script(stage: Stage) -> None:
        client = await stage.client()
        for _ in range(4):
            await asyncio.sleep(0.25)
            stage.desk.at += 0.25
            await client.send(packet("bets.example"))
            assert await client.receive()
        stage.desk.at += 0.7
        assert await client.ended() == b""

    play(script)


def test_connections_are_bounded_for_one_address_and_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for bound in ("CONNECTIONS_PER_ADDRESS_MAX", "CONNECTIONS_MAX"):
        with monkeypatch.context() as patch:
            patch.setattr(module, bound, 2)

            async def script(stage: Stage) -> None:
                first, second, third = [await stage.client() for _ in range(3)]
                assert await third.ended() == b""
                assert stage.desk.service.limited == 1
                for client in (first, second):
                    await client.send(packet("bets.example"))
                    assert await client.receive()
                first.close()
                await stage.until(lambda: len(stage.listener.connections) == 1)
                fourth = await stage.client()  # there is room again
                await fourth.send(packet("bets.example"))
                assert await fourth.receive()

            play(script)


def test_who_is_not_served_is_cut_off() -> None:
    async def script(stage: Stage) -> None:
        client = await stage.client()
        assert await client.ended() == b""
        assert stage.desk.service.limited == 1

    play(script, Limits(served=()))


def test_beyond_its_rate_a_client_is_cut_off() -> None:
    async def script(stage: Stage) -> None:
        client = await stage.client()
        await client.send(*[packet("bets.example")] * 20)
        assert (await client.ended()).count(b"\4bets") == 5
        assert stage.desk.service.limited >= 1

    play(script, Limits(queries_per_second=5))


def test_questions_in_progress_are_bounded_and_reading_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "IN_PROGRESS_MAX", 3)

    async def script(stage: Stage) -> None:
        client = await stage.client()
        await client.send(*(packet(f"n{n}.example", number=n) for n in range(10)))
        await client.send(*(packet(f"n{n}.example", number=n) for n in range(10, 20)))
        seen = set()
        for left in range(20, 0, -1):
            await stage.asked(min(3, left))
            await asyncio.sleep(0.01)
            await stage.asked(min(3, left))  # and not one more
            stage.answer()
            seen.add(int.from_bytes((await client.receive())[:2]))
        assert seen == set(range(20))

    play(script)


def test_blocked_names_do_not_fill_the_questions_in_progress() -> None:
    """Answers that need nobody come at once, more than IN_PROGRESS_MAX of them in one piece."""

    async def script(stage: Stage) -> None:
        client = await stage.client()
        await client.send(*(packet("bets.example", number=n) for n in range(300)))
        for number in range(300):
            assert (await client.receive())[:2] == number.to_bytes(2)

    play(script)


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNSENT_OCTETS_MAX", 1_000)
    wire = _Wire()
    connection = Connection(TcpListener(Desk().service))
    _without_timer(connection)(wire)
    octets = packet("bets.example")
    connection.data_received(len(octets).to_bytes(2) + octets)
    assert not wire.aborted
    wire.unsent = 1_001
    connection.data_received(len(octets).to_bytes(2) + octets)
    assert wire.aborted
    assert len(wire.messages()) == 1


def test_an_answer_that_comes_too_late_is_dropped() -> None:
    async def script(stage: Stage) -> None:
        client = await stage.client()
        await client.send(packet("slow.example"))
        await stage.asked(1)
        client.close()
        await stage.until(lambda: not stage.listener.connections)
        stage.answer()  # raises nothing
        assert len(stage.desk.service.events) == 1

    play(script)


@pytest.mark.parametrize("octets", [b"\0\0", b"\0\x0b" + bytes(11), b"\0\1x"])
def test_less_than_a_header_ends_the_connection(octets: bytes) -> None:
    async def script(stage: Stage) -> None:
        client = await stage.client()
        client.writer.write(octets)
        assert await client.ended() == b""

    play(script)


def test_a_large_message_that_is_no_query_is_a_format_error() -> None:
    """65,535 octets: read whole, answered shortly, and the stream stays in step."""

    async def script(stage: Stage) -> None:
        client = await stage.client()
        await client.send(packet("bets.example") + bytes(65_535 - 30), packet("bets.example"))
        octets = await client.receive()
        assert (len(octets), octets[3] & 15) == (12, codes.FORMERR)
        assert name_of(await client.receive()) == "bets.example."

    play(script)


def test_a_response_is_not_answered_and_does_not_count() -> None:
    async def script(stage: Stage) -> None:
        client = await stage.client()
        response = bytearray(packet("bets.example"))
        response[2] |= 0x80
        await client.send(*[bytes(response)] * (module.IN_PROGRESS_MAX + 1), packet("a.localhost"))
        assert name_of(await client.receive()) == "a.localhost."

    play(script)


def test_whole_answers_above_what_udp_carries() -> None:
    async def script(stage: Stage) -> None:
        client = await stage.client()
        await client.send(packet("big.example"))
        await stage.asked(1)
        lines = [f"big.example 60 A 192.0.{n >> 8}.{n & 255}" for n in range(500)]
        stage.desk.upstream.answer(upstream_reply("big.example", "A", *lines))
        message = dns.message.from_wire(await client.receive())
        assert len(message.answer[0]) == 500

    play(script)


class _Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("10.1.3.5", 40_000)})
        self.written = b""
        self.unsent = 0
        self.aborted = self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def messages(self) -> list[bytes]:
        found, at = [], 0
        while at < len(self.written):
            size = int.from_bytes(self.written[at : at + 2])
            found.append(self.written[at + 2 : at + 2 + size])
            at += 2 + size
        return found

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.aborted or self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


def _without_timer(connection: Connection) -> Callable[[asyncio.BaseTransport], None]:
    """`connection_made` where no event loop runs."""
    connection._watch = lambda: None  # type: ignore[method-assign]
    return type(connection).connection_made.__get__(connection)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(hostile.packets([packet("bets.example"), packet("www.example.com")]), max_size=6),
    st.integers(1, 500),
)
def test_no_stream_raises(packets: list[bytes], cut: int) -> None:
    """At most one answer for each whole message, and none for what is no query."""
    wire = _Wire()
    connection = Connection(TcpListener(Desk().service))
    _without_timer(connection)(wire)
    stream = b"".join(len(octets).to_bytes(2) + octets for octets in packets)
    for at in range(0, len(stream), cut):
        if wire.is_closing():
            break
        connection.data_received(stream[at : at + cut])
    numbers = [octets[:2] for octets in packets]
    for answer in wire.messages():
        assert answer[2] & 0x80
        numbers.remove(answer[:2])
