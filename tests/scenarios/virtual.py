"""Lychgate in virtual time: the listeners' callbacks, service, life of a query, cache and forwarder
as they are, on an event loop whose clock jumps.

Replaced are only sockets (clients and upstreams are objects here) and the clock. A scenario of
three days takes milliseconds, and is the same every time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from unittest.mock import patch
from zoneinfo import ZoneInfo

from categoriser.names import from_text
from lychgate.composition import compose
from lychgate.config import load
from resolver.cache import Cache
from resolver.listeners.tcp import Connection, TcpListener
from resolver.listeners.udp import _reader
from resolver.resolution import Outcome
from resolver.service import Service
from resolver.snapshot import Snapshot, verify
from resolver.upstream import forwarder
from resolver.upstream.transports import Deliver
from resolver.wire.query import Query
from tests.scenarios.folder import configuration_text, write_content
from tests.scenarios.language import Config, Scenario
from tests.scenarios.player import Ticket, needs, play
from tests.scenarios.upstreams import Script

T = TypeVar("T")

BEGINS = "2026-03-03 10:00"
"""A Tuesday in England, winter time, when a scenario names no time of its own."""
NEEDS_SOCKETS = frozenset({"WRONG_ID", "WRONG_NAME", "WRONG_CASE", "REFUSES_TCP"})
"""What only a real socket's reader can be given."""


def reason_to_skip(scenario: Scenario) -> str | None:
    """Why a scenario cannot be played here, or None."""
    only_real = needs(scenario)["behaviours"] & NEEDS_SOCKETS
    return f"needs real sockets: {', '.join(sorted(only_real))}" if only_real else None


def run(scenario: Scenario) -> Script:
    """Play one scenario; returns the script with what was used of it."""
    script = Script(scenario)
    local = datetime.fromisoformat(scenario.clock or BEGINS)
    begins_at = local.replace(tzinfo=ZoneInfo("Europe/London")).timestamp()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_run(scenario, script, begins_at))
    return script


async def _run(scenario: Scenario, script: Script, begins_at: float) -> None:
    faults: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(repr(context)))
    with TemporaryDirectory() as folder:
        stage = VirtualStage(scenario, script, begins_at, Path(folder))
        try:
            await play(scenario, stage, script)
        finally:
            stage.close()
    assert not faults, "\n".join(faults)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that, when it would wait, moves its clock forward instead."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        super().__init__(_Jumping(self))
        self._clock_resolution = 2e-6  # `elapsed` is kept in whole microseconds

    def time(self) -> float:
        return self.elapsed


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found and timeout != 0:
            assert timeout is not None, "everything waits and nothing will ever happen"
            self._loop.elapsed = round(self._loop.elapsed + timeout, 6)
        return found


