"""Rules: who may write them, how far they may reach, and what their author is told."""

from __future__ import annotations

import asyncio
import json
import tomllib
from typing import Any

import pytest

from categoriser.patterns import Pattern
from policy.commands.command import Actor, Done, Knowledge
from policy.commands.conflicts import Known, find_conflicts
from policy.commands.essentials import AddEssential
from policy.commands.rules import AddRules, ChangeRule, RemoveRule
from policy.document import Builder, PolicyFault
from policy.types import Grant, Rule
from tests.policy.college import COLLEGE, TAXONOMY, TUESDAY_10
from tests.policy.commands.desks import (
    LEAD,
    LEADER,
    PARTNER,
    PAT,
    TUTOR,
    document,
    journal,
    make_college,
    perform,
    refusal,
)

HOUR = 3600


def deny(pattern: str, scope: str = "organisation", **more: Any) -> dict[str, Any]:
    return {"action": "deny", "pattern": pattern, "scope": scope, **more}


def allow(pattern: str, scope: str = "organisation", **more: Any) -> dict[str, Any]:
    return {"action": "allow", "pattern": pattern, "scope": scope, **more}


def build(bodies: list[dict[str, Any]]) -> tuple[Rule, ...]:
    """The rules of bodies, read."""
    raw = {**tomllib.loads(COLLEGE), "rules": bodies}
    return Builder(TAXONOMY, "test").build(raw, "").rules


def add(url: str, *bodies: dict[str, Any], **more: Any) -> Done:
    return perform(url, AddRules(bodies, "because"), **more)


def rules(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(url).get("rules", [])
    return found


def test_a_rule_is_stored_as_it_was_understood_with_its_author(url: str) -> None:
    body = allow("WWW.Example.org", "venue:crewe", review="2027-09-01", expires="2026-03-04")
    done = add(url, body)
    (stored,) = rules(url)
    assert stored == {
        "id": stored["id"],
        "action": "allow",
        "pattern": "www.example.org",
        "scope": "venue:crewe",
        "reason": "because",
        "author": "Pat Admin",
        "review": "2027-09-01",
        "expires": "2026-03-04",
    }
    assert done.subject == f"rule:{stored['id']}"
    assert done.sentences == (
        "Crewe: www.example.org is allowed until 00:00 on 5 March 2026, "
        "to be looked at again on 1 September 2027.",
    )
    assert not done.warnings
    (entry,) = journal(url)
    assert (entry.action, json.loads(entry.after or "")) == ("rule.add", stored)


def test_a_rule_for_a_bundle_says_its_title(url: str) -> None:
    body = {"action": "allow", "bundle": "facebook", "scope": "room:ellesmere-port/it-suite"}
    (sentence,) = add(url, body).sentences
    assert sentence == (
        "IT suite, Ellesmere Port: Facebook and Messenger (bundle facebook) is allowed."
    )


def test_many_rules_are_one_decision_and_all_or_none(url: str) -> None:
    done = add(url, *(deny(f"a{n}.example") for n in range(30)))
    assert done.subject == "rules:1-30"
    assert len(rules(url)) == 30
    assert len(done.sentences) == 21 and done.sentences[-1] == "And 10 more rules."
    assert len(journal(url)) == 1
    command = AddRules([deny("fine.example"), deny("a b"), allow("co.uk")], "because")
    refused = refusal(url, command)
    assert [fault.partition(": ")[2].partition(":")[0] for fault in refused.faults] == [
        "rules[1].pattern",
        "rules[2].pattern",
    ]


def test_no_rule_and_too_many_are_refused(url: str) -> None:
    assert refusal(url, AddRules([], "because")).faults == (
        "rule.add: 0 rules are given; allowed: 1 to 5000",
    )
    refused = refusal(url, AddRules([deny("a.example")] * 5001, "because"))
    assert refused.faults == ("rule.add: 5001 rules are given; allowed: 1 to 5000",)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (deny("a.example", reason=" "), "rules[0].reason"),
        (deny("a.example", "venue:crew"), 'did you mean "crewe"?'),
        (deny("a.example", expires="2026-03-01"), "it is over already"),
        (deny("a.example", id=7), "allowed: no id"),
        (deny("a.example", reason="r" * 1001), "allowed: up to 1000"),
        (deny("~casino"), "keywords only suggest"),
        ({"pattern": "a.example"}, "action is required"),
    ],
)
def test_what_is_no_rule_is_refused_in_the_words_of_the_file(
    url: str, body: dict[str, Any], fault: str
) -> None:
    refused = refusal(url, AddRules([body], "because"))
    assert not refused.permission
    assert fault in " ".join(refused.faults)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (deny("*.win"), "*.win is everything below the public suffix win"),
        (deny("*.co.uk"), "everything below the public suffix co.uk"),
        (deny("*.co.*"), "everything below the public suffix co.uk"),
        (deny("*.com.*"), "everything below the public suffix com.au"),
        (allow("*.com"), "everything below the public suffix com"),
        ({"action": "deny", "address": "10.0.0.0/8"}, "10.0.0.0/8 is very wide"),
    ],
)
def test_what_reaches_too_far_needs_an_override_that_is_recorded(
    url: str, body: dict[str, Any], fault: str
) -> None:
    assert fault in refusal(url, AddRules([body], "because")).faults[0]
    perform(url, AddRules([body], "because", override=True))
    entry = json.loads(journal(url)[0].after or "")
    assert fault in entry["overridden"][0]
    assert "overridden" not in rules(url)[0]


