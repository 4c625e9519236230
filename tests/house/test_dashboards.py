"""Every metric is documented, every documented one exists, names are sound, and rules work."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import import_module
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

import portal.measuring
import resolver.telemetry.metrics  # noqa: F401  # registers them
from categoriser import taxonomy
from evidence.measuring import areas
from tests.house.repository import ROOT

FOLDER = ROOT / "dashboards"
SAMPLE_ENDINGS = ("_bucket", "_sum", "_count")
BASE_UNITS = ("seconds", "bytes", "ratio")
_OTHER_UNITS = re.compile(
    r"_(milliseconds|ms|microseconds|us|minutes|hours|percent|kb|mb|kilobytes)(_|$)"
)
_ROW = re.compile(r"^\| `(lychgate_[a-z_]+)` \| (\w+) \| ([^|]*)\|", re.M)


def registered() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Name as Prometheus stores it -> type, help, labels; only ours."""
    found = {}
    for collector in set(REGISTRY._collector_to_names):
        name = getattr(collector, "_name", "")
        if name.startswith("lychgate_"):
            kind = collector._type
            full = f"{name}_total" if kind == "counter" else name
            found[full] = (kind, collector._documentation, tuple(collector._labelnames))
    for family in described():
        full = f"{family.name}_total" if family.type == "counter" else family.name
        found[full] = (family.type, family.documentation, tuple(family._labelnames))
    return found


def described() -> list[Metric]:
    """What is read from files when somebody asks: every collector in `lychgate/*_metrics.py`."""
    found: list[Metric] = []
    for path in sorted((ROOT / "lychgate").glob("*_metrics.py")):
        module = import_module(f"lychgate.{path.stem}")
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
        made = [kind for kind in kinds if kind.__module__ == module.__name__]
        for kind in made:
            if Collector in kind.__mro__:
                found += kind.__new__(kind).describe()
    families = [family for area in areas() for family in area.families]
    for one in [*families, *portal.measuring.FAMILIES]:
        metric = Metric(one.name, one.help, one.kind)
        metric._labelnames = one.labels
        found.append(metric)
    return found


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name -> type, labels; as dashboards/README.md has them."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    return {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in _ROW.findall(text)
    }


def test_every_metric_is_documented_as_it_is() -> None:
    there = {name: (kind, labels) for name, (kind, _, labels) in registered().items()}
    assert there, "no metric is registered"
    assert there == documented()


@pytest.mark.parametrize("name", sorted(registered()))
def test_metric_names_are_as_promlint_wants_them(name: str) -> None:
    kind, help_text, labels = registered()[name]
    assert re.fullmatch(r"lychgate(_[a-z]+)+", name)
    assert help_text and not help_text.endswith(".")
    assert name.endswith("_total") == (kind == "counter")
    assert not name.endswith((*SAMPLE_ENDINGS, "_info", "_created"))
    assert not _OTHER_UNITS.search(name), "base units only"
    assert kind not in name.split("_"), "the type is no part of the name"
    if kind == "histogram":
        assert name.endswith(BASE_UNITS)
    for label in labels:
        assert re.fullmatch(r"[a-z]+", label) and label not in ("le", "quantile", "job", "instance")


def test_no_label_could_hold_a_name_or_an_address() -> None:
    """But for one family, which can be turned off, and which counts devices before it speaks."""
    every = {name: set(labels) for name, (_, _, labels) in registered().items()}
    assert every.pop("lychgate_review_candidate") == {"site", "category"}
    labels = set().union(*every.values())
    assert not labels & {
        "site",
        "name",
        "qname",
        "domain",
        "host",
        "client",
        "address",
        "ip",
        "device",
    }


def rules() -> list[dict[str, Any]]:
    """Every rule."""
    read = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


def known_names() -> set[str]:
    """What a query may ask for: metrics, the series of histograms, and what rules record."""
    known = {rule["record"] for rule in rules() if "record" in rule}
    for name, (kind, _, _) in registered().items():
        known.add(name)
        if kind == "histogram":
            known |= {name + ending for ending in SAMPLE_ENDINGS}
    return known


def test_rules_use_metrics_that_exist() -> None:
    known = known_names()
    for rule in rules():
        used = set(re.findall(r"[a-z_]*:[a-z0-9_:]+|lychgate_[a-z_]+", rule["expr"]))
        assert used <= known, f"{rule.get('record', rule.get('alert'))} asks for {used}"
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            said = rule["annotations"]
            assert said["summary"] and said["description"], rule["alert"]
            assert (ROOT / said["runbook"]).is_file(), rule["alert"]


def test_every_alert_is_tried() -> None:
    read = yaml.safe_load((FOLDER / "rules_test.yml").read_text(encoding="utf-8"))
    tried = [one for test in read["tests"] for one in test.get("alert_rule_test", ())]
    fires = {one["alertname"] for one in tried if one["exp_alerts"]}
    assert fires == {rule["alert"] for rule in rules() if "alert" in rule}


def test_rules_name_categories_that_exist() -> None:
    text = (FOLDER / "rules.yml").read_text(encoding="utf-8")
    patterns = re.findall(r'category=~"([^"]+)"', text)
    assert patterns
    categories = set(taxonomy.load())
    for pattern in patterns:
        assert [id_ for id_ in categories if re.fullmatch(pattern, id_)], pattern


def test_promtool_agrees() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here; apt-get install prometheus runs the tests of the rules")
    for words in (["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run(
            [promtool, *words], cwd=FOLDER, capture_output=True, text=True, timeout=180
        )
        assert done.returncode == 0, done.stdout + done.stderr
