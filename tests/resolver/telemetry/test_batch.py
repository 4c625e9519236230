"""The histogram in bulk: what it borrows from prometheus-client, and that it counts like the
original."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY, CollectorRegistry, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.values import ValueClass

from resolver.telemetry.batch import BatchHistogram

BOUNDS = (0.001, 0.01, 0.1, 1.0)
SECONDS = st.lists(st.sampled_from([0.0, *BOUNDS, 1e9]) | st.floats(0, 10), max_size=30)
_numbers = count()


@pytest.fixture
def batch() -> Iterator[BatchHistogram]:
    made = fresh()
    yield made
    REGISTRY.unregister(made._histogram)


def fresh() -> BatchHistogram:
    return BatchHistogram(f"lychgate_test_{next(_numbers)}", "For this test.", "label", BOUNDS)


def samples(histogram: MetricWrapperBase) -> dict[tuple[str, str, str], float]:
    """(suffix, label, le) -> value."""
    name = histogram._name
    return {
        (s.name.removeprefix(name), s.labels["label"], s.labels.get("le", "")): s.value
        for metric in histogram.collect()
        for s in metric.samples
    }


def test_what_it_borrows_from_the_library() -> None:
    """`_buckets`: one value for each bound and one for all above, not cumulative; `_sum`."""
    histogram = Histogram("borrowed", "x", ["label"], buckets=BOUNDS, registry=CollectorRegistry())
    child = histogram.labels("a")
    child.observe(0.05)
    assert [bucket.get() for bucket in child._buckets] == [0, 0, 1, 0, 0]
    assert child._sum.get() == 0.05
    assert child._upper_bounds == [*BOUNDS, math.inf]
    assert isinstance(child._sum, ValueClass) and callable(child._sum.inc)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("ab"), SECONDS, st.booleans()), max_size=5))
def test_it_counts_like_the_original(batches: list[tuple[str, list[float], bool]]) -> None:
    ours = fresh()
    try:
        theirs = Histogram("x", "x", ["label"], buckets=BOUNDS, registry=CollectorRegistry())
        for label, seconds, flush in batches:
            ours.observe(label, seconds)
            theirs.labels(label)
            for one in seconds:
                theirs.labels(label).observe(one)
            if flush:
                ours.flush()
        ours.flush()
        ours.flush()  # nothing is counted twice
        found, expected = samples(ours._histogram), samples(theirs)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert found[key] == pytest.approx(value)
            if key[0] == "_count":
                assert found["_bucket", key[1], "+Inf"] == found[key]
    finally:
        REGISTRY.unregister(ours._histogram)


def test_nothing_is_seen_before_it_is_flushed(batch: BatchHistogram) -> None:
    batch.observe("a", [0.5])
    assert samples(batch._histogram) == {}
    batch.flush()
    assert samples(batch._histogram)["_count", "a", ""] == 1
