"""Metrics: every query is counted once, under labels out of a bounded set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import REGISTRY, generate_latest

from categoriser.taxonomy import load
from resolver.service import Service
from resolver.telemetry import metrics as module
from resolver.telemetry.metrics import Metrics
from resolver.upstream.selection import FAILURES_MAX, Health, Selection
from resolver.wire import codes
from tests.resolver.venue import LEARNER, STAFF, Desk, packet, snapshot, upstream_reply

NAME = "secret-diagnosis.example"


def value(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"lychgate_{metric}", labels) or 0.0


def total(metric: str) -> float:
    """The sum over all labels."""
    return sum(
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == f"lychgate_{metric}"
    )


@contextmanager
def gains(read: Callable[[], float], expected: float) -> Iterator[None]:
    before = read()
    yield
    assert read() - before == expected


def hit(desk: Desk, octets: bytes, address: str = LEARNER, times: int = 1) -> None:
    """What the UDP listener does with an answer that the memo knows."""
    record = desk.record(address)
    desk.service.hits += [(desk.at, record, record.memo[octets[2:]])] * times


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def metrics(desk: Desk) -> Metrics:
    return Metrics(desk.service)


def test_every_query_is_counted_once(desk: Desk, metrics: Metrics) -> None:
    blocked = {
        "venue": "harbour",
        "profile": "learners",
        "action": "block",
        "category": "gambling",
        "transport": "udp",
    }
    with (
        gains(lambda: value("queries_total", **blocked), 4),
        gains(lambda: value("queries_total", **{**blocked, "transport": "tcp"}), 1),
        gains(lambda: value("queries_total", **{**blocked, "profile": "staff"}), 1),
        gains(lambda: total("queries_total"), 8),
        gains(lambda: value("answers_total", status="blocked", rcode="NXDOMAIN"), 2),
        gains(lambda: value("answers_total", status="memo", rcode="NXDOMAIN"), 3),
        gains(lambda: value("answers_total", status="blocked", rcode="NOERROR"), 1),
        gains(lambda: value("answers_total", status="special", rcode="NOERROR"), 1),
        gains(lambda: value("answers_total", status="asked", rcode="NOERROR"), 1),
        gains(lambda: value("query_seconds_count", status="asked"), 1),
        gains(lambda: value("query_seconds_sum", status="asked"), 0.25),
    ):
        desk.receive(packet("bets.example"))
        hit(desk, packet("bets.example"), times=3)
        desk.receive(packet("bets.example"), transport="tcp")
        desk.receive(packet("bets.example"), STAFF)
        desk.receive(packet("localhost"))
        desk.receive(packet(NAME))
        desk.at += 0.25
        desk.upstream.answer(upstream_reply(NAME, "A", f"{NAME} 60 A 192.0.2.1"))
        metrics.take(0.0)
        metrics.take(0.0)  # nothing is counted twice
    assert metrics.queries_last == 0
    assert desk.service.events == desk.service.hits == []


def test_totals_grow_by_what_is_new(desk: Desk, metrics: Metrics) -> None:
    with (
        gains(lambda: value("malformed_packets_total", fault="trailing"), 3),
        gains(lambda: total("limited_queries_total"), 5),
        gains(lambda: total("events_dropped_total"), 7),
    ):
        for times in (1, 2):
            for _ in range(times):
                desk.receive(packet(NAME) + b"x")
            metrics.take(0.0)
        desk.service.limited += 5
        desk.service.events_dropped += 7
        metrics.take(0.0)
        metrics.take(0.0)


def test_upstreams(desk: Desk, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    selection = Selection(["udp://192.0.2.7:53", "udp://192.0.2.8:53"])
    good, bad = selection.upstreams

    def health() -> list[tuple[str, Health]]:
        return [("", good), ("corp", bad)]

    monkeypatch.setattr(desk.upstream, "health", health)
    selection.succeeded(0, 0.02)
    for _ in range(FAILURES_MAX):
        selection.failed(1, desk.at)
        desk.upstream.failures.append((bad, "silent"))
    metrics.take(0.0)
    assert value("upstream_exchanges_total", upstream=good.uri, result="answered") == 1
    assert value("upstream_exchanges_total", upstream=bad.uri, result="silent") == FAILURES_MAX
    assert value("upstream_seconds_sum", upstream=good.uri) == 0.02
    assert value("upstream_up", route="default", upstream=good.uri) == 1
    assert value("upstream_up", route="corp", upstream=bad.uri) == 0
    desk.at += 3600
    metrics.take(0.0)
    assert value("upstream_up", route="corp", upstream=bad.uri) == 1
    assert value("upstream_exchanges_total", upstream=good.uri, result="answered") == 1
    assert not good.times and not desk.upstream.failures


def test_sizes_are_told(desk: Desk, metrics: Metrics) -> None:
    desk.fetch(upstream_reply(NAME, "A", f"{NAME} 60 A 192.0.2.1"), NAME)
    desk.ask("bets.example")
    desk.record(STAFF)
    metrics.take(0.5)
    assert total("cache_entries") == 1
    assert total("memo_answers") == 1
    assert total("client_addresses") == 2
    assert total("loop_lag_seconds") == 0.5


def test_names_and_clients_are_never_labels(desk: Desk, metrics: Metrics) -> None:
    """They are hostile text without end, and nobody's business (DESIGN section 8)."""
    clients = [f"10.1.77.{n}" for n in range(1, 20)]
    for number, client in enumerate(clients):
        desk.receive(packet(f"{number}.{NAME}"), client)
        desk.upstream.answer(upstream_reply(NAME, "A", rcode=number % 11))
        desk.receive(packet(f"x{number}-{NAME}.bets.example"), client)
        desk.receive(packet(f"{NAME}.localhost"), client, "tcp")
        desk.receive(packet(NAME)[:20], client)
    metrics.take(0.0)
    page = generate_latest().decode()
    assert "diagnosis" not in page
    assert "10.1.77." not in page


