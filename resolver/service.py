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

from msgspec import Struct, structs

from policy.networks import plain_address
from policy.types import Client
from resolver.cache import FOREVER, Cache
from resolver.clients import Answer, Audience, Behind, ClientRecord
from resolver.limits import Limits, Trust
from resolver.resolution import Outcome, Resolution, Told, resolve
from resolver.snapshot import Snapshot
from resolver.upstream.forwarder import Forwarder
from resolver.wire import codes, compose
from resolver.wire.introduction import Introduction, read_introduction
from resolver.wire.query import Query, QueryFault, scan_query

__all__ = ["EVENTS_MAX", "Answer", "Audience", "ClientRecord", "Event", "Reply", "Service"]

AUDIENCES_MAX: Final = 1_024
"""Audiences with a memo; beyond that all are forgotten."""
CLIENTS_MAX: Final = 65_536
"""Source addresses remembered; beyond that all are forgotten and identified afresh."""
FORWARDERS_MAX: Final = 256
"""Trusted forwarders with a memo; beyond that all answers are forgotten."""
CLIENTS_BEHIND_MAX: Final = 4_096
"""Clients remembered behind one forwarder; beyond that all are forgotten and identified afresh."""
EVENTS_MAX: Final = 400_000
"""Events waiting for telemetry; more are dropped and counted."""

Reply = Callable[[bytes], None]
"""Sends octets to the one who asked."""


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
        trust: Trust = Trust(),  # noqa: B008 - immutable
    ) -> None:
        self.snapshot = snapshot
        self.cache: Final = cache
        self.forwarder: Final = forwarder
        self.limits: Final = limits
        self.trust: Final = trust
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
        self.forwarders: Final[dict[str, Behind]] = {}
        """Trusted forwarders that asked, by source address."""

    def swap(self, snapshot: Snapshot) -> None:
        """Put a verified snapshot in place. Queries under way end under the one they began with."""
        old, self.snapshot = self.snapshot, snapshot
        if old.differs_in_passes_only(snapshot):
            self._admit_again(old.policy.passes.concerned(snapshot.policy.passes))
        else:
            self.forget_answers()

    def _admit_again(self, concerned: frozenset[str | bytes]) -> None:
        """Find out afresh who these are whose passes changed; everybody else keeps every answer.

        Nobody signs in to take a pass: it must not cost others their memo.
        """
        devices = any(isinstance(who, str) for who in concerned)
        for address, record in list(self.records.items()):
            device = record.audience.perspective.client.device if devices else None
            if plain_address(record.packed) in concerned or f"device:{device}" in concerned:
                del self.records[address]
        for behind in self.forwarders.values():
            behind.forget()

    def forget_answers(self) -> None:
        """Drop every memo; the cache stays."""
        self.records.clear()
        self.audiences.clear()
        self.forwarders.clear()

    def admit(self, address: str, at: float) -> ClientRecord:
        """Find out who is asking from this source address."""
        packed = ip_address(address.partition("%")[0]).packed
        policy = self.snapshot.policy
        audience = self._audience_of(policy.identify(packed), at)
        served = self.limits.serves(packed)
        behind = None
        if served and self.trust.includes(packed):
            if len(self.forwarders) >= FORWARDERS_MAX:
                self.forget_answers()
            behind = self.forwarders.setdefault(address, Behind())
        record = ClientRecord(
            address, packed, audience, self.limits.rate(packed), served, at,
            policy.hostname(packed), behind,
        )  # fmt: skip
        if len(self.records) >= CLIENTS_MAX:
            self.records.clear()
        self.records[address] = record
        return record

    def _audience_of(self, client: Client, at: float) -> Audience:
        audience = self.audiences.get(client)
        if audience is None:
            if len(self.audiences) >= AUDIENCES_MAX:
                self.forget_answers()
            audience = Audience(self.snapshot.perspective_of(client, at))
            self.audiences[client] = audience
        return audience

    def _client_behind(
        self, forwarder: ClientRecord, behind: Behind, told: Introduction, at: float
    ) -> ClientRecord:
        """The client for whom a trusted forwarder asks."""
        key = structs.replace(told, others=b"")
        record = behind.clients.get(key)
        if record is None:
            policy = self.snapshot.policy
            client = policy.identify_behind(
                forwarder.packed, told.address, told.bits, told.client_id
            )
            packed, address, whole = forwarder.packed, forwarder.address, True
            if told.bits:
                packed, whole = told.address, told.bits == 8 * len(told.address)
                address = str(ip_address(packed)) + ("" if whole else f"/{told.bits}")
            known_as = policy.hostname(packed) if whole and told.bits else ""
            record = ClientRecord(
                address, packed, self._audience_of(client, at), forwarder.rate, True, at,
                known_as or told.client_id, behind,
            )  # fmt: skip
            if len(behind.clients) >= CLIENTS_BEHIND_MAX:
                behind.clients.clear()
            behind.clients[key] = record
        return record

    def _repeat(self, packet: bytes, behind: Behind, at: float, reply: Reply) -> bool:
        """Answer a forwarder's query out of its memo, if it is there."""
        known = behind.find(packet[2:])
        if known is None or at >= known[1].good_until:
            return False
        record, answer = known
        if at >= answer.fresh_until:
            answer.refresh(at)
        reply(packet[:2] + answer.tail)
        self.hits.append((at, record, answer))
        return True

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
        behind = record.behind
        if behind is not None:
            if transport == "udp" and self._repeat(packet, behind, at, reply):
                return
        elif audience.older and transport == "udp":
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
            if behind is not None:
                told = read_introduction(query.options, self.trust.client_id_option)
                query = structs.replace(query, options=told.others, echo=told.echo)
                record = self._client_behind(record, behind, told, at)
                audience = record.audience
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
            answer = Answer(tail, query, outcome, at)
            if record.behind is None:
                record.audience.remember(packet[2:], answer)
            else:
                record.behind.remember(packet[2:], (record, answer))
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
