"""A small college in a store, for its tests."""

from __future__ import annotations

import tomllib
from typing import Any

from policy.document import Builder
from policy.policy import Policy
from tests.policy.college import TAXONOMY

RAW: dict[str, Any] = tomllib.loads("""
[organisation]
name = "Northshire Skills"
default_profile = "learners"
holidays = "england-and-wales"

[[terms]]
name = "spring"
from = 2027-01-11
to = 2027-03-26

[profiles.learners]
actions = { shopping = "warn" }

[[profiles.learners.periods]]
name = "lunch"
days = ["mon"]
from = 12:00:00
to = "13:00"
when = "term"
actions = { games = "warn" }

[profiles.staff]
title = "Staff"

[venues.crewe]
networks = ["10.20.0.0/16"]
profile = "learners"

[venues.crewe.rooms.it-suite]
networks = ["10.20.3.0/24"]

[venues.chester]
networks = ["10.30.0.0/16"]

[devices.laptop]
addresses = ["10.20.3.7"]
withdrawn = true
withdrawn_until = 2027-02-01T09:00:00Z

[bundles.portal]
sites = ["portal.example", "portal-cdn.example"]

[essentials]
sites = ["=portal.example"]

[pages.gambling]
text = "Ask \\"Jo\\".\\nShe helps."

[roles.tutor]
exception_hours_max = 8

[people.jo]
name = "Jo Okafor"
roles = [{ role = "tutor", venues = ["crewe"] }, { role = "leadership" }]

[[rules]]
action = "allow"
pattern = "bet.example"
reason = "a course"
review = 2027-09-01

[[rules]]
action = "deny"
pattern = "*.win"
scope = "profile:learners"
reason = "scams"
expires = 2027-09-01T12:00:00+01:00

[[rules]]
action = "allow"
bundle = "portal"
scope = "device:laptop"
reason = "homework"

[[exceptions]]
categories = ["social-media"]
bundles = ["facebook"]
where = "room:crewe/it-suite"
purpose = "a lesson"
approver = "Jo Okafor"
from = 2027-02-09T09:30:00
until = 2027-02-09T12:00:00
revoked = 2027-02-09T10:00:00
""")

RULE = {"action": "deny", "pattern": "a.example", "reason": "because"}


def built(raw: dict[str, Any]) -> Policy:
    """The policy of a raw document."""
    return Builder(TAXONOMY, "test").build(raw, "")


def meaning(policy: Policy) -> tuple[object, ...]:
    """What a policy says, to compare it by; without the numbers that a store gives."""
    without = [
        [getattr(entry, name) for name in entry.__slots__ if name not in ("id", "number")]
        for entry in (*policy.rules, *policy.exceptions)
    ]
    return (
        policy.organisation,
        dict(policy.profiles),
        dict(policy.venues),
        dict(policy.devices),
        dict(policy.bundles),
        policy.essentials,
        dict(policy.people),
        dict(policy.exception_hours_max),
        dict(policy.pages),
        without,
    )
