"""Figures that need the databases, for Prometheus: from the files that recorder and portal write.

A scrape reads two small files. Documented in `dashboards/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from evidence.measured import Family, Measured

_AGE: Final = "lychgate_figures_age_seconds"
_SECONDS: Final = "lychgate_figures_work_seconds"
STALE_SECONDS: Final = 6 * 3600.0
"""Figures that are older are not shown: nobody shall take them for today's."""


class FigureCollector(Collector):
    """Gives what is in the files; of a file that is not there, or too old, nothing but its age."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder: Final = folder
        self._clock: Final = clock

    def describe(self) -> list[Metric]:
        """The two that are always there: what else there is, the files say."""
        return [*_own()]

    def collect(self) -> Iterator[Metric]:
        """The families with figures."""
        from evidence.measured import PORTAL_FILE, RECORDER_FILE, read_measured

        age, seconds = _own()
        at = self._clock()
        for writer, name in (("recorder", RECORDER_FILE), ("portal", PORTAL_FILE)):
            found: Measured | None = read_measured(self._folder / name)
            if found is None:
                continue
            age.add_metric([writer], max(at - found.written_at, 0.0))
            seconds.add_metric([writer], found.seconds)
            if at - found.written_at < STALE_SECONDS:
                yield from map(_metric, found.families)
        yield from (age, seconds)


def _own() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(_AGE, "Time since figures were worked out", labels=["writer"]),
        GaugeMetricFamily(_SECONDS, "How long working them out took", labels=["writer"]),
    )


def _metric(family: Family) -> Metric:
    name, text, labels = family.name, family.help, list(family.labels)
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(name, text, labels=())
        *bounds, total = family.samples
        histogram.add_metric([], [(one.labels[0], one.value) for one in bounds], total.value)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(name, text, labels=labels)
    for one in family.samples:
        metric.add_metric(one.labels, one.value)
    return metric
