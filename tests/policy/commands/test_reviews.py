"""Deciding requests: who may, what it makes in the same transaction, what whoever asked reads."""

from __future__ import annotations

from typing import Any

import pytest

from policy.commands.command import Actor, Knowledge
from policy.commands.requests import ANYBODY, AskForReview, digest_of
from policy.commands.reviews import DecideRequest
from policy.requests import ReviewRequest, Said, Share
from policy.store import requests as kept
from policy.types import Grant
from tests.policy.college import TUESDAY_10, instant
from tests.policy.commands.desks import (
    LEAD,
    LEADER,
    PARTNER,
    PAT,
    TUTOR,
    document,
    in_store,
    journal,
    perform,
    refusal,
    verdict,
)

NOON = instant("2026-03-03T12:00")
SOCIAL = Said("block", "social-media", "facebook.com", ("starter", "big-list"), "learners")


@pytest.fixture
def asked(url: str) -> AskForReview:
    """Somebody at Ellesmere Port asked for Facebook."""
    command = AskForReview("open", "facebook.com", "ellesmere-port", "My CV", SOCIAL)
    perform(url, command, actor=ANYBODY)
    return command


def answered(url: str, command: AskForReview) -> ReviewRequest:
    async def run(store: Any) -> ReviewRequest | None:
        async with store.reading() as connection:
            return await kept.by_digest(connection, digest_of(command.code))

    found = in_store(url, run)
    assert found is not None
    return found


def decide(verdict: str, reason: str = "It was listed wrongly.", **more: Any) -> DecideRequest:
    return DecideRequest(1, verdict, reason, **more)  # type: ignore[arg-type]


def count(url: str, key: str) -> int:
    return len(document(url).get(key, ()))


ALLOW = decide("allow", scope="venue:ellesmere-port", review="2026-09-01")
OPEN = decide("open", "CV workshop", scope="room:ellesmere-port/it-suite", until=NOON)


def test_an_administrator_allows_by_a_rule(url: str, asked: AskForReview) -> None:
    rules = count(url, "rules")
    done = perform(url, ALLOW, at=TUESDAY_10 + 600)
    assert done.sentences == (
        "Ellesmere Port: facebook.com is allowed, to be looked at again on 1 September 2026.",
        'Whoever asked reads: "It was listed wrongly."',
    )
    rule = document(url)["rules"][-1]
    assert count(url, "rules") == rules + 1
    assert (rule["pattern"], rule["author"], rule["review"]) == (
        "facebook.com",
        PAT.name,
        "2026-09-01",
    )
    request = answered(url, asked)
    assert (request.outcome, request.decided_by, request.seconds) == ("allowed", "pat", 600.0)
    assert request.answer == "It was listed wrongly." and request.made == f"rule:{rule['id']}"
    last = [(entry.action, entry.subject) for entry in journal(url)[-2:]]
    assert last == [("rule.add", f"rule:{rule['id']}"), ("request.decide", "request:1")]
    assert verdict(url).broken is None


def test_a_tutor_opens_within_the_hours_and_never_by_a_rule(url: str, asked: AskForReview) -> None:
    assert refusal(url, ALLOW, actor=TUTOR).permission
    long = decide("open", "CV", scope="room:ellesmere-port/it-suite", until=NOON + 30 * 86400)
    assert "allowed: up to" in refusal(url, long, actor=TUTOR).faults[0]
    done = perform(url, OPEN, actor=TUTOR)
    assert done.sentences[0].startswith("IT suite, Ellesmere Port: facebook.com opens until 12:00")
    assert document(url)["exceptions"][-1]["approver"] == TUTOR.name
    assert answered(url, asked).outcome == "opened"


def test_a_bundle_may_be_opened_in_place_of_the_site(url: str, asked: AskForReview) -> None:
    perform(url, decide("open", "CV", scope="venue:ellesmere-port", until=NOON, bundle="facebook"))
    assert document(url)["exceptions"][-1]["bundles"] == ["facebook"]
    assert "sites" not in document(url)["exceptions"][-1]


