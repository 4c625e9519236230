"""Metrics for Prometheus, derived ten times a second from the events of the service.

Every label has a bounded set of values: venues and profiles are those of the policy, categories
those of the taxonomy, the others words of this code. Documented in `dashboards/README.md`.
"""

from collections import Counter
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from prometheus_client import Counter as PromCounter
from prometheus_client import Gauge, disable_created_metrics

from categoriser.indexfile import BulkTable
from policy.types import Client
from resolver.resolution import Outcome
from resolver.service import Answer, Audience, ClientRecord, Event, Service
from resolver.telemetry.asked import Asked
from resolver.telemetry.batch import BatchHistogram
from resolver.telemetry.recording import Recording
from resolver.telemetry.tap import Tap
from resolver.wire.codes import RCODE_NAMES

disable_created_metrics()  # type: ignore[no-untyped-call]  # One `_created` series for each counter would double what is stored.

LABEL_SETS_MAX: Final = 5_000
"""Label sets of one metric; beyond that new ones are counted under `other`."""
_BOUNDS: Final = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_QUERIES: Final = PromCounter(
    "lychgate_queries",
    "Queries answered, by what was decided about them",
    ["venue", "profile", "action", "category", "transport"],
)
_ANSWERS: Final = PromCounter(
    "lychgate_answers", "Answers by where they came from and their rcode", ["status", "rcode"]
)
_SECONDS: Final = BatchHistogram(
    "lychgate_query_seconds",
    "Time from reading a query to sending its answer, for queries that the memo did not know",
    "status",
    _BOUNDS,
)
_FAULTS: Final = PromCounter(
    "lychgate_malformed_packets", "Packets that were no queries", ["fault"]
)
_LIMITED: Final = PromCounter(
    "lychgate_limited_queries", "Queries turned away: over the limit, or from a network not served"
)
_DROPPED: Final = PromCounter("lychgate_events_dropped", "Events lost because telemetry was behind")
_UPSTREAM: Final = PromCounter(
    "lychgate_upstream_exchanges", "Questions sent to upstreams, by result", ["upstream", "result"]
)
_UPSTREAM_SECONDS: Final = BatchHistogram(
    "lychgate_upstream_seconds", "Time until an upstream answered", "upstream", _BOUNDS
)
_UPSTREAM_UP: Final = Gauge(
    "lychgate_upstream_up",
    "1 while an upstream answers, 0 while it rests after failures",
    ["route", "upstream"],
    multiprocess_mode="livemin",
)
_MISMATCHED: Final = PromCounter(
    "lychgate_upstream_mismatched_replies", "Packets that answered no question of ours: dropped"
)
_REFUSED: Final = PromCounter(
    "lychgate_upstream_refused_questions", "Questions not asked because too many were under way"
)
_IN_FLIGHT: Final = Gauge(
    "lychgate_upstream_in_flight", "Questions under way", multiprocess_mode="livesum"
)
_CACHE: Final = Gauge("lychgate_cache_entries", "Entries in the cache", multiprocess_mode="livesum")
_MEMO: Final = Gauge("lychgate_memo_answers", "Finished answers kept", multiprocess_mode="livesum")
_CLIENTS: Final = Gauge(
    "lychgate_client_addresses", "Source addresses remembered", multiprocess_mode="livesum"
)
_LAG: Final = Gauge(
    "lychgate_loop_lag_seconds", "How late the last tick came", multiprocess_mode="livemax"
)
_RELOADS: Final = PromCounter(
    "lychgate_snapshot_swaps", "Snapshots built after a change, by result", ["result"]
)
for _result in ("done", "refused"):
    _RELOADS.labels(_result)  # From nought: `increase()` does not see the step from nothing to 1.
