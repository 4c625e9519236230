"""Questions on their way: asked once whoever waits, of the next upstream when one is slow, never
for ever.

The forwarder drives transports and `selection`; it decides nothing about clients. Every reply goes
into the cache before anybody is told, so a question whose asker gave up still serves the next one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from resolver.cache import Cache, CacheEntry
from resolver.resolution import Ask, Told
from resolver.upstream.selection import Health, Selection
from resolver.upstream.transports import Endpoint, Transport, connect
from resolver.wire import codes, compose
from resolver.wire.reply import Reply, ReplyFault, scan_reply

Waiter = Callable[[Told], None]
"""Called once, with the answer or with None in it."""

DEADLINE_SECONDS: Final = 4.0
"""A question is given up after this: stubs wait five seconds (resolv.conf(5))."""
SWEEP_SECONDS: Final = 0.025
"""How often overdue questions are looked for: a timer for each would cost 1 us a question."""
FLIGHTS_MAX: Final = 4096
"""Different questions under way at a time; more are refused."""
WAITERS_MAX: Final = 1024
"""Clients waiting for one question; more are refused."""
TRIES_MAX: Final = 6
"""Exchanges for one question, over all upstreams."""
RESULTS: Final = frozenset(
    {"certificate", "closed", "handshake", "malformed", "mismatched", "silent"}
)
"""Words with which a transport may begin to say what went wrong; any other: unreachable."""


class Exchange(Struct, eq=False, weakref=False):
    """One question sent to one upstream."""

    flight: "Flight"
    upstream: int
    health: Health
    transport: Transport
    sent_at: float
    question_end: int
    spelled: bytes = b""
    """The question as sent, its letters' case included; set by the transport."""
    number: int = 0
    """The ID it was sent with; set by the transport."""
    channel: Any = None
    """Not None while the transport waits for a reply; the transport's own."""


class Flight(Struct, eq=False):
    """One question, everybody who waits for it, and every exchange begun for it."""

    ask: Ask
    route: "Route"
    wire: bytes
    """The query without its ID."""
    gives_up_at: float
    retry_at: float
    """When the next upstream is asked as well."""
    waiters: list[tuple[float, Waiter]]
    """(when it waits no longer, whom to tell)"""
    exchanges: list[Exchange]
    tried: int = 0
    lost: tuple[int, ...] = ()
    """Upstreams whose exchange is over without an answer."""
    refusal: Reply | None = None
    """A SERVFAIL or the like: better than no answer when nothing else comes."""
    over: bool = False


class Route:
    """The upstreams of one route, with a transport to each."""

    def __init__(self, endpoints: Sequence[Endpoint], deliver: Callable[..., None]) -> None:
        self.selection: Final = Selection([endpoint.uri for endpoint in endpoints])
        self.transports: Final = [connect(endpoint, deliver) for endpoint in endpoints]
        self.over_tcp: Final = [
            connect(endpoint._replace(scheme="tcp"), deliver)
            if endpoint.scheme == "udp"
            else transport
            for endpoint, transport in zip(endpoints, self.transports, strict=True)
        ]

    def close(self) -> None:
        """Let go of every socket."""
        for transport in (*self.transports, *self.over_tcp):
            transport.close()