@pytest.mark.parametrize("actor", [PARTNER, LEAD, LEADER, ANYBODY, Actor("x", "X", "api")])
def test_others_may_not(url: str, asked: AskForReview, actor: Actor) -> None:
    refused = refusal(url, decide("keep"), actor=actor)
    assert refused.permission
    assert answered(url, asked).outcome is None
    assert journal(url)[-1].outcome == "refused"


def test_a_tutor_elsewhere_may_not_and_a_tutor_may_not_open_elsewhere(
    url: str, asked: AskForReview
) -> None:
    crewe = Actor("cy", "Cy", "portal", (Grant("tutor", frozenset({"crewe"})),))
    assert refusal(url, decide("keep"), actor=crewe).permission
    elsewhere = decide("open", "CV", scope="venue:crewe", until=NOON)
    assert refusal(url, elsewhere, actor=TUTOR).permission


def test_keeping_tells_why(url: str, asked: AskForReview) -> None:
    done = perform(url, decide("keep", "Social media is for breaks."), actor=TUTOR)
    assert done.sentences == (
        "facebook.com stays blocked: nothing changes.",
        'Whoever asked reads: "Social media is for breaks."',
    )
    request = answered(url, asked)
    assert (request.outcome, request.answer) == ("kept", "Social media is for breaks.")


def test_forwarding_lets_it_wait(url: str, asked: AskForReview) -> None:
    done = perform(url, decide("forward", "Please look"), actor=TUTOR)
    assert done.sentences == (
        "The request about facebook.com is passed on to administrators; it still waits.",
    )
    perform(url, decide("forward", "Told them", to="list:big-list"))
    request = answered(url, asked)
    assert (request.outcome, request.forwarded, request.note) == (
        None,
        "list:big-list",
        "Told them",
    )
    perform(url, decide("keep"))
    assert answered(url, asked).outcome == "kept"


def test_a_report_is_denied(url: str) -> None:
    command = AskForReview("close", "nasty.example", "ellesmere-port", said=Said("allow"))
    perform(url, command, actor=ANYBODY)
    assert "does not fit" in refusal(url, ALLOW).faults[0]
    deny = decide("deny", "Violent.", scope="organisation", review="2027-03-01")
    assert refusal(url, deny, actor=TUTOR).permission
    done = perform(url, deny)
    assert done.sentences[0].startswith("Everyone: nasty.example is denied")
    assert document(url)["rules"][-1]["action"] == "deny"
    assert answered(url, command).outcome == "denied"


def test_what_is_essential_is_not_denied_without_override(url: str) -> None:
    perform(url, AskForReview("close", "www.nhs.uk", "crewe"), actor=ANYBODY)
    deny = decide("deny", "x", scope="organisation", review="2027-03-01")
    knowledge = Knowledge(essential_matches=lambda pattern: [pattern.text])
    refused = refusal(url, deny, knowledge=knowledge)
    assert "closes what is essential" in refused.faults[0]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (decide("allow", ""), "reason: nothing is given"),
        (decide("allow", scope="organisation"), "review: nothing is given"),
        (decide("allow", review="2026-09-01"), "scope: nothing is given"),
        (decide("open", scope="organisation"), "until: nothing is given"),
        (decide("deny", scope="organisation", review="2026-09-01"), "verdict: "),
        (decide("explode"), "verdict: "),
        (decide("forward", to="list:"), "to: "),
        (decide("forward", to="mallory\u202e"), "to: "),
        (DecideRequest(99, "keep", "x"), "requests: there is none with number 99"),
    ],
)
def test_what_does_not_fit_is_refused(
    url: str, asked: AskForReview, command: DecideRequest, said: str
) -> None:
    assert any(said in fault for fault in refusal(url, command).faults)