_ASKED_LOST: Final = PromCounter(
    "lychgate_asked_lost", "Queries missing from the counts of names in no list"
)
_ASKED_FAILURES: Final = PromCounter(
    "lychgate_asked_write_failures", "Times the counts of names in no list could not be written"
)
_TELEMETRY_LOST: Final = PromCounter(
    "lychgate_telemetry_lost", "Queries missing from telemetry: too much at once, or the spool full"
)
_TELEMETRY_FAILURES: Final = PromCounter(
    "lychgate_telemetry_write_failures", "Times a batch of telemetry could not be written"
)
_TAPPED: Final = PromCounter("lychgate_dnstap_sent", "Queries given to the receiver of dnstap")
_TAP_LOST: Final = PromCounter(
    "lychgate_dnstap_lost", "Queries that the receiver of dnstap was not given"
)
_TAP_UP: Final = Gauge(
    "lychgate_dnstap_connected",
    "1 while there is a receiver of dnstap, 0 while there is none or dnstap is off",
    multiprocess_mode="livemin",
)
_SOURCE_UP: Final = Gauge(
    "lychgate_policy_source_up",
    "1 while the policy is what its source says, 0 while one that was kept is in force",
    multiprocess_mode="livemin",
)
_BUILD_SECONDS: Final = Gauge(
    "lychgate_snapshot_build_seconds",
    "How long building the last snapshot took",
    multiprocess_mode="livemax",
)
_INDEX_NAMES: Final = Gauge(
    "lychgate_index_names", "Names in the compiled index", multiprocess_mode="livemax"
)


def note_built(source_up: bool, build_seconds: float) -> None:
    """A snapshot is in use: whether its policy is what the source says, and what it took.

    The parent of several workers says it as well: its figures, too, are in the lowest and longest.
    """
    _SOURCE_UP.set(source_up)
    _BUILD_SECONDS.set(build_seconds)


