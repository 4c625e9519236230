"""The forwarder over transports that do as they are told, in virtual time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from categoriser.names import from_text
from resolver.cache import Cache, CacheSettings, cache_key
from resolver.resolution import Ask, Told
from resolver.upstream import forwarder as module
from resolver.upstream.forwarder import (
    DEADLINE_SECONDS,
    SWEEP_SECONDS,
    TRIES_MAX,
    Exchange,
    Flight,
    Forwarder,
)
from resolver.upstream.transports import Deliver, Endpoint
from resolver.wire import codes
from tests.resolver.venue import upstream_packet
from tests.scenarios.virtual import VirtualLoop

NAME = "www.example.com"
FOREVER = float("inf")
ANSWER = upstream_packet(NAME, "A", f"{NAME} 60 A 192.0.2.1")
SERVFAIL = upstream_packet(NAME, "A", rcode=codes.SERVFAIL)
REFUSED = upstream_packet(NAME, "A", rcode=codes.REFUSED)
TRUNCATED = upstream_packet(NAME, "A", flags=codes.TC)
MALFORMED = ANSWER[:-1]
UNREACHABLE = "unreachable"
BEGINS = 1_000_000.0


def ask(name: str = NAME, patience: float = FOREVER, route: str = "") -> Ask:
    wire = from_text(name)
    key = cache_key(wire, b"\0\1", False, False)
    return Ask(key, wire + b"\0\1\0\1", False, False, route, patience)


class Scene:
    """A forwarder, what it sent to whom and when, and what the upstreams do about it."""

    def __init__(self, *uris: str, plan: dict[str, bytes | str] | None = None) -> None:
        self.plan = plan or {}
        """What an upstream does at once; nothing planned means silence."""
        self.sent: list[tuple[str, float, Any]] = []
        self.forgotten: list[Any] = []
        self.told: list[tuple[float, int | None]] = []
        self.loop = asyncio.get_running_loop()
        self.cache = Cache(CacheSettings())
        endpoints = [Endpoint("udp", host, 53) for host in uris]
        self.forwarder = Forwarder({"": endpoints}, self.cache, self.now)

    def now(self) -> float:
        return BEGINS + self.loop.time()

    def ask(self, what: Ask | None = None) -> None:
        self.forwarder.ask(what or ask(), self.tell)

    def tell(self, told: Told) -> None:
        rcode = None if told.entry is None else told.entry.reply.sections.rcode
        self.told.append((round(self.loop.time(), 3), rcode))

    @property
    def order(self) -> list[str]:
        return [who for who, _, _ in self.sent]

    @property
    def failures(self) -> list[tuple[str, str]]:
        return [(health.uri[6:-3], result) for health, result in self.forwarder.failures]

    def deliver(self, number: int, packet: bytes | None, trouble: str = "") -> None:
        """The reply to the exchange sent as this one in order."""
        exchange = self.sent[number][2]
        exchange.channel = None
        self.forwarder._deliver(exchange, packet, trouble)


class FakeTransport:
    """A way to an upstream of a `Scene`."""

    scene: Scene

    def __init__(self, endpoint: Endpoint, deliver: Deliver) -> None:
        self._who = endpoint.host if endpoint.scheme == "udp" else f"{endpoint.host} tcp"
        self._deliver = deliver
        self.closed = False

    def ask(self, exchange: Any, wire: bytes) -> None:
        scene = _scene[0]
        scene.sent.append((self._who, round(scene.loop.time(), 3), exchange))
        todo = scene.plan.get(self._who)
        if todo == UNREACHABLE:
            self._deliver(exchange, None, "network: unreachable")
            return
        exchange.channel = self
        if isinstance(todo, bytes):
            scene.loop.call_soon(self._bring, exchange, todo)

    def _bring(self, exchange: Any, packet: bytes) -> None:
        exchange.channel = None
        self._deliver(exchange, packet, "")

    def forget(self, exchange: Any) -> None:
        exchange.channel = None
        _scene[0].forgotten.append(exchange)

    def close(self) -> None:
        self.closed = True


_scene: list[Scene] = []


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scene]]:
    """Play a scene to its end in virtual time."""
    monkeypatch.setattr(module, "connect", FakeTransport)

    def run(
        script: Callable[[Scene], Coroutine[Any, Any, None]],
        *uris: str,
        plan: dict[str, bytes | str] | None = None,
    ) -> Scene:
        async def whole() -> Scene:
            scene = Scene(*(uris or ("a", "b")), plan=plan)
            _scene[:] = [scene]
            await script(scene)
            scene.forwarder.close()
            return scene

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(whole())

    yield run
    _scene.clear()


async def asking(scene: Scene) -> None:
    scene.ask()
    await asyncio.sleep(DEADLINE_SECONDS + 1)


Play = Callable[..., Scene]


def test_an_answer_is_cached_before_anybody_is_told(play: Play) -> None:
    async def script(scene: Scene) -> None:
        cached: list[bool] = []
        scene.forwarder.ask(ask(), lambda told: cached.append(len(scene.cache) == 1))
        await asyncio.sleep(1)
        assert cached == [True]
        assert scene.forwarder.in_flight == 0

    scene = play(script, plan={"a": ANSWER})
    assert scene.order == ["a"]
    assert scene.failures == []
    ((_, a), (_, b)) = scene.forwarder.health()
    assert (len(a.times), len(b.times)) == (1, 0)


def test_identical_questions_are_asked_once(play: Play) -> None:
    async def script(scene: Scene) -> None:
        for _ in range(10):
            scene.ask()
        scene.forwarder.ask(ask(), None)
        scene.ask(ask("other.example"))
        assert scene.forwarder.in_flight == 2
        scene.deliver(0, ANSWER)
        assert [rcode for _, rcode in scene.told] == [0] * 10

    assert play(script).order == ["a", "a"]


def test_a_question_that_nobody_waits_for_fills_the_cache(play: Play) -> None:
    async def script(scene: Scene) -> None:
        scene.forwarder.ask(ask(), None)
        await asyncio.sleep(0.1)
        assert scene.cache.get(ask().key, scene.now()) is not None

    play(script, plan={"a": ANSWER})


@pytest.mark.parametrize(
    ("happens", "result"),
    [
        (UNREACHABLE, "unreachable"),
        (MALFORMED, "malformed"),
        (SERVFAIL, "refused"),
        (REFUSED, "refused"),
    ],
)
def test_the_next_one_is_asked_at_once(play: Play, happens: bytes | str, result: str) -> None:
    scene = play(asking, plan={"a": happens, "b": ANSWER})
    assert scene.order == ["a", "b"]
    assert scene.told == [(0.0, codes.NOERROR)]
    assert scene.failures == [("a", result)]


def test_a_silent_one_is_overtaken_after_its_patience(play: Play) -> None:
    scene = play(asking, plan={"b": ANSWER})
    assert scene.order == ["a", "b"]
    ((when, rcode),) = scene.told
    assert 0.3 <= when <= 0.3 + 2 * SWEEP_SECONDS and rcode == codes.NOERROR


def test_a_late_answer_of_the_first_still_counts(play: Play) -> None:
    async def script(scene: Scene) -> None:
        scene.ask()
        await asyncio.sleep(0.5)
        assert scene.order == ["a", "b"]
        scene.deliver(0, ANSWER)
        assert scene.told[0][1] == codes.NOERROR
        assert scene.forgotten == [scene.sent[1][2]]  # b's ID is free again
        scene.deliver(1, ANSWER)  # and if it comes all the same, nobody is told twice
        assert len(scene.told) == 1

    play(script)


def test_everybody_has_two_turns_and_then_the_deadline_comes(play: Play) -> None:
    scene = play(asking, "a", "b", "c")
    assert scene.order[:3] == ["a", "b", "c"]
    assert sorted(scene.order) == ["a", "a", "b", "b", "c", "c"]
    ((when, rcode),) = scene.told
    assert DEADLINE_SECONDS <= when <= DEADLINE_SECONDS + 2 * SWEEP_SECONDS
    assert rcode == codes.SERVFAIL


def test_no_question_is_tried_for_ever(play: Play) -> None:
    scene = play(asking, *"abcdefgh", plan=dict.fromkeys("abcdefgh", UNREACHABLE))
    assert len(scene.order) == TRIES_MAX
    assert scene.told == [(0.0, codes.SERVFAIL)]  # nothing is left to wait for


def test_silence_is_remembered_and_an_answer_not_overwritten(play: Play) -> None:
    async def script(scene: Scene) -> None:
        await asking(scene)
        entry = scene.cache.get(ask().key, scene.now())
        assert entry is not None
        assert entry.reply.errors[0][0] == codes.EDE_NO_REACHABLE_AUTHORITY

    play(script)


def test_a_failure_of_all_upstreams_keeps_what_the_last_one_said(play: Play) -> None:
    scene = play(asking, plan={"a": REFUSED, "b": REFUSED})
    assert scene.told == [(0.0, codes.REFUSED)]


def test_truncated_means_over_tcp_to_the_same_one(play: Play) -> None:
    """RFC 2181 section 9: "it should ignore that response, and query again" over TCP."""
    scene = play(asking, plan={"a": TRUNCATED, "a tcp": ANSWER})
    assert scene.order == ["a", "a tcp"]
    assert scene.failures == [("a", "truncated")]


def test_a_doubtful_reply_means_over_tcp(play: Play) -> None:
    async def script(scene: Scene) -> None:
        scene.ask()
        scene.deliver(0, ANSWER, "case")
        assert scene.told == []
        scene.deliver(1, ANSWER)
        assert scene.told == [(0.0, codes.NOERROR)]

    scene = play(script)
    assert scene.order == ["a", "a tcp"]
    assert scene.failures == [("a", "mismatched")]


def test_over_tcp_there_is_no_further_way(play: Play) -> None:
    """TC over TCP: taken as it is, and no loop."""
    scene = play(asking, plan={"a": TRUNCATED, "a tcp": TRUNCATED})
    assert scene.order == ["a", "a tcp"]
    assert scene.told == [(0.0, codes.NOERROR)]


def test_tcp_that_fails_means_the_next_one(play: Play) -> None:
    scene = play(asking, plan={"a": TRUNCATED, "a tcp": UNREACHABLE, "b": ANSWER})
    assert scene.order == ["a", "a tcp", "b"]
    assert scene.told == [(0.0, codes.NOERROR)]


def test_each_waits_as_long_as_its_own_patience(play: Play) -> None:
    """RFC 8767 section 5: who has a stale answer does not wait; the question goes on for others."""

    async def script(scene: Scene) -> None:
        scene.ask(ask(patience=1.8))
        await asyncio.sleep(1)
        scene.ask(ask(patience=1.8))
        scene.ask()
        await asyncio.sleep(2.5)
        assert len(scene.told) == 2
        for (when, rcode), due in zip(scene.told, (1.8, 2.8), strict=True):
            assert rcode is None and due <= when <= due + 2 * SWEEP_SECONDS
        assert scene.forwarder.in_flight == 1
        scene.deliver(0, ANSWER)
        assert scene.told[2][1] == codes.NOERROR
        assert scene.cache.get(ask().key, scene.now()) is not None

    play(script)


def test_a_waiter_may_ask_again(play: Play) -> None:
    async def script(scene: Scene) -> None:
        scene.forwarder.ask(ask(), lambda told: scene.ask(ask("next.example")))
        await asyncio.sleep(DEADLINE_SECONDS + 0.5)
        assert scene.forwarder.in_flight == 1
        await asyncio.sleep(DEADLINE_SECONDS + 0.5)
        assert scene.forwarder.in_flight == 0  # swept as well
        assert len(scene.told) == 1

    play(script)


def test_flights_and_waiters_are_bounded(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLIGHTS_MAX", 3)
    monkeypatch.setattr(module, "WAITERS_MAX", 2)

    async def script(scene: Scene) -> None:
        for number in range(5):
            scene.ask(ask(f"n{number}.example"))
        assert (scene.forwarder.in_flight, scene.forwarder.refused) == (3, 2)
        for _ in range(3):
            scene.ask(ask("n0.example"))
        assert scene.forwarder.refused == 4
        assert scene.told == [(0.0, None)] * 4  # told at once that nobody will answer
        scene.ask(ask(route="nowhere"))
        assert len(scene.told) == 5

    play(script)


def test_health_leads_the_next_question(play: Play) -> None:
    async def script(scene: Scene) -> None:
        for number in range(5):
            scene.ask(ask(f"n{number}.example"))
            await asyncio.sleep(0.1)
        assert scene.order == ["a", "b", "b", "b", "b", "b"]
        ((_, a), (_, b)) = scene.forwarder.health()
        assert (a.failures_in_row, len(b.times)) == (1, 5)

    # The plan's reply answers another question; the scan only looks behind it, which is as long.
    reply = upstream_packet("n0.example", "A", "n0.example 60 A 192.0.2.1")
    play(script, plan={"a": UNREACHABLE, "b": reply})


@contextmanager
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def alive() -> int:
    return sum(isinstance(thing, Flight | Exchange) for thing in gc.get_objects())


def test_nothing_is_left_to_the_cycle_collector(play: Play) -> None:
    """The collector is off while queries are served (`resolver/process.py`): a cycle is a leak."""

    async def script(scene: Scene) -> None:
        gc.collect()
        before = alive()
        plans: list[dict[str, bytes | str]] = [
            {"a": ANSWER},
            {"a": TRUNCATED, "a tcp": ANSWER},
            {"a": UNREACHABLE, "b": ANSWER},
            {"a": MALFORMED, "b": MALFORMED},
            {"a": UNREACHABLE, "b": UNREACHABLE},
            {"a": SERVFAIL, "b": REFUSED},
            {"b": ANSWER},
            {},
        ]
        for plan in plans:
            scene.plan = plan
            with collector_off():
                await asking(scene)
                scene.sent.clear()
                scene.forgotten.clear()
                assert alive() == before, plan

    play(script)


def test_closing_closes_every_way_and_tells_nobody(play: Play) -> None:
    async def script(scene: Scene) -> None:
        scene.ask()
        route = scene.forwarder._routes[""]
        scene.forwarder.close()
        assert all(transport.closed for transport in (*route.transports, *route.over_tcp))
        await asyncio.sleep(DEADLINE_SECONDS + 1)
        assert scene.told == []

    play(script)