def test_every_label_is_a_word_of_ours(desk: Desk, metrics: Metrics) -> None:
    for name in ("bets.example", "social.example", "localhost"):
        desk.ask(name)
    desk.fetch(upstream_reply(NAME, "A", rcode=codes.REFUSED), NAME)
    metrics.take(0.0)
    allowed = {
        "action": {"allow", "monitor", "warn", "block", "other"},
        "category": {"", "other", *load()},
        "transport": {"udp", "tcp", "other"},
        "profile": {*desk.service.snapshot.policy.profiles, "other"},
        "rcode": {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "BADVERS",
                  "OTHER"},
    }  # fmt: skip
    found: set[str] = set()
    for family in REGISTRY.collect():
        for sample in family.samples:
            if sample.name.startswith(("lychgate_queries", "lychgate_answers")):
                for label in sample.labels.keys() & allowed.keys():
                    assert sample.labels[label] in allowed[label], sample
                    found.add(label)
    assert found == allowed.keys()


def test_label_sets_are_bounded(
    desk: Desk, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy of ten thousand venues must not become a million series."""
    monkeypatch.setattr(module, "LABEL_SETS_MAX", 2)
    other = dict.fromkeys(("venue", "profile", "action", "category", "transport"), "other")
    with gains(lambda: value("queries_total", **other), 2):
        for name in ("bets.example", "localhost", "social.example"):
            desk.ask(name)
            metrics.take(0.0)
        desk.ask("x.social.example")
        metrics.take(0.0)
    with gains(lambda: value("queries_total", **other), 0):
        desk.ask("x.bets.example")  # one of the first two: still itself
        metrics.take(0.0)


def test_a_swap_while_events_wait_loses_none(desk: Desk, metrics: Metrics) -> None:
    with gains(lambda: total("queries_total"), 2):
        desk.ask("bets.example")
        hit(desk, packet("bets.example"))
        desk.service.swap(snapshot())
        metrics.take(0.0)


def test_reloads_are_counted_from_nought(metrics: Metrics) -> None:
    for result in ("done", "refused"):
        assert (
            REGISTRY.get_sample_value("lychgate_snapshot_swaps_total", {"result": result})
            is not None
        )
        with gains(lambda: value("snapshot_swaps_total", result=result), 1):  # noqa: B023
            metrics.reload(result)


def test_no_metric_doubles_itself() -> None:
    """`_created` series would double what is stored."""
    assert isinstance(Desk().service, Service)
    assert b"lychgate" in generate_latest()
    assert b"_created" not in generate_latest()
