"""Inspection of answers: which of several decisions wins, and until when it stands."""

from __future__ import annotations

import pytest

from categoriser.names import spell
from policy.decision import decide
from policy.types import Decision
from resolver.inspection import inspect
from resolver.rebinding import Rebinding
from resolver.snapshot import ResolutionSettings, Snapshot
from resolver.wire.reply import Reply
from tests.resolver.venue import (
    LEARNER,
    LUNCH_ENDS,
    LUNCH_STARTS,
    STAFF,
    TUESDAY_10,
    packed,
    question,
    snapshot,
    upstream_reply,
)

NAME = "www.example.com"
DENY_ADDRESS = """
[[rules]]
action = "deny"
address = "203.0.113.0/24"
scope = "organisation"
reason = "because"
"""
ALLOW = """
[[rules]]
action = "allow"
pattern = "www.example.com"
scope = "organisation"
reason = "because"
"""


def inspected(
    reply: Reply,
    state: Snapshot | None = None,
    *,
    client: str = LEARNER,
    at: float = TUESDAY_10,
    name: str = NAME,
    routed: bool = False,
) -> tuple[Decision, Decision]:
    """The decision before and after the answer is known."""
    state = state or snapshot()
    perspective = state.perspective(packed(client), at)
    query = question(name)
    spelling = spell(query.name)
    before = decide(perspective.view, spelling, state.index.find(spelling))
    return before, inspect(reply, before, query, perspective, state, routed)


def alias(*targets: str) -> Reply:
    owners = (NAME, *targets)
    lines = [f"{one} 60 CNAME {other}." for one, other in zip(owners, targets, strict=False)]
    return upstream_reply(NAME, "A", *lines, f"{targets[-1]} 60 A 192.0.2.1")


def addresses(*found: str) -> Reply:
    return upstream_reply(NAME, "A", *(f"{NAME} 60 A {address}" for address in found))


def test_an_innocent_answer_leaves_the_very_decision() -> None:
    before, after = inspected(alias("cdn.example.net", "edge.example.net"))
    assert after is before


@pytest.mark.parametrize(
    "targets", [["a.bets.example"], ["cdn.example.net", "bets.example", "x.y"]]
)
def test_one_listed_name_in_the_chain_is_enough(targets: list[str]) -> None:
    _, after = inspected(alias(*targets))
    assert (after.action, after.category, after.rule) == ("block", "gambling", "bets.example")


def test_the_name_itself_among_the_targets_is_not_decided_again() -> None:
    reply = upstream_reply(NAME, "HTTPS", f"{NAME} 60 HTTPS 1 {NAME}. alpn=h2")
    before, after = inspected(reply)
    assert after is before


def test_the_strictest_wins_wherever_it_stands() -> None:
    """For staff social media is allowed and gambling is not."""
    for chain in (["social.example", "bets.example"], ["bets.example", "social.example"]):
        _, after = inspected(alias(*chain), client=STAFF)
        assert after.category == "gambling"


@pytest.mark.parametrize(
    ("at", "action", "until"),
    [(TUESDAY_10, "block", LUNCH_STARTS), (LUNCH_STARTS, "allow", LUNCH_ENDS)],
)
def test_what_ends_first_ends_the_answer(at: float, action: str, until: float) -> None:
    """A target that is allowed by a timetable caps the decision although it does not win."""
    _, after = inspected(alias("social.example"), at=at)
    assert (after.action, after.valid_until) == (action, until)


def test_a_rule_that_opens_the_name_opens_what_is_behind_it() -> None:
    before, after = inspected(alias("bets.example"), snapshot(ALLOW))
    assert after is before


def test_nothing_opens_a_locked_target() -> None:
    state = snapshot(ALLOW, listed={"illegal-abuse": ["vile.example"]})
    _, after = inspected(alias("vile.example"), state)
    assert (after.action, after.reason) == ("block", "locked")


def test_a_denied_address_blocks() -> None:
    state = snapshot(DENY_ADDRESS)
    _, after = inspected(addresses("192.0.2.1", "203.0.113.9"), state)
    assert (after.action, after.reason, after.rule) == ("block", "rule", "203.0.113.0/24")
    before, after = inspected(addresses("192.0.2.1"), state)
    assert after is before


@pytest.mark.parametrize("rdata", ["1 . ipv4hint=203.0.113.9", "1 . ipv6hint=::ffff:203.0.113.9"])
def test_hints_are_addresses(rdata: str) -> None:
    """RFC 9460 section 7.3: a browser may connect to a hint without asking for the address."""
    reply = upstream_reply(NAME, "HTTPS", f"{NAME} 60 HTTPS {rdata}")
    _, after = inspected(reply, snapshot(DENY_ADDRESS))
    assert after.action == "block"


def test_a_private_address_is_rebinding_unless_the_zone_is_inside() -> None:
    _, after = inspected(addresses("192.0.2.1", "10.0.0.1"))
    assert (after.action, after.reason, after.rule) == ("block", "rebinding", "10.0.0.1")
    for state, routed in (
        (snapshot(), True),
        (snapshot(ALLOW), False),
        (snapshot(settings=ResolutionSettings(rebinding=Rebinding(enabled=False))), False),
    ):
        before, after = inspected(addresses("10.0.0.1"), state, routed=routed)
        assert after is before