def test_what_was_decided_stays_decided(url: str, asked: AskForReview) -> None:
    perform(url, decide("keep"))
    refused = refusal(url, ALLOW)
    assert "number 1 is over since 10:00 on 3 March 2026 (pat)" in refused.faults[0]
    late = AskForReview("open", "facebook.com", "ellesmere-port")
    perform(url, late, actor=ANYBODY)  # asked again: another request
    assert answered(url, late).number == 2


def test_no_answer_promises_what_stays_closed(url: str) -> None:
    said = Said("block", "gambling", "bet365.com", ("starter",), "learners")
    perform(url, AskForReview("open", "bet365.com", "ellesmere-port", said=said), actor=ANYBODY)
    assert refusal(url, OPEN, actor=TUTOR).faults == (
        "request.decide: verdict: Gambling cannot be exempted; "
        "allowed: allow (a rule), keep, forward",
    )
    locked = Knowledge(categories_of=lambda name: ["illegal-abuse"])
    from categoriser import taxonomy

    name = next(id for id, entry in taxonomy.load().items() if entry.locked)
    locked = Knowledge(categories_of=lambda _: [name])
    assert "is locked: nobody can open it" in refusal(url, ALLOW, knowledge=locked).faults[0]


def test_when_the_rule_cannot_be_made_nothing_is_decided(url: str, asked: AskForReview) -> None:
    bad = decide("allow", scope="venue:atlantis", review="2026-09-01")
    refusal(url, bad)
    assert answered(url, asked).outcome is None
    assert [entry.action for entry in journal(url)] == ["request.ask"]


def test_requests_of_no_venue_are_the_organisations(url: str) -> None:
    perform(url, AskForReview("open", "facebook.com", "unknown", said=SOCIAL), actor=ANYBODY)
    assert refusal(url, decide("keep"), actor=TUTOR).permission
    perform(url, decide("keep"))


def test_a_dry_run_decides_nothing(url: str, asked: AskForReview) -> None:
    done = perform(url, ALLOW, dry_run=True)
    assert done.sentences[0].startswith("Ellesmere Port: facebook.com is allowed")
    assert answered(url, asked).outcome is None
    assert [entry.action for entry in journal(url)] == ["request.ask"]


def test_figures_of_what_was_decided(url: str, asked: AskForReview) -> None:
    perform(
        url,
        AskForReview("open", "bet.example", "crewe", said=Said("block", "gambling", "x", ("a",))),
        AskForReview("close", "nasty.example", "crewe"),
        actor=ANYBODY,
    )
    perform(url, ALLOW, at=TUESDAY_10 + 100)
    perform(url, DecideRequest(2, "keep", "It is gambling."), at=TUESDAY_10 + 300)
    perform(
        url,
        DecideRequest(3, "deny", "x", scope="venue:crewe", review="2026-09-01"),
        at=TUESDAY_10 + 200,
    )

    async def run(store: Any) -> Any:
        async with store.reading() as connection:
            whole = await kept.resolved(connection, TUESDAY_10, TUESDAY_10 + 301)
            part = await kept.resolved(connection, TUESDAY_10, TUESDAY_10 + 200)
            return whole, part, await kept.queue(connection, TUESDAY_10 + 400)

    whole, part, waiting = in_store(url, run)
    assert waiting == []
    assert whole.outcomes == {
        ("open", "allowed"): 1,
        ("open", "kept"): 1,
        ("close", "denied"): 1,
    }
    assert whole.by_category == {"social-media": Share(1, 1), "gambling": Share(1, 0)}
    assert whole.by_source == {"starter": Share(1, 1), "big-list": Share(1, 1), "a": Share(1, 0)}
    assert whole.by_category["gambling"].ratio == 0.0 and Share(0, 0).ratio is None
    assert (whole.seconds, whole.seconds_median, whole.quantile(0.9)) == (
        (100.0, 200.0, 300.0),
        200.0,
        300.0,
    )
    assert part.outcomes == {("open", "allowed"): 1}
