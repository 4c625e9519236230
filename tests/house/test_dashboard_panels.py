"""Dashboards are what the script writes; each panel explains itself, and asks for what exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.repository import ROOT
from tests.house.test_dashboards import FOLDER, SAMPLE_ENDINGS, documented, known_names

BOARDS = ("lists", "over-blocking", "resolver", "safeguarding", "venues")
_METRIC = re.compile(r"[a-z_]*:[a-z0-9_:]+|lychgate_[a-z_]+")


def board(name: str) -> dict[str, Any]:
    """A dashboard as it is committed."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_what_is_committed_is_what_the_script_writes(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts/dashboards.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.json")}
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert sorted(written) == [f"{name}.json" for name in BOARDS]
    assert written == there, "`make dashboards` writes them again"


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_says_what_it_is_and_what_is_good(name: str) -> None:
    found = board(name)
    assert found["uid"] == f"lychgate-{name}" and found["description"]
    source = found["templating"]["list"][0]
    assert (source["name"], source["type"], source["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    numbers = [panel["id"] for panel in found["panels"]]
    assert numbers == list(range(1, len(numbers) + 1))
    titles = [panel["title"] for panel in found["panels"]]
    assert len(set(titles)) == len(titles) >= 6
    for panel in found["panels"]:
        text = panel["description"]
        assert "Good: " in text or text.startswith("1"), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
        assert panel["targets"] and panel["datasource"]["uid"] == "${datasource}"
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@pytest.mark.parametrize("name", BOARDS)
def test_panels_ask_for_metrics_that_exist(name: str) -> None:
    known = known_names()
    for panel in board(name)["panels"]:
        for target in panel["targets"]:
            used = set(_METRIC.findall(target["expr"]))
            assert used and used <= known, f"{panel['title']}: {used - known}"


def test_every_metric_is_on_a_panel() -> None:
    asked = {
        re.sub(f"({'|'.join(SAMPLE_ENDINGS)})$", "", metric)
        for name in BOARDS
        for panel in board(name)["panels"]
        for target in panel["targets"]
        for metric in _METRIC.findall(target["expr"])
    }
    assert documented().keys() - asked == set()


@pytest.mark.parametrize("name", BOARDS)
def test_every_choice_matters(name: str) -> None:
    """A choice at the top of a dashboard is used below, and nothing asks for one that is not."""
    found = board(name)
    chosen = {one["name"] for one in found["templating"]["list"]} - {"datasource"}
    asked = "\n".join(t["expr"] for panel in found["panels"] for t in panel["targets"])
    used = set(re.findall(r"\$(\w+)", asked)) - {"__range", "__rate_interval"}
    assert used == chosen


def test_grafana_and_prometheus_are_told_of_files_that_exist() -> None:
    for path in (FOLDER / "provisioning").rglob("*.yml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["apiVersion"] == 1
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here; apt-get install prometheus checks prometheus.yml")
    done = subprocess.run(
        [promtool, "check", "config", "prometheus.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