class VirtualStage:
    """The running parts, and the clients' side of them."""

    slack_seconds = 0.0
    silence_seconds = 8.0
    merges_log = False

    def __init__(self, scenario: Scenario, script: Script, begins_at: float, folder: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._begins_at = begins_at
        self._folder = folder
        names = {f"192.0.2.{number}": name for number, name in enumerate(scenario.upstreams, 1)}
        uris = {name: f"udp://{address}:53" for address, name in names.items()}
        text = configuration_text(scenario.config, uris, "127.0.0.1:53", "")
        (folder / "lychgate.toml").write_text(text, "utf-8")
        write_content(folder, scenario.config, begins_at)
        setup = compose(load(folder / "lychgate.toml"))
        self._build = setup.build_snapshot
        self._cache = Cache(setup.cache)
        with patch.object(
            forwarder,
            "connect",
            lambda endpoint, deliver: _Upstream(
                names[endpoint.host], endpoint.scheme, script, deliver
            ),
        ):
            self._forwarder = forwarder.Forwarder(setup.routes, self._cache, self.now)
        self._service = Service(
            self._snapshot(), self._cache, self._forwarder, setup.limits, self.now, setup.trust
        )
        self._udp = _UdpWire(self._service, self.now)
        self._tcp: dict[str, _TcpWire] = {}

    def now(self) -> float:
        return self._begins_at + self._loop.time()

    def send(self, ticket: Ticket) -> None:
        if ticket.query.transport == "udp":
            self._udp.send(ticket)
            return
        wire = self._tcp.get(ticket.query.client)
        if wire is None or wire.is_closing():
            wire = self._tcp[ticket.query.client] = _TcpWire(
                self._service, ticket.query.client, self.now
            )
        wire.send(ticket)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def swap(self, config: Config) -> None:
        write_content(self._folder, config, self.now())
        self._service.swap(self._snapshot())

    def account(self, name: str) -> dict[str, str] | None:
        wire = from_text(name)
        events: list[tuple[float, Outcome, str]] = [
            (event[0], outcome, outcome.status)
            for event in self._service.events
            if _part(event, Query).name == wire and (outcome := _part(event, Outcome))
        ]
        events += [
            (at, answer.outcome, "memo")
            for at, _, answer in self._service.hits
            if answer.query.name == wire
        ]
        if not events:
            return None
        *_, outcome, status = sorted(events, key=lambda event: event[0])[-1]
        decision = outcome.decision
        return {
            "action": decision.action if decision is not None else "",
            "category": (decision.category or "") if decision is not None else "",
            "status": status,
        }

    def close(self) -> None:
        self._forwarder.close()
        for wire in self._tcp.values():
            wire.close()

    def _snapshot(self) -> Snapshot:
        built = self._build()
        assert not built.warnings, built.warnings
        verify(built.snapshot, self.now())
        return built.snapshot


def _part(event: Iterable[object], kind: type[T]) -> T:
    """The part of an event that has this type: their order is nobody's promise."""
    return next(part for part in event if isinstance(part, kind))


class _UdpWire:
    """Clients' datagrams: in the place of the listener's socket."""

    def __init__(self, service: Service, now: Callable[[], float]) -> None:
        self._inbox: list[tuple[bytes, tuple[str, int]]] = []
        self._tickets: dict[int, Ticket] = {}
        self._now = now
        self._read = _reader(self, service)  # type: ignore[arg-type]

    def send(self, ticket: Ticket) -> None:
        port = 20_000 + len(self._tickets)
        self._tickets[port] = ticket
        self._inbox.append((ticket.octets, (ticket.query.client, port)))
        self._read()

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        if not self._inbox:
            raise BlockingIOError
        octets, peer = self._inbox.pop(0)
        return octets[:size], peer

    def sendto(self, octets: bytes, peer: tuple[str, int]) -> None:
        self._tickets[peer[1]].take(octets, self._now())


class _TcpWire(asyncio.Transport):
    """One client's connection: in the place of asyncio's transport."""

    def __init__(self, service: Service, client: str, now: Callable[[], float]) -> None:
        super().__init__({"peername": (client, 20_000)})
        self._tickets: list[Ticket] = []
        self._now = now
        self._closing = False
        self._out = b""
        self._connection = Connection(TcpListener(service))
        self._connection.connection_made(self)

    def send(self, ticket: Ticket) -> None:
        self._tickets.append(ticket)
        self._connection.data_received(len(ticket.octets).to_bytes(2) + ticket.octets)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._out += bytes(data)
        while len(self._out) >= 2 and len(self._out) >= 2 + int.from_bytes(self._out[:2]):
            size = int.from_bytes(self._out[:2])
            octets, self._out = self._out[2 : 2 + size], self._out[2 + size :]
            ticket = next(t for t in self._tickets if t.octets[:2] == octets[:2])
            ticket.take(octets, self._now())

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._connection.connection_lost(None)

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


class _Upstream:
    """A transport to a fake upstream."""

    def __init__(self, name: str, scheme: str, script: Script, deliver: Deliver) -> None:
        self._name = name
        self._scheme = scheme
        self._script = script
        self._deliver = deliver
        self._waiting: dict[Any, asyncio.TimerHandle] = {}

    def ask(self, exchange: Any, wire: bytes) -> None:
        reaction = self._script.react(self._name, self._scheme, b"\0\0" + wire)
        exchange.channel = self
        if reaction.octets is not None:
            self._waiting[exchange] = asyncio.get_running_loop().call_later(
                reaction.delay_seconds, self._bring, exchange, reaction.octets
            )

    def _bring(self, exchange: Any, octets: bytes) -> None:
        del self._waiting[exchange]
        exchange.channel = None
        self._deliver(exchange, octets, "")

    def forget(self, exchange: Any) -> None:
        exchange.channel = None
        if handle := self._waiting.pop(exchange, None):
            handle.cancel()

    def close(self) -> None:
        for exchange in list(self._waiting):
            self.forget(exchange)
