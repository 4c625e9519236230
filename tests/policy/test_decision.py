"""The decision order, as the table `decisions.toml`, and what the table cannot show."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from typing import Any

import pytest

from categoriser.names import from_text, spell
from policy.decision import decide, denied_by_address
from policy.explanation import what_would_change

from .college import (
    HERE,
    TAXONOMY,
    TUESDAY_10,
    ask,
    exception,
    going_on,
    instant,
    packed,
    policy,
    rule,
)

TABLE = tomllib.loads((HERE / "decisions.toml").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = TABLE["case"]


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_the_table(case: dict[str, Any]) -> None:
    """Each row of the table holds."""
    written = [rule(text) for text in case.get("rules", [])]
    written += [exception(text) for text in case.get("exceptions", [])]
    written += [going_on(text, TABLE["people"][case["who"]]) for text in case.get("passes", [])]
    college = policy("\n".join(written))
    client = college.identify(packed(TABLE["people"][case["who"]]))
    at = instant(case.get("when", "2026-03-03 10:00"))

    decision = ask(college, client, at, case["name"], *case.get("categories", []))

    assert (case["expect"], case["because"]) == (decision.action, decision.reason)
    until = case.get("until", "never")
    assert (math.inf if until == "never" else instant(until)) == decision.valid_until
    for key, given in (
        ("counts_as", decision.category),
        ("note", decision.note),
        ("rule", decision.rule),
    ):
        assert case.get(key, given) == given
    words = [c[1:] for c in case.get("categories", []) if c.startswith("~")]
    assert words == [hit.category for hit in decision.suggestions]
    assert decision.note.endswith(".")
    assert what_would_change(decision, college.view(client, at))


def test_the_table_is_wide_enough() -> None:
    """Every step of the order and every key is used; a misspelt key would check nothing."""
    known = {"title", "who", "when", "name", "categories", "rules", "exceptions", "passes"}
    known |= {"expect", "because", "counts_as", "until", "note", "rule"}
    assert {key for case in CASES for key in case} <= known
    assert len(CASES) >= 60
    assert not [title for title, n in Counter(case["title"] for case in CASES).items() if n > 1]
    steps = Counter(case["because"] for case in CASES)
    assert (
        min(steps[s] for s in ("locked", "withdrawn", "rule", "exception", "pass", "default")) >= 4
    )
    assert set(TABLE["people"]) == {case["who"] for case in CASES}


def test_common_case_builds_nothing() -> None:
    """A name without category and rule gets the view's own decision, not a new one."""
    college = policy(rule("deny example.com for organisation"))
    view = college.view(college.identify(packed("10.20.1.5")), TUESDAY_10)
    assert view.unmatched is decide(view, spell(from_text("other.example")), ())


def test_unknown_category_does_not_block() -> None:
    """A list of a category the taxonomy does not know can close nothing, nor hide another."""
    college = policy()
    client = college.identify(packed("10.20.1.5"))
    assert ask(college, client, TUESDAY_10, "a.example", "astrology").action == "allow"
    both = ask(college, client, TUESDAY_10, "a.example", "astrology", "gambling")
    assert (both.action, both.category) == ("block", "gambling")


@pytest.mark.parametrize("category", list(TAXONOMY))
def test_defaults_of_the_taxonomy(category: str) -> None:
    """An organisation that says nothing gets the action the taxonomy states."""
    plain = policy(text=(HERE / "plain.toml").read_text(encoding="utf-8"))
    decision = ask(plain, plain.identify(packed("10.0.0.1")), TUESDAY_10, "a.example", category)
    assert TAXONOMY[category].action == decision.action
    assert TAXONOMY[category].title in decision.note or category == "essential"


def test_denied_address() -> None:
    """An answer into a denied network is a rule's decision, with the rule's end."""
    college = policy(
        '[[rules]]\naction = "deny"\naddress = "203.0.113.0/24"\nscope = "venue:crewe"\n'
        'reason = "a botnet"\nexpires = 2026-03-04T00:00:00Z\n'
    )
    crewe = college.view(college.identify(packed("10.30.0.1")), TUESDAY_10)
    found = college.denied_address(packed("203.0.113.9"), crewe)
    assert found is not None
    decision = denied_by_address(crewe, found)
    assert (decision.action, decision.reason, decision.rule) == ("block", "rule", "203.0.113.0/24")
    assert instant("2026-03-04T00:00:00+00:00") == decision.valid_until
