"""A Prometheus histogram that takes its observations in bulk.

prometheus-client's `observe` costs 3 us, as much as deciding about a name; here a batch is sorted
and split at the bounds, 0.2 us an observation. It relies on two attributes of the library's
histogram (`_buckets`, `_sum`), which `tests/resolver/telemetry` pins down.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from prometheus_client import Histogram


class BatchHistogram:
    """One histogram with one label."""

    def __init__(self, name: str, help_text: str, label: str, bounds: tuple[float, ...]) -> None:
        self._histogram: Final = Histogram(name, help_text, [label], buckets=bounds)
        self._bounds: Final = bounds
        self._counts: Final[dict[str, list[float]]] = {}
        """label -> observations of each bucket, and their sum behind the last."""

    def observe(self, label: str, observations: Iterable[float]) -> None:
        """Note observations, in seconds."""
        counts = self._counts.get(label)
        if counts is None:
            counts = self._counts[label] = [0.0] * (len(self._bounds) + 2)
        ordered = sorted(observations)
        below = 0
        for number, bound in enumerate(self._bounds):
            up_to = bisect_right(ordered, bound)
            counts[number] += up_to - below
            below = up_to
        counts[-2] += len(ordered) - below
        counts[-1] += sum(ordered)

    def flush(self) -> None:
        """Hand everything to the client library."""
        for label, counts in self._counts.items():
            child = self._histogram.labels(label)
            for bucket, count in zip(child._buckets, counts, strict=False):
                if count:
                    bucket.inc(count)
            child._sum.inc(counts[-1])
        self._counts.clear()
