"""Between the listeners and the life of a query: the memo, the clients, and the answers' last
octets.

Most queries repeat. For each audience (clients who are the same to policy) a memo maps the octets
of a query behind its ID to a finished answer; `resolver/listeners/udp.py` looks there first and
comes here only when it finds nothing. This module turns an `Outcome` into octets, decides what may
be remembered, and notes one event for every query. It has no socket; the clock is handed in.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from resolver.cache import FOREVER, Cache
from resolver.limits import Limits
from resolver.resolution import Outcome, Resolution, Told, resolve
from resolver.snapshot import Perspective, Snapshot
from resolver.upstream.forwarder import Forwarder
from resolver.wire import codes, compose
from resolver.wire.query import Query, QueryFault, scan_query

MEMO_ANSWERS_MAX: Final = 32_768
"""Answers in the younger half of an audience's memo; the older half holds as many."""
AUDIENCES_MAX: Final = 1_024
"""Audiences with a memo; beyond that all are forgotten."""
CLIENTS_MAX: Final = 65_536
"""Source addresses remembered; beyond that all are forgotten and identified afresh."""
EVENTS_MAX: Final = 400_000
"""Events waiting for telemetry; more are dropped and counted."""

Reply = Callable[[bytes], None]
"""Sends octets to the one who asked."""


class Answer:
    """A finished answer and how long it stands."""

    __slots__ = (
        "ceiling_until",
        "fresh_until",
        "good_until",
        "outcome",
        "query",
        "since",
        "tail",
        "ttls",
    )

    def __init__(self, tail: bytes, query: Query, outcome: Outcome, at: float) -> None:
        self.tail = tail
        """Everything behind the ID."""
        self.query: Final = query
        self.outcome: Final = outcome
        self.ttls: Final = outcome.sections.ttls
        self.since: Final = outcome.since
        self.ceiling_until: Final = outcome.ceiling_until
        self.good_until: Final = outcome.good_until
        # TTLs run down in whole seconds counted from `since`.
        self.fresh_until = (
            min(self.since + int(at - self.since) + 1.0, self.good_until)
            if self.ttls
            else self.good_until
        )

    def refresh(self, at: float) -> None:
        """Let the TTLs run down to `at`, which must be before `good_until`."""
        elapsed = int(at - self.since)
        ceiling = self.ceiling_until
        left = compose.TTL_MAX if ceiling == FOREVER else int(ceiling - at)
        self.tail = compose.age(self.tail, self.ttls, elapsed, left)
        fresh = self.since + elapsed + 1.0
        self.fresh_until = fresh if fresh < self.good_until else self.good_until


class Audience:
    """Clients who are the same to policy, and what they have been answered."""

    __slots__ = ("memo", "older", "perspective")

    def __init__(self, perspective: Perspective) -> None:
        self.perspective = perspective
        self.memo: Final[dict[bytes, Answer]] = {}
        self.older: dict[bytes, Answer] = {}

    def remember(self, key: bytes, answer: Answer) -> None:
        """Keep an answer. Two generations: what is asked again moves up before it can be lost."""
        memo = self.memo
        if len(memo) >= MEMO_ANSWERS_MAX:
            self.older = memo.copy()
            memo.clear()
        memo[key] = answer


class ClientRecord:
    """One source address: its audience, its memo, and what it may still ask this second."""

    __slots__ = (
        "address",
        "audience",
        "memo",
        "packed",
        "rate",
        "served",
        "slips",
        "tokens",
        "window",
    )

    def __init__(
        self, address: str, packed: bytes, audience: Audience, rate: int, served: bool, at: float
    ) -> None:
        self.address: Final = address
        self.packed: Final = packed
        self.audience: Final = audience
        self.memo: Final = audience.memo if served else {}
        self.rate: Final = rate
        self.served: Final = served
        self.tokens = rate if served else 0
        self.window = at
        self.slips = 0

    def may_ask(self, at: float) -> bool:
        """Called when the tokens are used up: a second later there are new ones."""
        if at - self.window >= 1.0 and self.served:
            self.window = at
            self.tokens = self.rate - 1
            return True
        return False


Event = tuple[float, ClientRecord, Query, Outcome, str, float]
"""One query that went past the memo: when, who, what, how it ended, the transport, and the seconds
from reading it to sending its answer. (A plain tuple: a named one costs 0.3 us more for each
query.)"""