class Forwarder:
    """All routes, all questions in flight."""

    def __init__(
        self,
        routes: Mapping[str, Sequence[Endpoint]],
        cache: Cache,
        clock: Callable[[], float],
    ) -> None:
        self._cache: Final = cache
        self._clock: Final = clock
        self._routes: Final = {
            name: Route(endpoints, self._deliver) for name, endpoints in routes.items()
        }
        self._flights: dict[bytes, Flight] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self.refused = 0
        """Questions turned away because FLIGHTS_MAX or WAITERS_MAX was reached."""
        self.failures: list[tuple[Health, str]] = []
        """(upstream, what went wrong) for telemetry, which takes them away in batches."""

    def ask(self, ask: Ask, waiter: Waiter | None) -> None:
        """Get an answer to `ask`; `waiter` is told once, None fills the cache only."""
        flights = self._flights
        at = self._clock()
        flight = flights.get(ask.key)
        if flight is not None:
            if waiter is not None:
                if len(flight.waiters) >= WAITERS_MAX:
                    self.refused += 1
                    waiter(Told(None, at))
                else:
                    flight.waiters.append((at + ask.patience_seconds, waiter))
            return
        route = self._routes.get(ask.route)
        if route is None or len(flights) >= FLIGHTS_MAX:
            self.refused += 1
            if waiter is not None:
                waiter(Told(None, at))
            return
        wire = compose.upstream_query(
            ask.question, dnssec_ok=ask.dnssec_ok, checking_disabled=ask.checking_disabled
        )
        gives_up_at = at + DEADLINE_SECONDS
        waiters = [] if waiter is None else [(at + ask.patience_seconds, waiter)]
        flight = Flight(ask, route, wire, gives_up_at, gives_up_at, waiters, [])
        flights[ask.key] = flight
        self._try_next(flight, at)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def health(self) -> list[tuple[str, Health]]:
        """(route, health) of every upstream."""
        return [
            (name, health)
            for name, route in self._routes.items()
            for health in route.selection.upstreams
        ]

    @property
    def mismatches(self) -> int:
        """Packets from upstreams' addresses that answered no question of ours."""
        return sum(
            transport.mismatches
            for route in self._routes.values()
            for transport in route.transports
        )

    @property
    def in_flight(self) -> int:
        """Questions under way."""
        return len(self._flights)

    def close(self) -> None:
        """Stop everything; nobody is told."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._flights = {}
        for route in self._routes.values():
            route.close()

    def _try_next(self, flight: Flight, at: float) -> bool:
        """Send the question to the next upstream in order; False when every one had its turn."""
        route = flight.route
        order = route.selection.order(at)
        number = order[0]
        if flight.tried:
            # Each upstream twice: a lost packet is more likely than a dead upstream.
            if flight.tried >= min(2 * len(order), TRIES_MAX):
                flight.retry_at = flight.gives_up_at
                return False
            number = _next_upstream(flight, order)
        flight.tried += 1
        health = route.selection.upstreams[number]
        flight.retry_at = at + health.patience_seconds
        self._send(flight, number, health, route.transports[number], at)
        return True

    def _send(
        self, flight: Flight, number: int, health: Health, transport: Transport, at: float
    ) -> None:
        exchange = Exchange(flight, number, health, transport, at, 12 + len(flight.ask.question))
        flight.exchanges.append(exchange)
        transport.ask(exchange, flight.wire)

    def _deliver(self, exchange: Exchange, packet: bytes | None, trouble: str) -> None:
        """A transport brings a reply, or says that none will come."""
        flight = exchange.flight
        if flight.over:
            return  # Answered or given up meanwhile.
        at = self._clock()
        route = flight.route
        if packet is None:
            word = trouble.partition(":")[0]
            self._fail(flight, exchange, at, word if word in RESULTS else "unreachable")
            return
        if trouble or packet[2] & 0x02:  # Doubtful, or truncated: TC (RFC 1035 section 4.1.1).
            if trouble == "plain":  # TLS was wanted, and could not be had.
                self.failures.append((exchange.health, trouble))
            over_tcp = route.over_tcp[exchange.upstream]
            if exchange.transport is not over_tcp:
                result = "mismatched" if trouble else "truncated"
                self.failures.append((exchange.health, result))
                self._send(flight, exchange.upstream, exchange.health, over_tcp, at)
                return
        try:
            reply = scan_reply(packet, exchange.question_end)
        except ReplyFault:
            self._fail(flight, exchange, at, "malformed")
            return
        if reply.sections.rcode not in (codes.NOERROR, codes.NXDOMAIN):
            self.failures.append((exchange.health, "refused"))
            flight.refusal = reply
            # Another upstream may still do better; if none does, this is the answer after all.
            waiting = self._is_waiting(flight, exchange)
            if self._try_next(flight, at) or waiting:
                return
        else:
            route.selection.succeeded(exchange.upstream, at - exchange.sent_at)
        entry = self._cache.put(flight.ask.key, reply, exchange.health.uri, at)
        self._finish(flight, entry, at, exchange)

    def _fail(self, flight: Flight, exchange: Exchange, at: float, result: str) -> None:
        flight.route.selection.failed(exchange.upstream, at)
        self.failures.append((exchange.health, result))
        waiting = self._is_waiting(flight, exchange)
        if not self._try_next(flight, at) and not waiting:
            self._give_up(flight, at)

    def _is_waiting(self, flight: Flight, but: Exchange) -> bool:
        """Whether another exchange of this flight may still bring an answer."""
        if but in flight.exchanges:
            flight.exchanges.remove(but)
            flight.lost += (but.upstream,)
        return any(exchange.channel is not None for exchange in flight.exchanges)

    def _give_up(self, flight: Flight, at: float) -> None:
        """Nobody answered: remember that, so that dead upstreams are not asked in a rush."""
        if flight.refusal is None:
            entry = self._cache.put_failure(flight.ask.key, "", at)
        else:
            entry = self._cache.put(flight.ask.key, flight.refusal, "", at)
        self._finish(flight, entry, at, None)

    def _finish(
        self, flight: Flight, entry: CacheEntry | None, at: float, winner: Exchange | None
    ) -> None:
        del self._flights[flight.ask.key]
        flight.over = True
        for exchange in flight.exchanges:
            if exchange is not winner:
                exchange.transport.forget(exchange)
        waiters = flight.waiters
        # Flight and exchange point at each other: let go, for no collector runs behind us.
        flight.exchanges = []
        flight.waiters = []
        told = Told(entry, at)
        for _, waiter in waiters:
            waiter(told)

    def _blame(self, exchange: Exchange, at: float, result: str) -> None:
        """Count a failure against an upstream that still owes a reply."""
        if exchange.channel is not None:
            exchange.flight.route.selection.failed(exchange.upstream, at)
            self.failures.append((exchange.health, result))

    def _sweep(self) -> None:
        """Look for questions that are overdue and clients that wait no longer."""
        self._sweeping = None
        at = self._clock()
        for flight in list(self._flights.values()):
            if at >= flight.gives_up_at:
                for exchange in flight.exchanges:
                    self._blame(exchange, at, "silent")
                self._give_up(flight, at)
                continue
            if at >= flight.retry_at:
                for exchange in flight.exchanges[-1:]:
                    self._blame(exchange, at, "slow")
                self._try_next(flight, at)
            if flight.waiters and any(at >= until for until, _ in flight.waiters):
                gone = [waiter for until, waiter in flight.waiters if at >= until]
                flight.waiters = [pair for pair in flight.waiters if at < pair[0]]
                for waiter in gone:
                    waiter(Told(None, at))
        if self._flights and self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)


def _next_upstream(flight: Flight, order: Sequence[int]) -> int:
    """The first in order that was asked least often for this flight.

    Not simply the next in order: a failure moves the upstream that was just asked.
    """
    asked = Counter(exchange.upstream for exchange in flight.exchanges)
    asked.update(flight.lost)
    return min(order, key=lambda number: asked[number])
