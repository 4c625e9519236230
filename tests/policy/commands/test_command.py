"""The situation a command finds: whom a scope concerns, and policies that are remembered."""

from __future__ import annotations

import tomllib

import pytest

from policy.commands.command import Reader, Refused, Situation, changed
from tests.policy.college import COLLEGE, TAXONOMY, TUESDAY_10
from tests.policy.commands.desks import PAT

MORE = """
[devices.phone]
client_ids = ["phone-1"]

[devices.roaming]
addresses = ["10.20.3.50", "10.30.0.9"]

[devices.elsewhere]
addresses = ["10.20.3.51", "192.0.2.1"]
"""


def situation() -> Situation:
    """The college, with some more devices."""
    raw = tomllib.loads(COLLEGE + MORE)
    reader = Reader(TAXONOMY)
    return Situation(PAT, TUESDAY_10, "test", raw, reader.build("test", raw), TAXONOMY, reader)


@pytest.mark.parametrize(
    ("scope", "venues"),
    [
        ("organisation", None),
        ("profile:staff", None),
        ("venue:crewe", {"crewe"}),
        ("venue:nowhere", None),
        ("room:ellesmere-port/it-suite", {"ellesmere-port"}),
        ("device:tutor-laptop", {"ellesmere-port"}),
        ("device:roaming", {"ellesmere-port", "crewe"}),
        ("device:elsewhere", None),
        ("device:phone", None),
        ("device:nothing", None),
        ("", None),
        ("venue", None),
    ],
)
def test_a_scope_concerns_venues(scope: str, venues: set[str] | None) -> None:
    found = situation().venues_of(scope)
    assert found == (None if venues is None else frozenset(venues))


def test_a_policy_that_was_built_is_remembered_and_a_fault_is_not() -> None:
    here = situation()
    assert here.build() is here.policy
    assert here.build(devices={}) is not here.policy
    with pytest.raises(Refused) as refused:
        here.build(devices={"x": {}})
    assert refused.value.faults[0].startswith("test: devices.x: nothing to know it by")
    assert here.build() is here.policy


def test_none_takes_a_key_away() -> None:
    assert changed({"a": 1, "b": 2}, {"a": None, "c": 3}) == {"b": 2, "c": 3}


def test_what_python_takes_for_equal_is_told_apart() -> None:
    here = situation()
    profiles = here.raw["profiles"]
    here.build(profiles={**profiles, "young": {"safe_search": True}})
    with pytest.raises(Refused) as refused:  # 1 == True, and no reader of the store takes it
        here.build(profiles={**profiles, "young": {"safe_search": 1}})
    assert "safe_search: 1 is not yes or no" in refused.value.faults[0]
