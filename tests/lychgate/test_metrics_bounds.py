"""However many venues there are, alerts and checks are a bounded number of series."""

from __future__ import annotations

from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, generate_latest

from evidence.alerts.figures import AlertFigures
from evidence.checks.figures import FILE, RUNS_MAX, figures_of, write_figures
from evidence.checks.results import OUTCOMES, Run
from lychgate.alert_metrics import SERIES_MAX, AlertCollector
from lychgate.check_metrics import CheckCollector

AT = 1_000.0


def series(collector: AlertCollector | CheckCollector, name: str) -> dict[str, float]:
    """The series of one metric."""
    registry = CollectorRegistry()
    registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    found = [line.rpartition(" ") for line in lines if line.startswith(f"{name}{{")]
    return {labels: float(value) for labels, _, value in found}


def test_alerts_of_very_many_venues(tmp_path: Path) -> None:
    file = tmp_path / "alerts.json"
    rows = [("bypass", "low", "new", "", f"venue-{n}", 2) for n in range(SERIES_MAX + 300)]
    file.write_bytes(msgspec.json.encode(AlertFigures(written_at=AT, alerts=rows)))
    found = series(AlertCollector(file), "lychgate_alerts")
    assert len(found) == SERIES_MAX + 1
    assert sum(found.values()) == 2 * len(rows), "none is lost"
    assert [value for labels, value in found.items() if "(others)" in labels] == [600.0]


def test_checks_of_very_many_venues(tmp_path: Path) -> None:
    runs = [run(f"venue-{n}") for n in range(RUNS_MAX + 300)]
    write_figures(tmp_path / FILE, figures_of(runs, AT))
    collector = CheckCollector(tmp_path, lambda: AT)
    assert len(series(collector, "lychgate_checks")) == RUNS_MAX * len(OUTCOMES)
    assert len(series(collector, "lychgate_checks_age_seconds")) == RUNS_MAX


def run(venue: str) -> Run:
    """One that found nothing."""
    return Run(1, AT, 1.0, venue, "learners", "schedule", "machine", {"pass": 70}, ())
