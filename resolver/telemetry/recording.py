"""What happened, for the recorder: counts of every query, and details of those that matter.

Allowed queries leave this process only as counts by minute, venue, profile and registered domain
(DESIGN section 8); blocked, warned, monitored and suspected ones singly, repeats of a moment as
one.

The loop only counts (`Recording.note`), and keeps what it counted apart for a second; a thread does
the rest (`Recording.flush`): it reduces names, and writes a batch into the spool every second when
there are details, and every ten otherwise. A fault there is counted, and disturbs no answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import Final

import structlog
from publicsuffixlist import PublicSuffixList

from categoriser.names import to_text
from categoriser.taxonomy import Taxonomy
from evidence.spool import SPOOL_OCTETS_MAX, Detail, SpoolWriter, Tally, Traffic
from policy.types import Client, Decision
from resolver.service import Answer, Audience, ClientRecord, Event

__all__ = ["SPOOL_OCTETS_MAX", "Noted", "Recording", "watched"]

PENDING_MAX: Final = 100_000
"""Different things, and single queries, between two flushes; more are lost and counted."""
DETAILS_MAX: Final = 5_000
"""Of one batch; more are lost and counted."""
TRAFFIC_MAX: Final = 20_000
"""Registered domains of one batch; more are lost and counted."""
NAMES_MAX: Final = 50_000
"""Names whose registered domain is remembered."""
FLUSH_SECONDS: Final = 1.0
COUNTS_SECONDS: Final = 10.0
"""How often counts are written when there are no details."""
CIRCUMVENTION: Final = "circumvention"

log = structlog.get_logger("resolver")

_Hit = tuple[float, ClientRecord, Answer]


class Noted:
    """What was counted between two flushes."""

    __slots__ = ("answers", "decisions", "events", "hits", "minute", "resolved", "size")

    def __init__(self, minute: int) -> None:
        self.minute: Final = minute
        self.answers: Final[dict[tuple[Audience, Answer], int]] = {}
        """Remembered answers of each audience."""
        self.resolved: Final[Counter[tuple[Audience, int, bytes]]] = Counter()
        """Resolved queries by audience, decision and name."""
        self.decisions: Final[dict[int, Decision | None]] = {}
        """By identity; kept so that it stays theirs."""
        self.hits: Final[list[Sequence[_Hit]]] = []
        self.events: Final[list[Sequence[Event]]] = []
        self.size = 0


class Recording:
    """The notes of one process."""

    def __init__(
        self, folder: Path, taxonomy: Taxonomy, octets_max: int = SPOOL_OCTETS_MAX
    ) -> None:
        self._writer: Final = SpoolWriter(folder, octets_max)
        self._watched: Final = watched(taxonomy)
        self._pending: list[Noted] = []
        self._one_at_a_time: Final = Lock()
        self._traffic: dict[tuple[int, str, str], dict[str, int]] = {}
        """By minute, venue and profile: queries by registered domain."""
        self._domains = 0
        """Entries in there."""
        self._tallies: dict[Tally, int] = {}
        self._counts_at = 0.0
        self._domain: Final = lru_cache(NAMES_MAX)(_Domains())
        self.lost = 0
        """Queries that were not noted: there was too much at once, or the spool is full."""
        self.failures = 0
        """Times a batch could not be written."""
        self._told_lost = 0

    def note(
        self,
        remembered: Mapping[tuple[Audience, Answer], int],
        hits: Sequence[_Hit],
        events: Sequence[Event],
        at: float,
    ) -> None:
        """Keep a batch of telemetry. On the loop: 0.1 us for a remembered answer, 0.6 us for a
        resolved query, measured (bench/telemetry.py).
        """
        minute = int(at // 60)
        if not self._pending or self._pending[-1].minute != minute:
            self._pending.append(Noted(minute))
        noted = self._pending[-1]
        if noted.size + len(hits) + len(events) > PENDING_MAX:
            self.lost += len(hits) + len(events)
            return
        noted.size += len(hits) + len(events)
        if hits:
            answers = noted.answers
            get = answers.get
            for key, count in remembered.items():
                answers[key] = get(key, 0) + count
            noted.hits.append(hits)
        if events:
            # Column by column, so that the steps for each event run in C.
            _, records, queries, outcomes, _, _ = zip(*events, strict=True)
            decisions = list(map(_DECISION, outcomes))
            ids = list(map(id, decisions))
            noted.decisions.update(zip(ids, decisions, strict=True))
            noted.resolved.update(
                zip(map(_AUDIENCE, records), ids, map(_NAME, queries), strict=True)
            )
            noted.events.append(events)

    def take(self) -> list[Noted]:
        """Everything noted since the last time. On the loop, as `note`."""
        taken, self._pending = self._pending, []
        return taken

    def flush(self, taken: list[Noted], at: float, *, last: bool = False) -> None:
        """Reduce notes and write a batch when it is time. In a thread; never raises."""
        with self._one_at_a_time:
            try:
                details = self._reduce(taken)
                due = last or not 0 <= at - self._counts_at < COUNTS_SECONDS
                if details or (due and (self._tallies or self._traffic)):
                    self._write(details, at, counts=due)
            except Exception as fault:
                self.failures += 1
                log.warning("telemetry cannot be written", problem=repr(fault))

    def _reduce(self, taken: list[Noted]) -> list[Detail]:
        details: dict[tuple[object, ...], Detail] = {}
        for noted in taken:
            notable = self._count(noted)
            if notable:
                self._single_out(noted, notable, details)
        return list(details.values())

    def _count(self, noted: Noted) -> set[int]:
        """Add to tallies and traffic; the decisions whose queries are kept singly, by identity."""
        known: dict[int, tuple[Decision | None, bool]] = {}
        for key, decision in noted.decisions.items():
            known[key] = decision, self._is_notable(decision)
        # By audience first: what is looked up for every name then is a number or octets alone.
        decided: dict[Audience, dict[int, int]] = {}
        named: dict[Audience, dict[bytes, int]] = {}
        for (audience, answer), count in noted.answers.items():
            decision = answer.outcome.decision
            key = id(decision)
            if key not in known:
                known[key] = decision, self._is_notable(decision)
            if audience not in decided:
                decided[audience], named[audience] = {}, {}
            by_decision = decided[audience]
            by_decision[key] = by_decision.get(key, 0) + count
            if decision is not None and decision.action == "allow":
                by_name = named[audience]
                name = answer.query.name
                by_name[name] = by_name.get(name, 0) + count
        for (audience, key, name), count in noted.resolved.items():
            decision = known[key][0]
            if audience not in decided:
                decided[audience], named[audience] = {}, {}
            by_decision = decided[audience]
            by_decision[key] = by_decision.get(key, 0) + count
            if decision is not None and decision.action == "allow":
                by_name = named[audience]
                by_name[name] = by_name.get(name, 0) + count
        for audience, by_decision in decided.items():
            client = audience.perspective.client
            for key, count in by_decision.items():
                tally = _tally(noted.minute, client, known[key][0])
                self._tallies[tally] = self._tallies.get(tally, 0) + count
        for audience, by_name in named.items():
            if by_name:
                self._count_traffic(noted.minute, audience.perspective.client, by_name)
        return {key for key, (_, is_notable) in known.items() if is_notable}

    def _count_traffic(self, minute: int, client: Client, by_name: Mapping[bytes, int]) -> None:
        """Add allowed queries of one place by name to what is counted by registered domain."""
        counted = self._traffic.setdefault((minute, client.venue, client.profile), {})
        domain_of = self._domain
        for name, count in by_name.items():
            domain = domain_of(name)
            if not domain:
                continue
            before = counted.get(domain)
            if before is not None:
                counted[domain] = before + count
            elif self._domains < TRAFFIC_MAX:
                counted[domain] = count
                self._domains += 1
            else:
                self.lost += count

    def _single_out(
        self, noted: Noted, notable: set[int], details: dict[tuple[object, ...], Detail]
    ) -> None:
        for hits in noted.hits:
            for at, record, answer in hits:
                decision = answer.outcome.decision
                if id(decision) in notable and decision is not None:
                    self._detail(
                        details, at, record, answer.query.name, answer.query.qtype, decision, "udp"
                    )
        for events in noted.events:
            for at, record, query, outcome, transport, _ in events:
                decision = outcome.decision
                if id(decision) in notable and decision is not None:
                    self._detail(details, at, record, query.name, query.qtype, decision, transport)

    def _detail(
        self,
        details: dict[tuple[object, ...], Detail],
        at: float,
        record: ClientRecord,
        name: bytes,
        qtype: int,
        decision: Decision,
        transport: str,
    ) -> None:
        client = record.audience.perspective.client
        key = (record.address, client, name, decision.action, decision.category)
        known = details.get(key)
        if known is not None:
            known.queries += 1
            return
        if len(details) >= DETAILS_MAX:
            self.lost += 1
            return
        details[key] = Detail(
            at,
            record.address,
            record.hostname,
            client.device or "",
            client.venue,
            client.room or "",
            client.profile,
            to_text(name),
            qtype,
            decision.action,
            decision.reason,
            decision.category or "",
            decision.rule or "",
            decision.sources,
            tuple(f"{match.category}:{match.rule}" for match in decision.suggestions),
            transport,
        )

    def _is_notable(self, decision: Decision | None) -> bool:
        if decision is None:
            return False
        if decision.action != "allow" or decision.suggestions or decision.reason == "pass":
            return True
        return any(match.category in self._watched for match in decision.matches)

    def _write(self, details: list[Detail], at: float, *, counts: bool) -> None:
        tallies = list(self._tallies.items()) if counts else []
        traffic = (
            [
                (Traffic(*place, domain), count)
                for place, counted in self._traffic.items()
                for domain, count in counted.items()
            ]
            if counts
            else []
        )
        if counts:
            self._tallies, self._traffic, self._domains, self._counts_at = {}, {}, 0, at
        lost = self.lost - self._told_lost
        queries = sum(count for _, count in tallies) + len(details)
        try:
            written = self._writer.write(at, details, tallies, traffic, lost)
        except OSError:
            self.lost += queries
            raise
        if written:
            self._told_lost += lost
        else:
            self.lost += queries


class _Domains:
    """From a name in wire form to its registered domain; the list is read when first asked."""

    def __init__(self) -> None:
        self._suffixes: PublicSuffixList | None = None

    def __call__(self, wire: bytes) -> str:
        if self._suffixes is None:
            self._suffixes = PublicSuffixList(accept_unknown=False)
        name = to_text(wire)
        found: str | None = None if name.endswith(".arpa") else self._suffixes.privatesuffix(name)
        return found or ""


def watched(taxonomy: Taxonomy) -> frozenset[str]:
    """Categories whose queries are kept singly even when they are let through: those that matter
    to safeguarding, and ways round the filter.
    """
    found = {id for id, category in taxonomy.items() if category.safeguarding != "none"}
    if CIRCUMVENTION in taxonomy:
        found |= {CIRCUMVENTION, *taxonomy.descendants(CIRCUMVENTION)}
    return frozenset(found)


def _tally(minute: int, client: Client, decision: Decision | None) -> Tally:
    if decision is None:  # a special name: nothing was decided
        return Tally(minute, client.venue, client.profile, "allow", "special", "", ())
    return Tally(
        minute,
        client.venue,
        client.profile,
        decision.action,
        decision.reason,
        decision.category or "",
        decision.sources,
    )


_DECISION: Final = attrgetter("decision")
_AUDIENCE: Final = attrgetter("audience")
_NAME: Final = attrgetter("name")
