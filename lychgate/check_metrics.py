"""Figures of checks, for Prometheus: from the file that the recorder writes.

Documented in `dashboards/README.md`. Labels are words of the policy and of ours; never a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class CheckCollector(Collector):
    """Gives the figures in one file; none when there is no such file."""

    def __init__(self, state_directory: Path, clock: Callable[[], float]) -> None:
        self._folder: Final = state_directory
        self._clock: Final = clock

    def describe(self) -> list[Metric]:
        """The families without figures."""
        return list(_families())

    def collect(self) -> Iterator[Metric]:
        """The families with figures."""
        from evidence.checks.figures import FILE, read_figures
        from evidence.checks.results import OUTCOMES

        results, age = _families()
        found = read_figures(self._folder / FILE)
        for run in found.runs if found else ():
            age.add_metric([run.venue, run.profile], max(self._clock() - run.at, 0.0))
            for outcome in OUTCOMES:
                count = run.counts.get(outcome, 0)
                results.add_metric([run.venue, run.profile, outcome], count)
        yield from (results, age)


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "lychgate_checks",
            "Tests of the newest check of the filter, by what came of them",
            labels=["venue", "profile", "outcome"],
        ),
        GaugeMetricFamily(
            "lychgate_checks_age_seconds",
            "Since the newest check began",
            labels=["venue", "profile"],
        ),
    )