def test_a_deny_of_an_essential_needs_an_override(url: str) -> None:
    def closes(pattern: Pattern) -> list[str]:
        return ["indeed.com"] if pattern.text == "indeed.com" else []

    knowledge = Knowledge(essential_matches=closes)
    refused = refusal(url, AddRules([deny("indeed.com")], "because"), knowledge=knowledge)
    assert refused.faults == (
        "rule.add: rules[0]: indeed.com closes what is essential: indeed.com; "
        "allowed: a narrower rule, or this one with override and the reason for it",
    )
    add(url, deny("bet.example"), allow("indeed.com"), knowledge=knowledge)
    perform(url, AddRules([deny("indeed.com")], "because", override=True), knowledge=knowledge)


@pytest.mark.parametrize("pattern", ["portal.example", "example", "*.example", "a.portal.example"])
def test_own_essentials_count_too(url: str, pattern: str) -> None:
    perform(url, AddEssential("portal.example", "our portal"))
    assert refusal(url, AddRules([deny(pattern)], "because")).faults


def test_tutors_and_leaders_write_no_rules(url: str) -> None:
    for actor in (TUTOR, LEADER):
        body = allow("a.example", "venue:ellesmere-port")
        assert refusal(url, AddRules([body], "because"), actor=actor).permission
        assert journal(url)[-1].outcome == "refused"


def test_a_partner_decides_for_its_own_venue_only(url: str) -> None:
    add(url, deny("a.example", "venue:partner"), actor=PARTNER)
    for scope in ("organisation", "venue:crewe", "profile:guests", "device:tutor-laptop"):
        command = AddRules([deny("a.example", "venue:partner"), deny("a.example", scope)], "why")
        assert refusal(url, command, actor=PARTNER).permission, scope


@pytest.mark.parametrize("scope", [" organisation", "venue:crewe ", "\tprofile:guests"])
def test_blanks_around_a_scope_open_no_door(url: str, scope: str) -> None:
    command = AddRules([deny("a.example", scope)], "because")
    assert refusal(url, command, actor=PARTNER).permission
    add(url, {**allow("a.example", scope), "pattern": " A.example "})
    assert rules(url)[0]["scope"] == scope.strip()
    assert rules(url)[0]["pattern"] == "a.example"
    add(url, {"action": "allow", "bundle": " zoom "})
    assert rules(url)[1]["bundle"] == "zoom"


def test_who_may_do_the_like_is_told_of_places_that_are_not_there(url: str) -> None:
    command = AddRules([deny("a.example", "venue:partne")], "because")
    refused = refusal(url, command, actor=PARTNER)
    assert not refused.permission and "did you mean" in refused.faults[0]
    assert refusal(url, command, actor=TUTOR).permission


