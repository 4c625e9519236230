"""Exceptions, rules and periods over the nights in which the clocks change, in virtual time.

In Europe/London 2026-03-29 has no 01:00 to 02:00, and 2026-10-25 has it twice: first in summer
time (+01:00), then without (+00:00).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from categoriser.matches import Match
from categoriser.names import from_text, spell
from policy.decision import decide
from policy.document import read
from policy.policy import Policy
from policy.types import Client, Decision
from tests.policy.college import TAXONOMY

CHAT = (Match("chat", "chat.example", ("starter:chat",)),)
NIGHT = "2026-03-29", "2026-10-25"
LEARNER = Client("here", None, None, "learners")
PLACES = """
[organisation]
name = "Night school"
default_profile = "learners"
[profiles.learners]
actions = { chat = "block" }
[venues.here]
networks = ["10.0.0.0/8"]
"""


PERIOD = """
[[profiles.learners.periods]]
name = "night shift"
days = ["sun"]
from = "00:30"
to = "02:30"
actions = { chat = "allow" }
"""


def policy_with(part: str) -> Policy:
    return read(PLACES + part, TAXONOMY)


def exception(start: str, until: str) -> str:
    return f"""
    [[exceptions]]
    categories = ["chat"]
    where = "venue:here"
    purpose = "a night shift"
    approver = "Sam Tutor"
    from = {start}
    until = {until}
    """


def instant(text: str) -> float:
    """POSIX seconds of an instant with its offset."""
    return datetime.fromisoformat(text).timestamp()


def decision(policy: Policy, at: float) -> Decision:
    return decide(policy.view(LEARNER, at), spell(from_text("chat.example")), CHAT)


def edges(policy: Policy, day: str) -> list[str]:
    """When, in universal time, it opens and closes around the midnight with which a day begins."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    found: list[str] = []
    was_open = False
    for minute in range(-3 * 60, 5 * 60):
        moment = midnight + timedelta(minutes=minute)
        is_open = decision(policy, moment.timestamp()).action == "allow"
        if is_open != was_open:
            found.append(f"{moment:%H:%M}")
        was_open = is_open
    return found


@pytest.mark.parametrize(
    ("day", "stretches"),
    [
        ("2026-03-22", ["00:30", "02:30"]),
        ("2026-03-29", ["00:30", "01:30"]),  # 00:30 GMT to 02:30 BST: one hour
        ("2026-10-18", ["23:30", "01:30"]),
        ("2026-10-25", ["23:30", "02:30"]),  # 00:30 BST to 02:30 GMT: three hours
    ],
)
def test_a_period_follows_the_clock_on_the_wall(day: str, stretches: list[str]) -> None:
    assert edges(policy_with(PERIOD), day) == stretches


@pytest.mark.parametrize(
    ("start", "until", "begins", "ends"),
    [
        # Over the hour that is not there.
        ("2026-03-29T00:30:00", "2026-03-29T02:30:00", "00:30+00:00", "02:30+01:00"),
        # Until a time that is not there: as far behind midnight as if it were.
        ("2026-03-29T00:30:00", "2026-03-29T01:30:00", "00:30+00:00", "01:30+00:00"),
        # Over the hour that comes twice.
        ("2026-10-25T00:30:00", "2026-10-25T02:30:00", "00:30+01:00", "02:30+00:00"),
        # Until, and from, a time that comes twice: the first.
        ("2026-10-25T00:30:00", "2026-10-25T01:30:00", "00:30+01:00", "01:30+01:00"),
        ("2026-10-25T01:30:00", "2026-10-25T02:30:00", "01:30+01:00", "02:30+00:00"),
        # With an offset there is nothing to guess.
        ("2026-10-25T01:30:00+00:00", "2026-10-25T01:45:00+00:00", "01:30+00:00", "01:45+00:00"),
        # A whole day has 23 hours, or 25.
        ("2026-03-29", "2026-03-29", "00:00+00:00", "24:00+01:00"),
        ("2026-10-25", "2026-10-25", "00:00+01:00", "24:00+00:00"),
    ],
)
def test_an_exception_begins_and_ends_when_its_author_meant(
    start: str, until: str, begins: str, ends: str
) -> None:
    policy = policy_with(exception(start, until))
    day = start[:10]
    opens = instant(f"{day}T{begins}")
    if ends.startswith("24:00"):
        closes = instant(f"{day}T23:00{ends[5:]}") + 3600
    else:
        closes = instant(f"{day}T{ends}")
    before = decision(policy, opens - 1)
    assert (before.action, before.valid_until) == ("block", opens)
    for at in (opens, (opens + closes) / 2, closes - 0.001):
        found = decision(policy, at)
        assert (found.action, found.reason) == ("allow", "exception")
        assert found.valid_until == closes
    assert decision(policy, closes).action == "block"


@pytest.mark.parametrize(
    ("expires", "ends"),
    [
        ("2026-03-29", "2026-03-30T00:00+01:00"),
        ("2026-10-25", "2026-10-26T00:00+00:00"),
        ("2026-10-25T01:30:00", "2026-10-25T01:30+01:00"),
    ],
)
def test_a_rule_expires_by_the_clock_on_the_wall(expires: str, ends: str) -> None:
    policy = policy_with(f"""
    [[rules]]
    action = "allow"
    pattern = "chat.example"
    reason = "a test"
    expires = {expires}
    """)
    end = instant(ends)
    found = decision(policy, end - 1)
    assert (found.action, found.valid_until) == ("allow", end)
    assert decision(policy, end).action == "block"


@pytest.mark.parametrize("day", NIGHT)
def test_no_decision_of_such_a_night_outlives_itself(day: str) -> None:
    """Whatever is asked when: until the instant it names, a decision is the one that is made."""
    policy = policy_with(PERIOD)
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    for minute in range(-120, 240, 7):
        at = midnight + minute * 60
        found = decision(policy, at)
        assert found.valid_until > at
        for later in range(int(at), int(min(found.valid_until, at + 7200)), 300):
            assert decision(policy, float(later)).action == found.action
