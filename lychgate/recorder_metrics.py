"""How the recorder stands, for Prometheus: from the file it writes, when somebody asks.

The recorder has no HTTP server of its own. Documented in `dashboards/README.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from evidence.standing import Standing

DUTIES_MAX: Final = 50
_GAUGES: Final[dict[str, str]] = {
    "lychgate_recorder_up": "1 while the recorder runs and the database takes what it writes",
    "lychgate_recorder_age_seconds": "Time since the recorder last said how it stands",
    "lychgate_recorder_backlog_batches": "Batches of telemetry that wait in the spool",
    "lychgate_recorder_backlog_bytes": "Their size",
    "lychgate_recorder_database_bytes": "Size of the telemetry database",
    "lychgate_recorder_event_age_seconds": "Time since the newest event in the database",
}
_COUNTERS: Final[dict[str, str]] = {
    "lychgate_recorder_details": "Single queries recorded since the recorder was started",
    "lychgate_recorder_damaged_batches": "Batches of the spool that could not be read",
    "lychgate_recorder_new_databases": "Times a damaged database was moved aside",
    "lychgate_recorder_pruned_rows": "Rows deleted at the end of their time",
}
_DUTY: Final = "lychgate_recorder_duty_failures"
_DUTY_TEXT: Final = "Times a periodic duty of the recorder failed"


class RecorderCollector(Collector):
    """Gives the figures in one file; none but `up` when there is no such file."""

    def __init__(self, standing: Path, clock: Callable[[], float]) -> None:
        self._path: Final = standing
        self._clock: Final = clock

    def describe(self) -> list[Metric]:
        """The families without figures."""
        return [*_gauges().values(), *_counters().values(), _duties()]

    def collect(self) -> Iterator[Metric]:
        """The families with figures."""
        from evidence.standing import STALE_SECONDS, read_standing

        gauges, counters, duties = _gauges(), _counters(), _duties()
        standing, at = read_standing(self._path), self._clock()
        age = None if standing is None else max(at - standing.written_at, 0.0)
        up = age is not None and age < STALE_SECONDS and not (standing and standing.problems)
        gauges["lychgate_recorder_up"].add_metric([], 1 if up else 0)
        if standing is not None and age is not None:
            _fill(gauges, counters, duties, standing, at, age)
        yield from gauges.values()
        yield from counters.values()
        yield duties


def _fill(
    gauges: dict[str, GaugeMetricFamily],
    counters: dict[str, CounterMetricFamily],
    duties: CounterMetricFamily,
    standing: Standing,
    at: float,
    age: float,
) -> None:
    figures = {
        "lychgate_recorder_age_seconds": age,
        "lychgate_recorder_backlog_batches": standing.backlog_batches,
        "lychgate_recorder_backlog_bytes": standing.backlog_octets,
        "lychgate_recorder_database_bytes": standing.database_octets,
    }
    if standing.last_event_at is not None:
        figures["lychgate_recorder_event_age_seconds"] = max(at - standing.last_event_at, 0.0)
    for name, value in figures.items():
        gauges[name].add_metric([], value)
    totals = {
        "lychgate_recorder_details": standing.details,
        "lychgate_recorder_damaged_batches": standing.damaged_batches,
        "lychgate_recorder_new_databases": standing.new_databases,
        "lychgate_recorder_pruned_rows": standing.pruned_rows,
    }
    for name, total in totals.items():
        counters[name].add_metric([], total)
    for name, duty in sorted(standing.duties.items())[:DUTIES_MAX]:
        duties.add_metric([name], duty.failures)


def _gauges() -> dict[str, GaugeMetricFamily]:
    return {name: GaugeMetricFamily(name, text, labels=[]) for name, text in _GAUGES.items()}


def _counters() -> dict[str, CounterMetricFamily]:
    return {name: CounterMetricFamily(name, text, labels=[]) for name, text in _COUNTERS.items()}


def _duties() -> CounterMetricFamily:
    return CounterMetricFamily(_DUTY, _DUTY_TEXT, labels=["duty"])