def test_a_safeguarding_lead_denies_and_does_not_allow(url: str) -> None:
    add(url, deny("a.example"), actor=LEAD)
    assert refusal(url, AddRules([allow("b.example")], "because"), actor=LEAD).permission
    mixed = AddRules([deny("b.example"), allow("b.example")], "because")
    assert refusal(url, mixed, actor=LEAD).permission
    assert refusal(url, ChangeRule(1, {"action": "allow"}), actor=LEAD).permission


def test_conflicts_are_told(url: str) -> None:
    add(
        url,
        deny("shop.example"),
        deny("a.shop.example"),
        deny("shop.example", "venue:crewe"),
        deny("shop.example", "venue:partner"),
        deny("shop.example", expires="2026-03-03T11:00:00"),
    )
    everywhere = add(url, allow("shop.example"), at=TUESDAY_10 + 2 * HOUR)
    assert everywhere.warnings == (
        "shop.example: rule 1 (deny shop.example for everyone) says the opposite; "
        "a deny wins, so that one counts.",
        "shop.example: rule 2 (deny a.shop.example for everyone) is more specific and goes "
        "before this one there.",
        "shop.example: rule 3 (deny shop.example at Crewe) is more specific and goes before "
        "this one there.",
        "shop.example: rule 4 (deny shop.example at Partner library) is more specific and goes "
        "before this one there.",
    )
    crewe = add(url, allow("www.shop.example", "venue:crewe"))
    assert not crewe.warnings, "it is more specific than all of them"
    again = add(url, deny("shop.example", "venue:crewe"))
    assert again.warnings == (
        "shop.example: rule 3 (deny shop.example at Crewe) says the same already.",
        "shop.example: rule 7 (allow www.shop.example at Crewe) is more specific and goes before "
        "this one there.",
    )


def test_a_rule_against_a_site_of_an_allowed_bundle_is_a_conflict(url: str) -> None:
    add(url, {"action": "allow", "bundle": "facebook", "scope": "venue:crewe"})
    (warning,) = add(url, deny("fbcdn.net")).warnings
    assert "rule 1 (allow bundle facebook at Crewe) is more specific" in warning


def test_an_allow_of_what_is_locked_is_accepted_and_cannot_work(url: str) -> None:
    knowledge = Knowledge(categories_of=lambda name: ["illegal-abuse"])
    (warning,) = add(url, allow("a.example"), knowledge=knowledge).warnings
    assert warning.startswith("a.example stays blocked: Illegal")


def test_a_change_keeps_what_is_not_mentioned(url: str) -> None:
    add(url, deny("bet.example", review="2027-01-01"))
    done = perform(url, ChangeRule(1, {"scope": "venue:crewe", "review": None}, "only there"))
    assert done.sentences == (
        "Rule 1 changes. Crewe: bet.example is denied. (Before: Everyone: bet.example is denied, "
        "to be looked at again on 1 January 2027.)",
    )
    (stored,) = rules(url)
    assert stored["scope"] == "venue:crewe" and "review" not in stored
    assert stored["author"] == "Pat Admin"


def test_a_change_to_what_it_is_already_is_none(url: str) -> None:
    add(url, deny("bet.example"))
    done = perform(url, ChangeRule(1, {"pattern": "Bet.example"}))
    assert done.audit_number is None
    assert done.sentences == ("Nothing changes: it is so already.",)


def test_an_override_is_asked_for_again_only_when_the_reach_changes(url: str) -> None:
    perform(url, AddRules([deny("*.win", "venue:crewe")], "scams", override=True))
    perform(url, ChangeRule(1, {"review": "2027-01-01"}))
    assert refusal(url, ChangeRule(1, {"scope": "organisation"})).faults
    unsaid = refusal(url, ChangeRule(1, {"scope": "organisation"}, " ", override=True))
    assert "nothing is given for the override" in unsaid.faults[0]
    done = perform(url, ChangeRule(1, {"scope": "organisation"}, "everywhere", override=True))
    assert done.after["overridden"]


