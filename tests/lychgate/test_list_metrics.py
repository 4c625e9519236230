"""The figures of lists, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from blocklists.gates import GATES, Finding
from blocklists.keeping import Shelf
from blocklists.sources import Source
from blocklists.writing import KeepFault
from lychgate import list_metrics
from lychgate.list_metrics import ListCollector
from tests.blocklists.making import AT, HOUR, reading, source
from tests.house.repository import ROOT


class Scrape:
    """A registry with a collector, at a time of ours."""

    def __init__(self, root: Path, sources: Sequence[Source]) -> None:
        self.at = AT
        self.asked = 0
        self.sources = sources
        self.registry = CollectorRegistry()
        self.registry.register(ListCollector(root, self._give, lambda: self.at))

    def _give(self) -> Sequence[Source]:
        self.asked += 1
        return self.sources

    def lines(self) -> set[str]:
        text = generate_latest(self.registry).decode()
        return {line for line in text.splitlines() if not line.startswith("#")}


def keep(root: Path, entries: dict[str, int], at: float) -> None:
    shelf = Shelf(root, "test:gambling")
    state = replace(shelf.state, checked_at=at)
    shelf.keep(shelf.begin(at, "ab" * 32), reading(entries), state)


def hold(root: Path, at: float) -> None:
    shelf = Shelf(root, "test:gambling")
    findings = [Finding("growth", "too many"), Finding("protected", "bbc.co.uk")]
    shelf.hold(shelf.begin(at, "cd" * 32), reading(9), findings, shelf.state)


def test_a_list_in_use(tmp_path: Path) -> None:
    keep(tmp_path, {"gambling": 1000, "adult": 20}, AT - 2 * HOUR)
    assert Scrape(tmp_path, [source()]).lines() == {
        "lychgate_list_sources 1.0",
        'lychgate_list_entries{category="gambling",source="test:gambling"} 1000.0',
        'lychgate_list_entries{category="adult",source="test:gambling"} 20.0',
        'lychgate_list_age_seconds{source="test:gambling"} 7200.0',
        'lychgate_list_checked_age_seconds{source="test:gambling"} 7200.0',
        'lychgate_list_refresh_seconds{source="test:gambling"} 86400.0',
        'lychgate_list_problem{source="test:gambling"} 0.0',
    }


def test_a_list_that_is_held(tmp_path: Path) -> None:
    keep(tmp_path, {"gambling": 1000}, AT - 2 * HOUR)
    hold(tmp_path, AT)
    lines = Scrape(tmp_path, [source()]).lines()
    for gate in ("growth", "protected"):
        assert f'lychgate_list_gate_failures{{gate="{gate}",source="test:gambling"}} 1.0' in lines
    assert 'lychgate_list_entries{category="gambling",source="test:gambling"} 1000.0' in lines


def test_a_list_that_never_came_is_endlessly_old(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "test:gambling")
    shelf.prepare()
    shelf.save(replace(shelf.state, problem="lists.example: silent", failures=1))
    lines = Scrape(tmp_path, [source()]).lines()
    assert 'lychgate_list_checked_age_seconds{source="test:gambling"} +Inf' in lines
    assert 'lychgate_list_age_seconds{source="test:gambling"} +Inf' in lines
    assert 'lychgate_list_problem{source="test:gambling"} 1.0' in lines


def test_disabled_sources_have_no_figures(tmp_path: Path) -> None:
    assert Scrape(tmp_path, [source(enabled=False)]).lines() == {"lychgate_list_sources 0.0"}


def test_the_number_of_series_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_metrics, "SOURCES_MAX", 3)
    lines = Scrape(tmp_path, [source(f"test:list-{n}") for n in range(5)]).lines()
    assert "lychgate_list_sources 5.0" in lines
    assert len([line for line in lines if line.startswith("lychgate_list_problem")]) == 3


def test_the_disk_is_read_once_a_second(tmp_path: Path) -> None:
    scrape = Scrape(tmp_path, [source()])
    scrape.lines()
    scrape.lines()
    assert scrape.asked == 1, "registering reads nothing, and figures are kept for a second"
    scrape.at += 1
    scrape.lines()
    scrape.at -= 100  # the clock was set back
    scrape.lines()
    assert scrape.asked == 3


def test_a_fault_of_the_lists_costs_no_other_figure(tmp_path: Path) -> None:
    def broken() -> Sequence[Source]:
        raise KeepFault("lists.toml: cannot be read")

    registry = CollectorRegistry()
    registry.register(ListCollector(tmp_path, broken, lambda: AT))
    assert b"lychgate_list_problem{" not in generate_latest(registry)


def test_every_gate_is_in_the_table() -> None:
    text = (ROOT / "dashboards" / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if "`lychgate_list_gate_failures`" in line]
    assert [gate for gate in GATES if f"`{gate}`" not in row] == []
