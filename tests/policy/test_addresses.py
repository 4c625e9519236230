"""Deny rules about addresses of answers."""

from __future__ import annotations

from .college import TUESDAY_10, packed, policy

BOTNET = """
[[rules]]
action = "deny"
address = "203.0.113.0/24"
reason = "a botnet"

[[rules]]
action = "deny"
address = "203.0.113.0/28"
scope = "venue:crewe"
reason = "worse"
expires = 2026-03-03T12:00:00

[[rules]]
action = "deny"
address = "2001:db8::/32"
scope = "profile:staff"
reason = "documentation"
"""


def numbers(address: str, who: str, at: float = TUESDAY_10) -> int | None:
    """The position of the rule that denies an address to somebody."""
    college = policy(BOTNET)
    rule = college.denied_address(packed(address), college.view(college.identify(packed(who)), at))
    return None if rule is None else rule.number


def test_scope_expiry_and_form() -> None:
    """The most specific scope in force wins; an IPv4-mapped address is the IPv4 address."""
    learner, crewe, tutor = "10.20.1.5", "10.30.0.1", "10.20.3.7"
    assert numbers("203.0.113.1", learner) == 0
    assert numbers("::ffff:203.0.113.1", learner) == 0
    assert numbers("203.0.113.1", crewe) == 1
    assert numbers("203.0.113.1", crewe, TUESDAY_10 + 2 * 3600) == 0
    assert numbers("203.0.113.200", crewe) == 0
    assert numbers("203.0.114.1", crewe) is None
    assert numbers("2001:db8::1", tutor) == 2
    assert numbers("2001:db8::1", learner) is None


def test_no_rules_deny_nothing() -> None:
    """The usual policy has none."""
    college = policy()
    view = college.view(college.identify(packed("10.20.1.5")), TUESDAY_10)
    assert college.denied_address(packed("203.0.113.1"), view) is None
    assert college.denied_address(b"", view) is None
