"""The life of a query, driven by hand: what scenarios do not reach, and what holds for every query.

Whole stories are told in `tests/scenarios`; here is the generator alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categoriser.names import from_text
from resolver.cache import Cache, CacheSettings
from resolver.resolution import Ask, Outcome, Told, resolve
from resolver.snapshot import DEFAULT_ROUTE, Snapshot
from resolver.wire import codes
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

AT_LUNCH = LUNCH_STARTS + 60
GOOGLE, STRICT = "www.google.com", "forcesafesearch.google.com"


def live(
    name: str,
    qtype: str = "A",
    *replies: Reply | None,
    state: Snapshot | None = None,
    cache: Cache | None = None,
    client: str = LEARNER,
    at: float = TUESDAY_10,
) -> tuple[Outcome, list[Ask]]:
    """The outcome, and what was asked on the way; replies come at once."""
    state = state or snapshot()
    cache = Cache(CacheSettings()) if cache is None else cache
    asked: list[Ask] = []
    resolution = resolve(
        question(name, qtype), state.perspective(packed(client), at), state, cache, at
    )
    waiting = iter(replies)
    try:
        ask = next(resolution)
        while True:
            asked.append(ask)
            reply = next(waiting)
            entry = None if reply is None else cache.put(ask.key, reply, "up", at)
            ask = resolution.send(Told(entry, at))
    except StopIteration as stop:
        assert list(waiting) == []
        outcome: Outcome = stop.value
        return outcome, asked


def address(name: str, *records: str) -> Reply:
    return upstream_reply(name, "A", *(records or (f"{name} 300 A 192.0.2.1",)))


def test_it_asks_in_lower_case_on_the_route_of_the_name() -> None:
    state = snapshot(routes={"corp.example": "head"})
    for name, route in (("WWW.Example.COM", DEFAULT_ROUTE), ("a.Corp.example", "head")):
        _, (ask,) = live(name, "A", address(name), state=state)
        assert ask.question == from_text(name.lower()) + b"\0\1\0\1"
        assert ask.route == route


def test_a_block_asks_nobody_whatever_the_type() -> None:
    for qtype in ("A", "AAAA", "HTTPS", "TXT", "ANY", "TYPE65280"):
        outcome, asked = live("www.bets.example", qtype)
        assert (outcome.status, outcome.sections.rcode, asked) == ("blocked", codes.NXDOMAIN, [])


@pytest.mark.parametrize("qtype", ["HTTPS", "SVCB"])
def test_a_rewritten_name_without_data_lasts_as_long_as_its_decision(qtype: str) -> None:
    """The engine is allowed at lunch only: nothing about it may be remembered beyond."""
    state = snapshot(listed={"social-media": [GOOGLE]})
    outcome, _ = live(GOOGLE, qtype, state=state, at=AT_LUNCH)
    assert outcome.status == "rewritten"
    assert outcome.good_until <= LUNCH_ENDS


def test_a_strict_host_with_a_timetable_behind_it_is_still_served() -> None:
    """Safe search must not end in SERVFAIL because an alias of the strict host is volatile."""
    state = snapshot(listed={"social-media": ["edge.example"]})
    reply = upstream_reply(
        STRICT, "A", f"{STRICT} 9999 CNAME edge.example.", "edge.example 9999 A 192.0.2.1"
    )
    outcome, _ = live(GOOGLE, "A", reply, state=state, at=AT_LUNCH)
    assert (outcome.status, outcome.sections.rcode) == ("rewritten", codes.NOERROR)
    assert outcome.good_until == outcome.ceiling_until == LUNCH_ENDS
    outcome, _ = live(GOOGLE, "A", reply, state=state)
    assert (outcome.status, outcome.sections.rcode) == ("failed", codes.SERVFAIL)


@pytest.mark.parametrize(
    "reply",
    [
        None,
        upstream_reply(STRICT, "A", rcode=codes.NXDOMAIN),
        upstream_reply(STRICT, "A", rcode=codes.SERVFAIL),
        address(STRICT, f"{STRICT} 60 A 10.0.0.1"),  # rebinding
    ],
)
def test_never_the_ordinary_addresses_instead(reply: Reply | None) -> None:
    outcome, asked = live(GOOGLE, "A", reply)
    assert outcome.sections.rcode == codes.SERVFAIL
    assert [ask.question for ask in asked] == [from_text(STRICT) + b"\0\1\0\1"]


def test_one_entry_serves_all_profiles_each_by_its_own_decision() -> None:
    cache = Cache(CacheSettings())
    reply = address(
        "x.example", "x.example 300 CNAME social.example.", "social.example 9 A 192.0.2.1"
    )
    outcome, asked = live("x.example", "A", reply, cache=cache, client=STAFF)
    assert (outcome.status, len(asked)) == ("asked", 1)
    outcome, asked = live("x.example", "A", cache=cache, client=LEARNER)
    assert (outcome.status, len(asked)) == ("blocked", 0)


def test_a_query_waits_shortly_where_a_stale_answer_is_at_hand() -> None:
    """RFC 8767 section 5: the client response timer."""
    state, cache = snapshot(), Cache(CacheSettings())
    _, (first,) = live("www.example.com", "A", address("www.example.com"), cache=cache)
    later = TUESDAY_10 + 301
    outcome, (second,) = live("www.example.com", "A", None, cache=cache, at=later)
    assert first.patience_seconds > 3600
    assert second.patience_seconds == state.settings.stale_wait_seconds
    assert outcome.status == "stale"
    assert outcome.errors == ((codes.EDE_STALE_ANSWER, ""),)
    assert [ttl for _, ttl in outcome.sections.ttls] == [state.settings.stale_ttl_seconds]
    outcome, asked = live("www.example.com", "A", cache=cache, at=later + 1)
    assert (outcome.status, asked, outcome.refresh) == ("stale", [], None)  # the recheck timer


def test_a_stale_strict_host_is_served_like_any_other() -> None:
    """RFC 8767 sections 4 and 5: its TTL is ours, and the upstream is left alone for a while."""
    cache = Cache(CacheSettings())
    live(GOOGLE, "A", address(STRICT, f"{STRICT} 5 A 192.0.2.1"), cache=cache)
    later = TUESDAY_10 + 6
    for replies in ((None,), ()):
        outcome, _ = live(GOOGLE, "A", *replies, cache=cache, at=later)
        assert (outcome.status, outcome.refresh) == ("stale", None)
        assert {ttl for _, ttl in outcome.sections.ttls} == {30}


@given(
    st.sampled_from(["www.example.com", "bets.example", "social.example", GOOGLE, "a.local", "."]),
    st.sampled_from(["A", "AAAA", "HTTPS", "ANY", "TXT"]),
    st.sampled_from([LEARNER, STAFF, "203.0.113.1", "fd00::1"]),
    st.floats(TUESDAY_10, TUESDAY_10 + 7 * 86400),
    st.lists(
        st.sampled_from(
            ["300 A 192.0.2.1", "9 A 10.0.0.1", "99999 CNAME social.example.", "5 TXT x"]
        ),
        max_size=3,
        unique=True,
    ),
    st.sampled_from([codes.NOERROR, codes.NXDOMAIN, codes.SERVFAIL, None]),
)
def test_no_outcome_outlives_its_decision(
    name: str, qtype: str, client: str, at: float, records: Sequence[str], rcode: int | None
) -> None:
    """DESIGN section 5: no answer lives longer than `valid_until`, nor is it remembered beyond."""
    owner = STRICT if name == GOOGLE and client != STAFF else name
    reply = None
    if rcode is not None:
        reply = upstream_reply(owner, qtype, *(f"{owner} {line}" for line in records), rcode=rcode)
    try:
        outcome, _ = live(name, qtype, reply, client=client, at=at)
    except AssertionError:
        outcome, _ = live(name, qtype, client=client, at=at)  # the reply was not needed
    if outcome.decision is not None:
        assert outcome.good_until <= outcome.decision.valid_until
        if outcome.status in ("asked", "hit", "stale"):
            assert outcome.ceiling_until <= outcome.decision.valid_until
