"""What differs between two documents, as people would say it."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.comparing import Difference, difference
from policy.entries import KEYS, KINDS, plain

from .store.college import RAW

RULE = {"action": "deny", "pattern": "a.example", "reason": "because"}


def rules(*entries: dict[str, Any]) -> dict[str, Any]:
    """A document of nothing but rules."""
    return {"rules": list(entries)}


def test_a_document_does_not_differ_from_itself() -> None:
    assert difference(RAW, copy.deepcopy(RAW)) == ()
    assert difference(RAW, plain(RAW)) == ()


def test_everything_is_added_or_removed() -> None:
    added = difference({}, RAW)
    assert {change.kind for change in added} == set(KINDS)
    assert all(change.before is None for change in added)
    removed = difference(RAW, {})
    assert [(c.kind, c.id, c.before) for c in removed] == [(c.kind, c.id, c.after) for c in added]


def test_a_room_is_an_entry_of_its_own() -> None:
    changed = copy.deepcopy(RAW)
    changed["venues"]["crewe"]["rooms"]["it-suite"]["title"] = "IT"
    (found,) = difference(RAW, changed)
    networks = ["10.20.3.0/24"]
    assert found == Difference(
        "rooms", "crewe/it-suite", {"networks": networks}, {"networks": networks, "title": "IT"}
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # the number finds it, whatever it says
        (
            rules({**RULE, "id": 4}),
            rules({"action": "allow", "pattern": "b.example", "reason": "x", "id": 4}),
            [(4, RULE, {"action": "allow", "pattern": "b.example", "reason": "x"})],
        ),
        # what it says finds it, with a number on one side
        (rules({**RULE, "id": 4}), rules(RULE), []),
        (rules(RULE), rules({**RULE, "id": 4}), []),
        (rules(RULE, RULE), rules(RULE), [(None, RULE, None)]),
        # the order is nothing
        (
            rules(RULE, {**RULE, "pattern": "b.example"}),
            rules({**RULE, "pattern": "b.example"}, RULE),
            [],
        ),
        # the name and the scope find it
        (
            rules({**RULE, "id": 4}),
            rules({**RULE, "reason": "another"}),
            [(4, RULE, {**RULE, "reason": "another"})],
        ),
        (
            rules({**RULE, "id": 4}),
            rules({**RULE, "scope": "venue:crewe"}),
            [(4, RULE, None), (None, None, {**RULE, "scope": "venue:crewe"})],
        ),
    ],
)
def test_rules_are_found_again(
    before: dict[str, Any], after: dict[str, Any], expected: list[Any]
) -> None:
    found = difference(before, after)
    assert [(change.id, change.before, change.after) for change in found] == expected


bodies = st.fixed_dictionaries(
    {"pattern": st.sampled_from("abc"), "reason": st.sampled_from("xyz")},
    optional={"scope": st.sampled_from("pq")},
)
documents = st.lists(st.tuples(st.none() | st.integers(1, 5), bodies), max_size=6)


@given(documents, documents)
def test_a_difference_leads_from_one_to_the_other(
    before: list[tuple[int | None, dict[str, Any]]], after: list[tuple[int | None, dict[str, Any]]]
) -> None:
    def raw(entries: list[tuple[int | None, dict[str, Any]]]) -> dict[str, Any]:
        seen: set[int | None] = {None}
        found = []
        for id, body in entries:
            found.append(dict(body) if id in seen else {"id": id, **body})
            seen.add(id)
        return rules(*found)

    old, new = raw(before), raw(after)
    left = [{k: v for k, v in rule.items() if k != "id"} for rule in old["rules"]]
    for change in difference(old, new):
        if change.before is not None:
            left.remove(dict(change.before))
        if change.after is not None:
            left.append(dict(change.after))
    wanted = [{k: v for k, v in rule.items() if k != "id"} for rule in new["rules"]]
    assert sorted(map(repr, map(sorted, (r.items() for r in left)))) == sorted(
        map(repr, map(sorted, (r.items() for r in wanted)))
    )


def test_dates_and_times_become_the_text_that_reads_back() -> None:
    raw = tomllib.loads("a = [2027-01-02, 09:05:00, 2027-01-02T03:00:00, 2027-01-02T03:00:00Z]")
    assert plain(raw) == {
        "a": ["2027-01-02", "09:05", "2027-01-02T03:00:00", "2027-01-02T03:00:00+00:00"]
    }


def test_every_key_of_a_document_is_known() -> None:
    assert set(RAW) == set(KEYS)
