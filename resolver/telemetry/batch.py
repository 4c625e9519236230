"""A Prometheus histogram that takes its observations in bulk.

prometheus-client's `observe` costs 3 us, as much as deciding about a name; here an observation is
one `bisect` and one addition, and the sums reach the client library once a second. It relies on two
attributes of the library's histogram (`_buckets`, `_sum`), which `tests/resolver/telemetry` pins
down.
"""

from bisect import bisect_left
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

    def counts(self, label: str) -> list[float]:
        """Observations of each bucket so far, and their sum behind the last; for a caller in a
        hurry."""
        counts = self._counts.get(label)
        if counts is None:
            counts = self._counts[label] = [0.0] * (len(self._bounds) + 2)
        return counts

    def observe(self, label: str, observations: Iterable[float]) -> None:
        """Note observations, in seconds."""
        counts = self.counts(label)
        bounds = self._bounds
        for seconds in observations:
            counts[bisect_left(bounds, seconds)] += 1
            counts[-1] += seconds

    def flush(self) -> None:
        """Hand everything to the client library."""
        for label, counts in self._counts.items():
            child = self._histogram.labels(label)
            for bucket, count in zip(child._buckets, counts, strict=False):
                if count:
                    bucket.inc(count)
            child._sum.inc(counts[-1])
        self._counts.clear()
