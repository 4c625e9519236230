"""What must hold of every decision, whatever people write: searched by Hypothesis."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from categoriser.names import from_text, spell
from categoriser.patterns import Pattern
from policy.decision import decide
from policy.policy import Policy
from policy.types import (
    ACTIONS,
    Action,
    ApprovedException,
    Client,
    Decision,
    Device,
    Organisation,
    Pass,
    Period,
    Profile,
    Room,
    Rule,
    Venue,
)
from policy.written import octets_of

from .college import TAXONOMY, instant, listed

# Two weeks around each change of the clocks, and a plain one.
ANCHORS = [instant("2026-03-29T00:00:00+00:00"), instant("2026-10-25T00:00:00+00:00")]
ANCHORS.append(instant("2026-06-10T00:00:00+00:00"))
ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Asia/Beirut"]
CATEGORIES = ["gambling", "social-media", "shopping", "streaming", "circumvention-vpn", "chat"]
NAMES = ["a.example", "www.a.example", "b.example", "x.bet"]
PATTERNS = ["a.example", "=a.example", "www.a.example", "b.example", "*.bet", "a.*"]
SCOPES = ["organisation", "profile:p", "venue:v", "room:v/r", "device:d", "venue:other"]

actions = st.sampled_from(ACTIONS)
action_maps = st.dictionaries(st.sampled_from([*CATEGORIES, "circumvention"]), actions, max_size=4)
instants = st.builds(
    lambda anchor, offset: anchor + offset,
    st.sampled_from(ANCHORS),
    st.integers(-7 * 86400, 7 * 86400) | st.integers(-86400, 86400).map(lambda s: s // 900 * 900),
).map(float)
clocks = st.integers(0, 95).map(lambda quarter: quarter * 15) | st.integers(0, 1439)
periods = st.builds(
    Period,
    name=st.just("period"),
    days=st.frozensets(st.integers(0, 6), min_size=1) | st.just(frozenset({6})),
    start_minute=clocks | st.integers(0, 180),
    end_minute=clocks | st.just(1440) | st.integers(0, 180),
    actions=action_maps,
).filter(lambda period: period.start_minute != period.end_minute)
categories = st.lists(
    st.sampled_from([*CATEGORIES, "illegal-abuse", "essential", "~gambling", "~adult"]),
    unique=True,
    max_size=4,
)
clients = st.sampled_from(
    [
        Client("unknown", None, None, "p"),
        Client("v", None, None, "p"),
        Client("v", "r", None, "p"),
        Client("v", "r", "d", "p"),
        Client("v", "r", "d", "p", withdrawn_until=math.inf),
    ]
)


@st.composite
def rules(draw: st.DrawFn, number: int = 0) -> Rule:
    """A rule of a pattern."""
    pattern = Pattern.parse(draw(st.sampled_from(PATTERNS)))
    return Rule(
        number=number,
        action=draw(st.sampled_from(["allow", "deny"])),
        pattern=pattern,
        network=None,
        scope=draw(st.sampled_from(SCOPES)),
        reason="because",
        expires=draw(instants | st.just(math.inf)),
        octets=octets_of(pattern),
    )


@st.composite
def exceptions(draw: st.DrawFn) -> ApprovedException:
    """An exception as the document lets it through: of exemptible categories only."""
    start, until = sorted([draw(instants | st.just(-math.inf)), draw(instants | st.just(math.inf))])
    assume(start < until)
    exemptible = [c for c in CATEGORIES if TAXONOMY[c].exemptible]
    sites = draw(st.lists(st.sampled_from(PATTERNS[:4]), max_size=2))
    return ApprovedException(
        number=0,
        sites=tuple(Pattern.parse(site) for site in sites),
        categories=draw(st.frozensets(st.sampled_from(exemptible))),
        where=draw(st.sampled_from([s for s in SCOPES if not s.startswith("profile")])),
        purpose="a lesson",
        approver="Sam Tutor",
        start=start,
        until=until,
    )


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """The parts of a policy; one venue, one room, one device."""
    profile = Profile(
        id="p",
        title="People",
        answer="nxdomain",
        safe_search=True,
        youtube="off",
        actions=draw(action_maps),
        periods=tuple(draw(st.lists(periods, max_size=3))),
    )
    return {
        "organisation": Organisation("College", draw(st.sampled_from(ZONES)), "p"),
        "profiles": {"p": profile},
        "venues": {"v": Venue("v", "Venue", (), None, {"r": Room("r", "Room", ())})},
        "devices": {"d": Device("d", "Device", ())},
        "rules": draw(st.lists(rules(), max_size=3)),
        "exceptions": draw(st.lists(exceptions(), max_size=3)),
        "taxonomy": TAXONOMY,
        "fingerprint": "",
    }


def ask(world: dict[str, Any], client: Client, at: float, name: str, on: list[str]) -> Decision:
    """One decision, from scratch."""
    view = Policy(**world).view(client, at)
    return decide(view, spell(from_text(name)), listed(name, *on))


names = st.sampled_from(NAMES)
shares = st.floats(0, 1, exclude_max=True)


@given(worlds(), clients, instants, names, categories, shares)
def test_a_decision_stands_until_its_end(
    world: dict[str, Any], client: Client, at: float, name: str, on: list[str], share: float
) -> None:
    """Asked again at any instant before `valid_until`, the same question gets the same decision.

    This is what lets the resolver keep an answer: DESIGN section 5, last paragraph.
    """
    first = ask(world, client, at, name, on)
    assert first.valid_until > at
    end = min(first.valid_until, at + 20 * 86400)
    later = [at + (end - at) * share, math.nextafter(end, at), end - 1]
    for then in later:
        if at <= then < first.valid_until:
            again = ask(world, client, then, name, on)
            assert first.action == again.action
            assert first.reason == again.reason
            assert first.category == again.category
            assert (first.rule, first.sources) == (again.rule, again.sources)
            assert first.detail is again.detail
            assert again.valid_until >= first.valid_until


@given(worlds(), clients, instants, names, categories, shares)
def test_a_view_stands_until_its_end(
    world: dict[str, Any], client: Client, at: float, name: str, on: list[str], share: float
) -> None:
    """A view decides every name until `valid_until` as a fresh view would."""
    policy = Policy(**world)
    view = policy.view(client, at)
    assert view.valid_until > at
    end = min(view.valid_until, at + 9 * 86400)
    fresh = policy.view(client, at + (end - at) * share)
    question = spell(from_text(name)), listed(name, *on)
    old, new = decide(view, *question), decide(fresh, *question)
    assert (old.action, old.reason, old.detail) == (new.action, new.reason, new.detail)
    assert view.volatile == set(view.changes)
    # Every end that matters comes no sooner than the view's own.
    assert old.valid_until >= view.valid_until


@given(worlds(), clients, instants, names, categories)
def test_locked_is_never_undone(
    world: dict[str, Any], client: Client, at: float, name: str, on: list[str]
) -> None:
    """N4: illegal material is blocked for everyone, and nobody can switch that off."""
    decision = ask(world, client, at, name, [*on, "illegal-terrorism"])
    assert ("block", "locked", math.inf) == (
        decision.action,
        decision.reason,
        decision.valid_until,
    )


@given(worlds(), clients, instants, names, categories, exceptions())
def test_an_exception_never_opens_what_is_not_exemptible(
    world: dict[str, Any],
    client: Client,
    at: float,
    name: str,
    on: list[str],
    more: ApprovedException,
) -> None:
    """Adding an exception never changes what happens to a name on a blocking list that may not be
    exempted.
    """
    before = ask(world, client, at, name, on)
    after = ask({**world, "exceptions": [*world["exceptions"], more]}, client, at, name, on)
    view = Policy(**world).view(client, at)
    closed = [
        c
        for c in on
        if not c.startswith("~")
        and view.actions[c] in ("warn", "block")
        and not TAXONOMY[c].exemptible
    ]
    if closed:
        assert before.action == after.action
    # And it never closes anything.
    assert ACTIONS.index(after.action) <= ACTIONS.index(before.action)


@given(worlds(), clients, instants, names, categories)
def test_keywords_only_suggest(
    world: dict[str, Any], client: Client, at: float, name: str, on: list[str]
) -> None:
    """A keyword hit changes no decision."""
    plain = [c for c in on if not c.startswith("~")]
    with_words = ask(world, client, at, name, [*plain, "~extremism", "~illegal-abuse"])
    without = ask(world, client, at, name, plain)
    assert with_words.suggestions
    assert (without.action, without.reason, without.category, without.valid_until) == (
        with_words.action,
        with_words.reason,
        with_words.category,
        with_words.valid_until,
    )


@given(worlds(), instants, names, categories)
def test_withdrawing_access_opens_nothing(
    world: dict[str, Any], at: float, name: str, on: list[str]
) -> None:
    """A withdrawn device sees only essentials, and of those no more than before."""
    device = Client("v", "r", "d", "p")
    before = ask(world, device, at, name, on)
    after = ask(world, Client("v", "r", "d", "p", withdrawn_until=math.inf), at, name, on)
    if "essential" in on:
        assert before.action == after.action
    else:
        assert after.action == "block"


@given(worlds(), clients, instants, names, categories)
def test_order_of_lists_does_not_matter(
    world: dict[str, Any], client: Client, at: float, name: str, on: list[str]
) -> None:
    """Which table found a category first never changes what happens."""
    one, other = ask(world, client, at, name, on), ask(world, client, at, name, on[::-1])
    assert (one.action, one.reason, one.valid_until) == (
        other.action,
        other.reason,
        other.valid_until,
    )


@given(worlds(), clients, instants, names, categories, st.permutations(range(3)))
def test_order_of_rules_does_not_matter(
    world: dict[str, Any],
    client: Client,
    at: float,
    name: str,
    on: list[str],
    order: list[int],
) -> None:
    """Rules are ranked by what they say; where they stand in the document is nothing."""
    written = world["rules"]
    shuffled = [written[n] for n in order if n < len(written)]
    one = ask(world, client, at, name, on)
    other = ask({**world, "rules": shuffled}, client, at, name, on)
    assert (one.action, one.reason) == (other.action, other.reason)


@st.composite
def passes(draw: st.DrawFn) -> tuple[Pass, ...]:
    """What somebody went past, with any end."""
    found = draw(st.lists(st.tuples(st.sampled_from(PATTERNS[:4]), instants), max_size=2))
    return tuple(Pass(Pattern.parse(site), "10.0.0.1", until) for site, until in found)


@given(worlds(), clients, instants, names, categories, passes(), shares)
def test_a_pass_opens_what_warns_and_nothing_else(
    world: dict[str, Any],
    client: Client,
    at: float,
    name: str,
    on: list[str],
    held: tuple[Pass, ...],
    share: float,
) -> None:
    """A soft block warns, and lets the person go on for a while (N5); a hard one stays closed, now
    and at every later instant of the pass.
    """
    device = replace(client, passes=held)
    for then in (at, *(each.until - 1 + share for each in held if each.until - 1 > at)):
        without, having = ask(world, client, then, name, on), ask(world, device, then, name, on)
        mine = [p for p in held if p.until > then and _names(p, name)]
        if without.action == "warn" and mine:
            assert (having.action, having.reason) == ("allow", "pass")
            assert having.valid_until <= max(p.until for p in mine)
            again = ask(world, device, math.nextafter(having.valid_until, then), name, on)
            assert (again.action, again.reason) == ("allow", "pass")
        elif without.reason == "essential" and having.reason == "pass":
            assert without.action == having.action
        else:
            assert (without.action, without.reason) == (having.action, having.reason)
            assert without.valid_until == having.valid_until


def _names(held: Pass, name: str) -> bool:
    site = held.site.text
    return name == site.removeprefix("=") or name.endswith(f".{site}")


def test_the_actions_are_ordered() -> None:
    """block > warn > monitor > allow."""
    order: tuple[Action, ...] = ("allow", "monitor", "warn", "block")
    assert order == ACTIONS
