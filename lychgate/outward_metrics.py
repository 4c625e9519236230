"""How telling a log engine outside goes (`[outward]`), for Prometheus: from the recorder's file.

Documented in `dashboards/README.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class OutwardCollector(Collector):
    """Gives the figures in one file; none when there is no such file."""

    def __init__(self, state_directory: Path) -> None:
        self._folder: Final = state_directory

    def describe(self) -> list[Metric]:
        """The families without figures."""
        return list(_families())

    def collect(self) -> Iterator[Metric]:
        """The families with figures."""
        from evidence.despatch.standing import shown_sending

        sent, dropped, failures, waiting, up = _families()
        sending = shown_sending(self._folder)
        if sending is not None:
            sent.add_metric(["query"], sending.queries)
            sent.add_metric(["decision"], sending.decisions)
            dropped.add_metric([], sending.dropped)
            failures.add_metric([], sending.failures)
            waiting.add_metric([], sending.waiting)
            up.add_metric([], 0 if sending.problem else 1)
        yield from (sent, dropped, failures, waiting, up)


def _families() -> tuple[
    CounterMetricFamily,
    CounterMetricFamily,
    CounterMetricFamily,
    GaugeMetricFamily,
    GaugeMetricFamily,
]:
    return (
        CounterMetricFamily(
            "lychgate_outward_sent", "Records given to the log engine outside", labels=["kind"]
        ),
        CounterMetricFamily(
            "lychgate_outward_dropped",
            "Queries that it was never given: they waited too long, or were too many",
            labels=[],
        ),
        CounterMetricFamily("lychgate_outward_failures", "Tries that failed", labels=[]),
        GaugeMetricFamily("lychgate_outward_waiting", "Queries that wait for it", labels=[]),
        GaugeMetricFamily(
            "lychgate_outward_up", "1 while the last try went well, else 0", labels=[]
        ),
    )
