"""Going on past a warning, as the resolver sees it: open there, closed elsewhere, and nobody else's
remembered answers are lost.
"""

from __future__ import annotations

from dataclasses import replace

import dns.message
import dns.rcode

from categoriser.names import from_text
from policy.passes import Passes
from policy.patterns import read_pattern
from policy.reading import Faults
from policy.types import Pass
from resolver.sections import Pages
from resolver.snapshot import ResolutionSettings, Snapshot
from tests.resolver.venue import (
    LEARNER,
    POLICY,
    STAFF,
    TUESDAY_10,
    Desk,
    packet,
    snapshot,
    upstream_reply,
)

WARNED = POLICY.replace('{ social-media = "block" }', '{ social-media = "block", dating = "warn" }')
LISTED = {"dating": ("dates.example", "cdn.example"), "gambling": ("bets.example",)}
OTHER = "10.1.3.6"


def held(state: Snapshot, *passes: tuple[str, str, float]) -> Snapshot:
    """The same with other passes, as a builder makes it."""
    found = []
    for who, site, until in passes:
        pattern = read_pattern(Faults(""), "", site, wildcards=False)
        assert pattern is not None
        found.append(Pass(pattern, who, until))
    return replace(state, policy=state.policy.with_passes(Passes(found), "other"))


def test_open_for_one_address_and_closed_again() -> None:
    state = snapshot(policy=WARNED, listed=LISTED)
    desk = Desk(state)
    assert desk.ask("www.dates.example").rcode() == dns.rcode.NXDOMAIN
    desk.service.swap(held(state, (LEARNER, "dates.example", TUESDAY_10 + 60)))
    found = upstream_reply("www.dates.example", "A", "www.dates.example 300 A 192.0.2.1")
    octets = desk.fetch(found, "www.dates.example")
    ttl = dns.message.from_wire(octets).answer[0].ttl
    assert ttl <= 60, "no answer outlives the pass"
    assert desk.ask("www.dates.example", address=OTHER).rcode() == dns.rcode.NXDOMAIN
    desk.at += 60
    assert desk.ask("www.dates.example").rcode() == dns.rcode.NXDOMAIN


def test_what_stands_behind_the_name() -> None:
    """An alias that only warns is passed with it; one that blocks hard is not."""
    state = snapshot(policy=WARNED, listed=LISTED)
    for target, code in (("cdn.example", dns.rcode.NOERROR), ("bets.example", dns.rcode.NXDOMAIN)):
        desk = Desk(held(state, (LEARNER, "dates.example", TUESDAY_10 + 60)))
        answer = upstream_reply(
            "dates.example",
            "A",
            f"dates.example 300 CNAME {target}.",
            f"{target} 300 A 192.0.2.1",
        )
        assert dns.message.from_wire(desk.fetch(answer, "dates.example")).rcode() == code


def test_nobody_else_loses_an_answer() -> None:
    """Taking a pass is open to everybody: it must not be a way to make the resolver slow."""
    state = snapshot(policy=WARNED, listed=LISTED)
    desk = Desk(state)
    for address in (LEARNER, OTHER, STAFF):
        desk.record(address)
    desk.ask("www.dates.example", address=OTHER)
    query = packet("www.dates.example")[2:]
    others, mine = desk.record(OTHER), desk.record(LEARNER)
    desk.ask("www.dates.example", address=OTHER)  # remembered at the second time
    before = dict(others.memo)
    desk.service.swap(held(state, (LEARNER, "dates.example", TUESDAY_10 + 60)))
    assert desk.record(OTHER) is others and others.memo == before and query in before
    assert desk.record(LEARNER) is not mine
    assert desk.record(LEARNER).memo is not others.memo
    # Whatever else changes, everything is forgotten, as ever.
    desk.service.swap(snapshot(policy=WARNED, listed=LISTED))
    assert desk.record(OTHER) is not others


def test_a_client_without_passes_is_the_very_same() -> None:
    state = snapshot(policy=WARNED, listed=LISTED)
    more = held(state, (LEARNER, "dates.example", TUESDAY_10 + 60))
    for address in (OTHER, STAFF):
        octets = bytes(map(int, address.split(".")))
        assert more.policy.identify(octets) is state.policy.identify(octets)
        view = more.policy.view(more.policy.identify(octets), TUESDAY_10)
        assert view.find_passes is None


def test_the_name_of_the_block_page() -> None:
    settings = ResolutionSettings(
        pages=Pages(bytes([192, 0, 2, 80]), None), page_name=from_text("blocked.lychgate.internal")
    )
    rule = '[[rules]]\naction = "deny"\npattern = "*.lychgate.internal"\nreason = "no"\n'
    desk = Desk(snapshot(rule, settings=settings))
    found = desk.ask("Blocked.Lychgate.Internal")
    assert [str(record) for record in found.answer[0]] == ["192.0.2.80"]
    for qtype in ("AAAA", "HTTPS", "TXT"):
        assert desk.ask("blocked.lychgate.internal", qtype).rcode() == dns.rcode.NOERROR
        assert not desk.ask("blocked.lychgate.internal", qtype).answer
    assert desk.ask("other.lychgate.internal").rcode() == dns.rcode.NXDOMAIN
    assert not desk.upstream.asked
