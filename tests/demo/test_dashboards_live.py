"""A real Prometheus scrapes a real Lychgate: every panel and every rule has something to say.

Resolver, recorder, portal and Prometheus are those of `make demo`: two venues with requests for
review, exceptions, passes, alerts, checks and lists, and devices that ask all the while.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.demo.demonstration import Demonstration
from tests.house.repository import ROOT

FOLDER: Final = ROOT / "dashboards"
CHOSEN: Final = {"$__rate_interval": "1m", "$__range": "5m"}
"""What Grafana puts in; any choice of a venue, profile or category is `.*`."""
_NAME: Final = re.compile(r"[a-z_]*:[a-z0-9_:]+|lychgate_[a-z_]+")

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="there is no prometheus; apt-get install prometheus"
)


def panels() -> dict[str, list[str]]:
    """Board and title of every panel, with its queries."""
    return {
        f"{path.stem}: {panel['title']}": [target["expr"] for target in panel["targets"]]
        for path in sorted(FOLDER.glob("*.json"))
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
    }


def rules() -> list[dict[str, Any]]:
    """Every rule."""
    read = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


def filled(query: str) -> str:
    """A query as Grafana asks it."""
    for name, value in CHOSEN.items():
        query = query.replace(name, value)
    return re.sub(r"\$(venue|profile|category)\b", ".*", query)


class Prometheus:
    """Asked as Grafana asks it."""

    def __init__(self, port: int) -> None:
        self._web: Final = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30)

    def ask(self, query: str) -> list[Any]:
        """The series that a query gives; one that is no PromQL fails."""
        said = self._web.get("/query", params={"query": query}).json()
        assert said["status"] == "success", f"{query}: {said}"
        found: list[Any] = said["data"]["result"]
        return found

    def has_figures(self, query: str) -> bool:
        """Whether there is a series, and in it a figure: a division by nought gives none."""
        return any(math.isfinite(float(one["value"][1])) for one in self.ask(query))

    def rules(self) -> list[dict[str, Any]]:
        """How each rule stands."""
        groups = self._web.get("/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


@pytest.fixture
def prometheus(demo: Demonstration) -> Prometheus:
    """One that has scraped the demonstration."""
    asked = Prometheus(demo.first + 4)
    demo.until(lambda: asked.ask("lychgate_queries_total"), "the first scrape")
    return asked


def test_every_panel_is_filled(demo: Demonstration, prometheus: Prometheus) -> None:
    empty = [
        (title, query) for title, queries in panels().items() for query in map(filled, queries)
    ]
    assert len(empty) > 80

    def none_is_left() -> bool:
        empty[:] = [(title, query) for title, query in empty if not prometheus.has_figures(query)]
        return not empty

    demo.until(none_is_left, lambda: empty)


def test_every_rule_works_and_asks_for_what_is_there(
    demo: Demonstration, prometheus: Prometheus
) -> None:
    names = {rule["record"] for rule in rules() if "record" in rule}
    names |= {name for rule in rules() for name in _NAME.findall(rule["expr"])}
    assert len(names) > 30

    def none_is_left() -> bool:
        names.difference_update([name for name in names if prometheus.ask(name)])
        return not names

    demo.until(none_is_left, lambda: names)
    demo.until(
        lambda: all(rule["health"] == "ok" for rule in prometheus.rules()),
        lambda: [rule for rule in prometheus.rules() if rule["health"] != "ok"],
    )
    assert len(prometheus.rules()) == len(rules())


def test_no_critical_alert_where_all_is_well(prometheus: Prometheus) -> None:
    assert prometheus.ask('ALERTS{severity="critical", alertstate="firing"}') == []


def test_a_choice_of_a_venue_leaves_the_others_out(
    demo: Demonstration, prometheus: Prometheus
) -> None:
    def venues(query: str) -> list[str]:
        return sorted(one["metric"]["venue"] for one in prometheus.ask(filled(query)))

    (query,) = panels()["venues: Queries by venue"]
    demo.until(lambda: venues(query) == ["crewe", "stoke"], "both venues ask")
    assert venues(query.replace("$venue", "stoke")) == ["stoke"]


def test_a_scrape_is_quick(prometheus: Prometheus) -> None:
    (took,) = prometheus.ask("min_over_time(scrape_duration_seconds[2m])")
    assert float(took["value"][1]) < 0.5