class Metrics:
    """Takes events away from the service and counts them; `asked` counts names, and `recording`
    notes what happened, and `tap` passes queries on, if they are there.
    """

    def __init__(
        self,
        service: Service,
        asked: Asked | None = None,
        recording: Recording | None = None,
        tap: Tap | None = None,
    ) -> None:
        self._service: Final = service
        self._asked: Final = asked
        self._recording: Final = recording
        self._tap: Final = tap
        self._sets: set[tuple[str, ...]] = set()
        self._counted: dict[str, int] = {}
        self.queries_last = 0
        """Queries counted the last time."""

    def reload(self, result: str) -> None:
        """A change was taken over (`done`) or not (`refused`)."""
        _RELOADS.labels(result).inc()

    def take(self, lag_seconds: float) -> None:
        """Count everything since the last time."""
        service = self._service
        hits, service.hits = service.hits, []
        events, service.events = service.events, []
        self.queries_last = len(hits) + len(events)
        queries: Counter[tuple[str, ...]] = Counter()
        answers: Counter[tuple[str, int]] = Counter()
        remembered = _count_hits(hits)
        if self._asked is not None:
            self._asked.note(remembered, events)
        if self._recording is not None:
            self._recording.note(remembered, hits, events, service.clock())
        if self._tap is not None:
            self._tap.note(hits, events)
        for (audience, answer), count in remembered.items():
            queries[*_labels(audience.perspective.client, answer.outcome), "udp"] += count
            answers["memo", answer.outcome.sections.rcode] += count
        for (record, outcome, transport), count in _count_events(events):
            client = record.audience.perspective.client
            queries[*_labels(client, outcome), transport] += count
            answers[outcome.status, outcome.sections.rcode] += count
        for labels, count in queries.items():
            _QUERIES.labels(*self._bounded(labels)).inc(count)
        for (origin, rcode), count in answers.items():
            _ANSWERS.labels(origin, RCODE_NAMES.get(rcode, "OTHER")).inc(count)
        _SECONDS.flush()
        self._take_totals()
        self._take_upstreams()
        _LAG.set(lag_seconds)
        _CACHE.set(len(service.cache))
        _CLIENTS.set(len(service.records))
        finished = sum(len(a.memo) + len(a.older) for a in service.audiences.values())
        _MEMO.set(finished + sum(map(len, service.forwarders.values())))

    def _bounded(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The labels, or `other` for all when there are too many sets already."""
        if labels in self._sets:
            return labels
        if len(self._sets) >= LABEL_SETS_MAX:
            return ("other",) * len(labels)
        self._sets.add(labels)
        return labels

    def _take_totals(self) -> None:
        service = self._service
        for fault, total in service.faults.items():
            _FAULTS.labels(fault).inc(self._gain(f"fault {fault}", total))
        _LIMITED.inc(self._gain("limited", service.limited))
        _DROPPED.inc(self._gain("dropped", service.events_dropped))
        _MISMATCHED.inc(self._gain("mismatched", service.forwarder.mismatches))
        _REFUSED.inc(self._gain("refused", service.forwarder.refused))
        if self._asked is not None:
            _ASKED_LOST.inc(self._gain("asked lost", self._asked.lost))
            _ASKED_FAILURES.inc(self._gain("asked failures", self._asked.failures))
        if self._recording is not None:
            _TELEMETRY_LOST.inc(self._gain("telemetry lost", self._recording.lost))
            _TELEMETRY_FAILURES.inc(self._gain("telemetry failures", self._recording.failures))
        if self._tap is not None:
            _TAPPED.inc(self._gain("dnstap sent", self._tap.sent))
            _TAP_LOST.inc(self._gain("dnstap lost", self._tap.lost))
            _TAP_UP.set(self._tap.connected)
        index = service.snapshot.index
        _INDEX_NAMES.set(sum(len(table) for table in index.tables if isinstance(table, BulkTable)))

    def _take_upstreams(self) -> None:
        forwarder = self._service.forwarder
        failures, forwarder.failures = forwarder.failures, []
        for (health, result), count in Counter(failures).items():
            _UPSTREAM.labels(health.uri, result).inc(count)
        at = self._service.clock()
        for route, health in forwarder.health():
            times, health.times = health.times, []
            if times:
                _UPSTREAM.labels(health.uri, "answered").inc(len(times))
                _UPSTREAM_SECONDS.observe(health.uri, times)
            _UPSTREAM_UP.labels(route or "default", health.uri).set(not health.is_resting(at))
        _UPSTREAM_SECONDS.flush()
        _IN_FLIGHT.set(forwarder.in_flight)

    def _gain(self, key: str, total: int) -> int:
        """How much a running total grew since last time."""
        gain = total - self._counted.get(key, 0)
        self._counted[key] = total
        return gain


def _count_hits(
    hits: list[tuple[float, ClientRecord, Answer]],
) -> Counter[tuple[Audience, Answer]]:
    """One count for each remembered answer of each audience, not one step for each query."""
    return Counter((record.audience, answer) for _, record, answer in hits)


def _count_events(
    events: list[Event],
) -> Iterator[tuple[tuple[ClientRecord, Outcome, str], int]]:
    """(client, an outcome of this kind, transport) and how many there were; times are observed.

    Column by column, so that the steps for each event run in C: 0.5 us an event instead of 1.1.
    Most share a handful of decisions, which are told apart by identity.
    """
    if not events:
        return
    _, records, _, outcomes, transports, seconds = zip(*events, strict=True)
    statuses = list(map(_STATUS, outcomes))
    decisions = map(id, map(_DECISION, outcomes))
    kinds = list(zip(records, decisions, statuses, map(_RCODE, outcomes), transports, strict=True))
    examples = dict(zip(kinds, outcomes, strict=True))
    for kind, count in Counter(kinds).items():
        yield (kind[0], examples[kind], kind[4]), count
    for status in set(statuses):
        times = [time for time, known in zip(seconds, statuses, strict=True) if known == status]
        _SECONDS.observe(status, times)


_STATUS: Final = attrgetter("status")
_DECISION: Final = attrgetter("decision")
_RCODE: Final = attrgetter("sections.rcode")


def _labels(client: Client, outcome: Outcome) -> tuple[str, str, str, str]:
    decision = outcome.decision
    if decision is None:  # A special name: nothing was decided.
        return client.venue, client.profile, "allow", ""
    return client.venue, client.profile, decision.action, decision.category or ""