class Service:
    """Answers queries that the memo does not know."""

    def __init__(
        self,
        snapshot: Snapshot,
        cache: Cache,
        forwarder: Forwarder,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self.snapshot = snapshot
        self.cache: Final = cache
        self.forwarder: Final = forwarder
        self.limits: Final = limits
        self.clock: Final = clock
        self.records: Final[dict[str, ClientRecord]] = {}
        """By source address. Listeners hold on to this very dictionary."""
        self.hits: list[tuple[float, ClientRecord, Answer]] = []
        """Queries answered out of the memo; taken away by telemetry."""
        self.events: list[Event] = []
        """Queries that were resolved; taken away by telemetry."""
        self.faults: dict[str, int] = {}
        """Packets that were no queries, by fault. The faults are words of `scan_query`."""
        self.limited = 0
        self.events_dropped = 0
        self.audiences: Final[dict[object, Audience]] = {}

    def swap(self, snapshot: Snapshot) -> None:
        """Put a verified snapshot in place. Queries under way end under the one they began with."""
        self.snapshot = snapshot
        self.forget_answers()

    def forget_answers(self) -> None:
        """Drop every memo; the cache stays."""
        self.records.clear()
        self.audiences.clear()

    def admit(self, address: str, at: float) -> ClientRecord:
        """Find out who is asking from this source address."""
        packed = ip_address(address.partition("%")[0]).packed
        client = self.snapshot.policy.identify(packed)
        audience = self.audiences.get(client)
        if audience is None:
            if len(self.audiences) >= AUDIENCES_MAX:
                self.forget_answers()
            audience = Audience(self.snapshot.perspective_of(client, at))
            self.audiences[client] = audience
        served = self.limits.serves(packed)
        record = ClientRecord(address, packed, audience, self.limits.rate(packed), served, at)
        if len(self.records) >= CLIENTS_MAX:
            self.records.clear()
        self.records[address] = record
        return record

    def turn_away(self, packet: bytes, record: ClientRecord, reply: Reply) -> None:
        """Answer a client that may not ask at all, or not so much (slip 2: every second one)."""
        self.limited += 1
        record.slips ^= 1
        if record.slips or len(packet) < 12 or packet[2] & 0x80:
            return
        try:
            query = scan_query(packet)
        except QueryFault:
            return
        if record.served:  # TC: an honest client comes back over TCP, a forged source does not.
            reply(packet[:2] + compose.answer(query, codes.NOERROR, 0, 0, b"", (), size_limit=0))
            return
        errors = ((codes.EDE_PROHIBITED, "This resolver serves its own networks only"),)
        reply(packet[:2] + compose.answer(query, codes.REFUSED, 0, 0, b"", errors))

    def handle(
        self, packet: bytes, record: ClientRecord, at: float, reply: Reply, transport: str
    ) -> None:
        """Answer a query, now or when an upstream has answered. Never raises for any octets."""
        audience = record.audience
        if audience.older and transport == "udp":
            known = audience.older.get(packet[2:])
            if known is not None and at < known.good_until:
                if at >= known.fresh_until:
                    known.refresh(at)
                audience.remember(packet[2:], known)
                reply(packet[:2] + known.tail)
                self.hits.append((at, record, known))
                return
        try:
            query = scan_query(packet)
        except QueryFault as fault:
            self.faults[fault.what] = self.faults.get(fault.what, 0) + 1
            if fault.rcode is not None:
                reply(compose.fault(packet, fault.rcode))
            return
        perspective = audience.perspective
        if at >= perspective.view.valid_until:
            perspective = self.snapshot.perspective_of(perspective.client, at)
            audience.perspective = perspective
        resolution = resolve(query, perspective, self.snapshot, self.cache, at)
        try:
            ask = next(resolution)
        except StopIteration as stop:
            self._finish(packet, query, record, stop.value, at, at, reply, transport)
            return
        pending = Pending(self, packet, query, record, resolution, at, reply, transport)
        self.forwarder.ask(ask, pending.resume)

    def _finish(
        self,
        packet: bytes,
        query: Query,
        record: ClientRecord,
        outcome: Outcome,
        began: float,
        at: float,
        reply: Reply,
        transport: str,
    ) -> None:
        """Send an outcome, remember it if it may be, and note the event."""
        sections = outcome.sections
        over_udp = transport == "udp"
        tail = compose.answer(
            query,
            sections.rcode,
            sections.answers,
            sections.authorities,
            sections.body,
            outcome.errors,
            authentic=outcome.authentic,
            size_limit=min(query.size_limit, codes.UDP_SIZE_OCTETS) if over_udp else 65535,
            keepalive=0 if over_udp else KEEPALIVE,
        )
        truncated = tail[0] & 0x02
        if sections.ttls and not truncated:
            elapsed = int(at - outcome.since)
            ceiling = outcome.ceiling_until
            if elapsed > 0 or ceiling != FOREVER:
                left = compose.TTL_MAX if ceiling == FOREVER else int(ceiling - at)
                tail = compose.age(tail, sections.ttls, elapsed, left)
        reply(packet[:2] + tail)
        # A first answer is not memoised: names asked only once would push out the popular ones.
        # Nor are queries with EDNS options: a cookie makes each client's octets its own.
        keeps = over_udp and outcome.status in _MEMOISED and outcome.good_until > at
        if keeps and not query.options and not truncated:
            record.audience.remember(packet[2:], Answer(tail, query, outcome, at))
        if len(self.events) < EVENTS_MAX:
            self.events.append((at, record, query, outcome, transport, at - began))
        else:
            self.events_dropped += 1
        if outcome.refresh is not None:
            self.forwarder.ask(outcome.refresh, None)


_MEMOISED: Final = frozenset({"special", "blocked", "rewritten", "hit"})
KEEPALIVE: Final = 100
"""Idle time of a TCP connection that we announce, in 100 ms (RFC 7828 section 3.1)."""


class Pending(Struct, gc=False):
    """A query that waits for an upstream."""

    service: Service
    packet: bytes
    query: Query
    record: ClientRecord
    resolution: Resolution
    began: float
    reply: Reply
    transport: str

    def resume(self, told: Told) -> None:
        """Go on with what came back."""
        try:
            ask = self.resolution.send(told)
        except StopIteration as stop:
            self.service._finish(
                self.packet, self.query, self.record, stop.value,
                self.began, told.at, self.reply, self.transport,
            )  # fmt: skip
            return
        self.service.forwarder.ask(ask, self.resume)
