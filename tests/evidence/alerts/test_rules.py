"""Groups and noise, as stories that anybody can read; and the rules themselves."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categoriser import taxonomy
from evidence.alerts.grouping import (
    DOMAINS_MAX,
    GROUP_SECONDS_MAX,
    HELD_SECONDS,
    LOOKS_MAX,
    PAUSE_SECONDS,
    Group,
    Seen,
    is_periodic,
)
from evidence.alerts.noise import SETTLE_SECONDS, Around, judge, rules, titles
from evidence.alerts.themes import (
    OTHER,
    AlertSeverity,
    alerting,
    at_least,
    severity_of,
    theme_of,
    themes,
)
from evidence.domains import registered

NOW = 1_795_259_307.0
TAXONOMY = taxonomy.load()
STORIES = tomllib.loads((Path(__file__).parent / "stories.toml").read_text())["story"]


def seen(at: float, name: str = "hate.example", **more: Any) -> Seen:
    given: dict[str, Any] = {
        "id": int(at * 1000),
        "at": at,
        "pseudonym": "a" * 20,
        "venue": "crewe",
        "room": "it-suite",
        "name": name,
        "domain": registered(name),
        "category": "extremism-right-wing",
        "action": "block",
        "sources": ("starter:extremism-right-wing",),
        "queries": 1,
        "severity": "high",
    }
    return Seen(**{**given, **more})


@pytest.mark.parametrize("story", STORIES, ids=[one["tells"] for one in STORIES])
def test_stories(story: dict[str, Any]) -> None:
    severity = severity_of(story["category"], TAXONOMY, {})
    assert severity is not None
    group: Group | None = None
    last = 0.0
    for ask in story["asks"]:
        text, _, name = ask.partition(" ")
        last = float(text)
        one = seen(NOW + last, name, category=story["category"], severity=severity)
        if group is None:
            group = Group.begun(one, theme_of(one.category, TAXONOMY).id)
        else:
            assert group.takes(one, held=True)
            group.add(one)
    assert group is not None
    around = Around(
        NOW + story.get("now", last + 1),
        always=story.get("always", False),
        traffic=story.get("traffic", 0),
        devices=story.get("devices", 1),
        earlier=story.get("earlier", 0),
        false_positives=frozenset(story.get("false_positives", ())),
    )
    judged = judge(group, around)
    assert (judged.becomes, judged.rule) == (story["becomes"], story.get("rule", ""))
    if judged.becomes == "alert":
        assert judged.severity == story["severity"]
        assert list(judged.raises) == story.get("raises", [])


def test_every_rule_that_holds_back_has_a_story() -> None:
    told = {one["rule"] for one in STORIES if "rule" in one}
    assert told == {one.id for one in rules().holds} == set(titles())
    for rule in rules().holds:
        assert len(rule.reason.split()) >= 10, rule.id  # in words, for people
        assert rule.settle_seconds <= SETTLE_SECONDS, rule.id


def test_every_category_that_matters_has_a_theme() -> None:
    for category in alerting(TAXONOMY):
        assert theme_of(category, TAXONOMY).id != OTHER, category
    for theme in themes()[:-1]:
        assert set(theme.categories) <= TAXONOMY.keys()
    # Locked categories are never held back.
    for id, category in TAXONOMY.items():
        assert theme_of(id, TAXONOMY).always == category.locked, id


def test_an_organisation_chooses_how_much_a_category_matters() -> None:
    assert severity_of("adult", TAXONOMY, {}) == "low"
    assert severity_of("adult", TAXONOMY, {"adult": "high"}) == "high"
    assert severity_of("adult", TAXONOMY, {"adult": "none"}) is None
    assert severity_of("streaming", TAXONOMY, {}) is None
    assert severity_of("circumvention-relay", TAXONOMY, {}) == "low"
    assert severity_of("nonsense", TAXONOMY, {}) is None
    assert list(at_least("medium")) == ["medium", "high"]


def test_a_pause_ends_a_group_that_is_an_alert_but_not_one_held_back() -> None:
    group = Group.begun(seen(NOW), "extremism")
    assert group.takes(seen(NOW + PAUSE_SECONDS), held=False)
    assert not group.takes(seen(NOW + PAUSE_SECONDS + 1), held=False)
    assert group.takes(seen(NOW + HELD_SECONDS), held=True)
    assert not group.takes(seen(NOW + HELD_SECONDS + 1), held=True)
    for hour in range(1, 13):
        group.add(seen(NOW + hour * 3600))
    assert not group.takes(seen(NOW + GROUP_SECONDS_MAX + 60), held=False)


def test_late_events_count_like_others() -> None:
    group = Group.begun(seen(NOW), "extremism")
    group.add(seen(NOW - 60, "other.example", action="monitor", queries=3))
    assert (group.first_at, group.last_at, group.look_count) == (NOW - 60, NOW, 2)
    assert (group.queries, group.blocked) == (4, 1)


@pytest.mark.parametrize(
    "looks,periodic",
    [
        ([0, 300, 600, 900], True),
        ([0, 290, 600, 900], True),
        ([0, 300, 600], False),
        ([0, 20, 40, 60, 80], False),
        ([0, 100, 400, 450, 900], False),
        ([], False),
    ],
)
def test_clockwork(looks: list[float], periodic: bool) -> None:
    assert is_periodic(looks, 4, 60, 0.15) == periodic


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e6),
            st.text(max_size=300),
            st.sampled_from(sorted(alerting(TAXONOMY))),
            st.sampled_from(["low", "medium", "high"]),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_hostile_names_and_any_times_are_judged(
    asks: list[tuple[float, str, str, AlertSeverity]],
) -> None:
    group: Group | None = None
    for at, name, category, severity in asks:
        one = seen(NOW + at, name, domain="", category=category, severity=severity)
        if group is None:
            group = Group.begun(one, "other")
        else:
            group.add(one)
    assert group is not None
    judged = judge(group, Around(group.last_at + 3600))
    assert judged.becomes in ("alert", "hold")  # in the end always told
    assert len(group.domains) <= DOMAINS_MAX and len(group.looks) <= LOOKS_MAX
    assert group.look_count <= len(asks) and group.queries == len(asks)
