"""The UDP listener: the hot path's few lines, with any octets, and over real sockets."""

from __future__ import annotations

import asyncio
import socket

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.limits import Limits
from resolver.listeners import Bind
from resolver.listeners import udp as module
from resolver.listeners.udp import BURST, _reader, listen
from resolver.wire import codes
from tests.resolver import hostile
from tests.resolver.venue import LEARNER, STAFF, Desk, packet, upstream_reply

NAME = "www.example.com"
BLOCKED = packet("bets.example")
PEER = (LEARNER, 40_000)


class Wire:
    """In the place of the socket: datagrams in, datagrams out, and a kernel that may refuse."""

    def __init__(self, desk: Desk) -> None:
        self.inbox: list[tuple[bytes, tuple[str, int]] | OSError] = []
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.refuses: OSError | None = None
        self.read = _reader(self, desk.service)  # type: ignore[arg-type]

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        if not self.inbox:
            raise BlockingIOError
        found = self.inbox.pop(0)
        if isinstance(found, OSError):
            raise found
        return found[0][:size], found[1]

    def sendto(self, octets: bytes, peer: tuple[str, int]) -> int:
        if self.refuses is not None:
            raise self.refuses
        self.sent.append((octets, peer))
        return len(octets)

    def ask(self, octets: bytes, peer: tuple[str, int] = PEER) -> list[bytes]:
        before = len(self.sent)
        self.inbox.append((octets, peer))
        self.read()
        assert all(to == peer for _, to in self.sent[before:])
        return [sent for sent, _ in self.sent[before:]]


def test_a_repeated_query_is_answered_out_of_the_memo_under_its_own_id() -> None:
    desk = Desk()
    wire = Wire(desk)
    (first,) = wire.ask(packet("bets.example", number=1))
    (second,) = wire.ask(packet("bets.example", number=2))
    assert (first[:2], second[:2]) == (b"\0\1", b"\0\2")
    assert first[2:] == second[2:]
    assert (len(desk.service.events), len(desk.service.hits)) == (1, 1)


def test_clients_of_other_profiles_never_share() -> None:
    desk = Desk()
    wire = Wire(desk)
    for _ in range(2):
        (learner,) = wire.ask(BLOCKED, (LEARNER, 1))
        (staff,) = wire.ask(BLOCKED, (STAFF, 1))
    assert dns.message.from_wire(learner).rcode() == codes.NXDOMAIN
    assert dns.message.from_wire(staff).rcode() == codes.NOERROR


def test_ttls_run_down_on_the_hot_path() -> None:
    desk = Desk()
    wire = Wire(desk)
    assert wire.ask(packet(NAME)) == []
    desk.upstream.answer(upstream_reply(NAME, "A", f"{NAME} 60 A 192.0.2.1"))
    seen = []
    for _ in range(50):
        (octets,) = wire.ask(packet(NAME))
        seen.append(dns.message.from_wire(octets).answer[0].ttl)
        desk.at += 1
    assert seen == list(range(60, 10, -1))
    assert len(desk.service.hits) == 49
    desk.at += 5  # beyond the memo's time, and the prefetch's
    (octets,) = wire.ask(packet(NAME))
    assert dns.message.from_wire(octets).answer[0].ttl == 5
    assert len(desk.upstream.asked) == 1


def test_beyond_its_rate_a_client_is_turned_away_and_others_are_not() -> None:
    desk = Desk(limits=Limits(queries_per_second=10))
    wire = Wire(desk)
    answered = [wire.ask(BLOCKED) for _ in range(20)]
    assert [len(sent) for sent in answered] == [1] * 10 + [0, 1] * 5
    assert all(sent[0][2] & 2 for sent in answered[11::2])
    assert wire.ask(BLOCKED, ("10.1.3.6", 1)) != []
    desk.at += 1
    assert [len(wire.ask(BLOCKED)) for _ in range(10)] == [1] * 10
    assert desk.service.limited == 10