def test_a_change_moves_no_rule_out_of_or_into_somebody_elses_venue(url: str) -> None:
    add(url, deny("a.example", "venue:crewe"), deny("a.example", "venue:partner"))
    assert refusal(url, ChangeRule(1, {"scope": "venue:partner"}), actor=PARTNER).permission
    assert refusal(url, ChangeRule(2, {"scope": "venue:crewe"}), actor=PARTNER).permission
    perform(url, ChangeRule(2, {"pattern": "b.example"}), actor=PARTNER)
    assert [rule["author"] for rule in rules(url)] == ["Pat Admin", "Lee Partner"]
    assert journal(url)[-2].outcome == "refused"
    assert journal(url)[-2].actor == "lee"


def test_a_rule_is_removed_and_the_log_keeps_it(url: str) -> None:
    add(url, deny("bet.example", "profile:staff"))
    assert refusal(url, RemoveRule(1), actor=PARTNER).permission
    done = perform(url, RemoveRule(1, "no longer needed"))
    assert done.sentences == (
        "Staff: rule 1 no longer denies bet.example; other rules, lists and the profile decide.",
    )
    assert not rules(url)
    assert json.loads(journal(url)[-1].before or "")["pattern"] == "bet.example"


def test_a_number_that_is_not_there_is_told(url: str) -> None:
    for command in (RemoveRule(7), ChangeRule(7, {"reason": "x"})):
        assert "there is none with number 7" in refusal(url, command).faults[0]
        assert refusal(url, command, actor=TUTOR).permission


def test_a_dry_run_writes_nothing(url: str) -> None:
    done = add(url, deny("a.example"), dry_run=True)
    assert done.audit_number is None and done.sentences
    assert not rules(url) and not journal(url)


def test_it_is_the_same_on_both_databases(store_url: str) -> None:
    asyncio.run(make_college(store_url))
    add(store_url, deny("shop.example"), deny("old.example", expires="2026-03-03T10:30:00"))
    done = add(
        store_url, allow("shop.example", "venue:crewe"), allow("old.example"), at=TUESDAY_10 + HOUR
    )
    assert done.subject == "rules:3-4" and not done.warnings
    (warning,) = add(store_url, allow("shop.example")).warnings
    assert "rule 1 (deny shop.example for everyone) says the opposite" in warning
    perform(store_url, ChangeRule(1, {"scope": "venue:partner"}), RemoveRule(2), actor=PAT)
    assert [rule["id"] for rule in rules(store_url)] == [1, 3, 4, 5]
    assert refusal(store_url, RemoveRule(3), actor=PARTNER).permission


def test_a_tutor_with_a_second_role_may_do_what_either_permits(url: str) -> None:
    both = Actor(
        "kim",
        "Kim Both",
        "api",
        (
            Grant("tutor", frozenset({"crewe"})),
            Grant("partner-administrator", frozenset({"partner"})),
        ),
    )
    add(url, deny("a.example", "venue:partner"), actor=both)
    assert refusal(url, AddRules([deny("a.example", "venue:crewe")], "x"), actor=both).permission
    perform(url, RemoveRule(1), actor=both)


def test_looking_for_conflicts_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.commands.conflicts._PAIRS_MAX", 10)
    rules = build(
        [deny("a.example", f"venue:{venue}", reason="x") for venue in ("crewe", "partner")]
    )
    known = [Known(n, "deny", "a.example", None, "venue:ellesmere-port") for n in range(5)]
    opposite = Known(9, "allow", "a.example", None, "venue:crewe")
    assert [each.kind for each in find_conflicts(rules, [*known[:4], opposite])] == ["opposite"]
    assert not list(find_conflicts(rules, [*known, opposite]))


def test_hundreds_of_unknown_words_are_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[str] = []
    monkeypatch.setattr(
        "policy.reading.difflib.get_close_matches", lambda word, *_, **__: sought.append(word) or []
    )
    with pytest.raises(PolicyFault) as fault:
        build([deny("a.example", f"device:d{n}", reason="x") for n in range(300)])
    assert len(fault.value.faults) == 300
    assert len(sought) == 50
