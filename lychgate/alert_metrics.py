"""Figures of alerts and notices, for Prometheus: from the file that the recorder writes.

Documented in `dashboards/README.md`. Labels are words of the policy and of ours; never a pseudonym.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

SERIES_MAX: Final = 2_000
"""Of `lychgate_alerts`; what is beyond is added up as of the venue `(others)`."""
_OTHERS: Final = "(others)"
_FAMILIES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "lychgate_alerts": (
        "Safeguarding alerts that are kept",
        ("theme", "severity", "state", "outcome", "venue"),
    ),
    "lychgate_alerts_held": (
        "Groups of looks that a rule holds back, and that are kept",
        ("rule",),
    ),
    "lychgate_alerts_acknowledged": ("Alerts that are kept and were acknowledged", ()),
    "lychgate_alerts_acknowledged_seconds": (
        "Time until they were acknowledged, of all of them together",
        (),
    ),
    "lychgate_alert_waiting_seconds": ("Age of the oldest new alert; 0 when there is none", ()),
    "lychgate_notices": ("Notices that are kept, by how they went out", ("channel", "state")),
}


class AlertCollector(Collector):
    """Gives the figures in one file; none when there is no such file."""

    def __init__(self, file: Path) -> None:
        self._path: Final = file

    def describe(self) -> list[Metric]:
        """The families without figures."""
        return list(_families().values())

    def collect(self) -> Iterator[Metric]:
        """The families with figures."""
        from evidence.alerts.figures import read_figures

        families, found = _families(), read_figures(self._path)
        if found is not None:
            counted: Counter[tuple[str, ...]] = Counter()
            for number, (*labels, count) in enumerate(found.alerts):
                key = tuple(labels) if number < SERIES_MAX else (*labels[:-1], _OTHERS)
                counted[key] += count
            for key, count in sorted(counted.items()):
                families["lychgate_alerts"].add_metric(key, count)
            for rule, count in found.held:
                families["lychgate_alerts_held"].add_metric([rule], count)
            for channel, state, count in found.notices:
                families["lychgate_notices"].add_metric([channel, state], count)
            oldest = found.oldest_new_at
            age = 0.0 if oldest is None else max(found.written_at - oldest, 0.0)
            for name, value in (
                ("lychgate_alerts_acknowledged", float(found.acknowledged)),
                ("lychgate_alerts_acknowledged_seconds", found.acknowledged_seconds),
                ("lychgate_alert_waiting_seconds", age),
            ):
                families[name].add_metric([], value)
        yield from families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    return {
        name: GaugeMetricFamily(name, text, labels=labels)
        for name, (text, labels) in _FAMILIES.items()
    }