def test_one_wake_up_reads_a_burst_and_no_more() -> None:
    desk = Desk()
    wire = Wire(desk)
    wire.inbox = [(BLOCKED, PEER)] * (BURST + 5)
    wire.read()
    assert (len(wire.sent), len(wire.inbox)) == (BURST, 5)
    wire.read()
    assert len(wire.sent) == BURST + 5


@pytest.mark.parametrize(
    "fault", [ConnectionRefusedError(111, "refused"), OSError(113, "no route")]
)
def test_a_peer_that_is_gone_stops_nothing(fault: OSError) -> None:
    desk = Desk()
    wire = Wire(desk)
    wire.inbox = [(BLOCKED, PEER), fault, (BLOCKED, PEER)]
    wire.read()
    wire.read()
    assert len(wire.sent) == 2


def test_a_full_send_buffer_loses_that_answer_and_nothing_else() -> None:
    desk = Desk()
    wire = Wire(desk)
    wire.refuses = BlockingIOError()
    assert wire.ask(BLOCKED) == []  # resolved
    assert wire.ask(BLOCKED) == []  # out of the memo
    wire.refuses = None
    assert len(wire.ask(BLOCKED)) == 1


def test_hits_that_nobody_takes_away_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "EVENTS_MAX", 10)
    desk = Desk()
    wire = Wire(desk)
    for _ in range(100):
        assert len(wire.ask(BLOCKED)) == 1
        assert len(desk.service.hits) <= 10
    assert desk.service.events_dropped + len(desk.service.hits) == 99


class TestAnyOctets:
    desk = Desk()
    wire = Wire(desk)

    @settings(max_examples=500)
    @given(
        st.lists(
            hostile.packets([BLOCKED, packet(NAME), packet("localhost", edns=1232)]), max_size=5
        ),
        st.sampled_from([LEARNER, "8.8.8.8", "fd00::1", "fe80::1%eth0"]),
    )
    def test_none_raises(self, packets: list[bytes], address: str) -> None:
        self.desk.at += 1
        self.desk.upstream.asked.clear()
        for octets in packets:
            sent = self.wire.ask(octets, (address, 53))
            assert len(sent) <= 1
            assert all(one[:2] == octets[:2] and one[2] & 0x80 for one in sent)
            assert self.wire.ask(octets, (address, 53))[:1] == sent or address == "8.8.8.8"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_over_a_real_socket(host: str) -> None:
    async def whole() -> None:
        desk = Desk()
        listener = await listen(desk.service, Bind(host, 0), shared=False)
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect((host, listener.port))
            async with asyncio.timeout(5):
                for number in range(200):
                    query = packet("bets.example", number=number)
                    await loop.sock_sendall(client, query)
                    octets = await loop.sock_recv(client, 4096)
                    assert octets[:2] == number.to_bytes(2)
                await loop.sock_sendall(client, b"x" * 60_000)  # cut, and no query
                await loop.sock_sendall(client, BLOCKED)
                assert (await loop.sock_recv(client, 4096))[:2] in (b"xx", BLOCKED[:2])
        listener.close()
        assert len(desk.service.hits) >= 199

    asyncio.run(whole())


def test_a_closed_listener_lets_its_port_go() -> None:
    async def whole() -> None:
        desk = Desk()
        listener = await listen(desk.service, Bind("127.0.0.1", 0), shared=False)
        listener.close()
        again = await listen(desk.service, Bind("127.0.0.1", listener.port), shared=False)
        again.close()

    asyncio.run(whole())


def test_shared_sockets_share_a_port() -> None:
    async def whole() -> None:
        desk = Desk()
        one = await listen(desk.service, Bind("127.0.0.1", 0), shared=True)
        other = await listen(desk.service, Bind("127.0.0.1", one.port), shared=True)
        assert one.port == other.port
        one.close()
        other.close()

    asyncio.run(whole())
