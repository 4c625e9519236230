"""A builder that read documents before builds the same policy as one that never did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from policy.document import Builder, PolicyFault
from policy.types import Rule
from tests.policy.college import TAXONOMY

Raw = dict[str, Any]


def raw(*patterns: str) -> Raw:
    rules: list[Raw] = [
        {"action": "deny", "pattern": pattern, "reason": "Test", "id": number}
        for number, pattern in enumerate(patterns, 1)
    ]
    bundle = {"action": "allow", "bundle": "pair", "reason": "Test", "scope": "venue:crewe"}
    return {
        "organisation": {"name": "Test", "default_profile": "p"},
        "profiles": {"p": {}},
        "venues": {"crewe": {"networks": ["10.1.0.0/16"]}},
        "bundles": {"pair": {"sites": ["one.example", "two.example"]}},
        "rules": [bundle, *rules],
    }


def copied(rule: Any) -> Raw:
    """Equal, and another object: as a store gives it after a change."""
    return dict(rule)


CHANGES: dict[str, Callable[[list[Raw]], list[Raw]]] = {
    "nothing": lambda rules: rules,
    "one is added": lambda rules: [*rules, {**rules[-1], "pattern": "new.example"}],
    "one is put first": lambda rules: [{**rules[-1], "pattern": "new.example"}, *rules],
    "one is removed": lambda rules: [rules[0], *rules[2:]],
    "one is changed": lambda rules: [rules[0], {**rules[1], "action": "allow"}, *rules[2:]],
    "two change places": lambda rules: [rules[1], rules[0], *rules[2:]],
    "one expires": lambda rules: [*rules[:-1], {**rules[-1], "expires": "2027-01-01"}],
    "all are gone": lambda rules: [],
}


def meaning(builder: Builder, document: Raw) -> tuple[Rule, ...]:
    return builder.build(document, "fingerprint").rules


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_read_before_makes_no_difference(what: str) -> None:
    before = raw("a.example", "b.example", "*.c")
    after = {**before, "rules": CHANGES[what]([copied(rule) for rule in before["rules"]])}
    builder = Builder(TAXONOMY, "store")
    meaning(builder, before)
    assert meaning(builder, after) == meaning(Builder(TAXONOMY, "store"), after)
    assert meaning(builder, before) == meaning(Builder(TAXONOMY, "store"), before)


def test_what_stands_as_it_stood_is_not_read_again() -> None:
    before = raw("a.example", "b.example")
    builder = Builder(TAXONOMY, "store")
    old = meaning(builder, before)
    rules = [copied(rule) for rule in before["rules"]]
    new = meaning(builder, {**before, "rules": [*rules, {**rules[-1], "pattern": "c.example"}]})
    assert len(new) == len(old) + 1
    assert all(one is other for one, other in zip(new, old, strict=False))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bundles", {"pair": {"sites": ["three.example"]}}),
        ("venues", {"crewe": {"networks": ["10.2.0.0/16"]}}),
        ("organisation", {"name": "T", "default_profile": "p", "timezone": "Asia/Tokyo"}),
    ],
)
def test_what_rules_rest_on_makes_them_read_again(key: str, value: Raw) -> None:
    before = raw("a.example")
    before["rules"][1]["expires"] = "2027-01-01"
    after = {**before, key: value}
    builder = Builder(TAXONOMY, "store")
    meaning(builder, before)
    assert meaning(builder, after) == meaning(Builder(TAXONOMY, "store"), after)


def test_a_scope_that_is_gone_is_a_fault_although_the_rule_is_as_it_was() -> None:
    before = raw("a.example")
    builder = Builder(TAXONOMY, "store")
    meaning(builder, before)
    with pytest.raises(PolicyFault, match="is not a venue"):
        builder.build({**before, "venues": {"other": {"networks": ["10.1.0.0/16"]}}}, "f")
    assert meaning(builder, before) == meaning(Builder(TAXONOMY, "store"), before)
