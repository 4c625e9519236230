"""Exceptions: who may open what, where and for how long; ending them; what people are told."""

from __future__ import annotations

import asyncio
import tomllib
from typing import Any

import pytest

from policy.commands.bundles import AddBundle, RemoveBundle
from policy.commands.command import Actor, Done, Knowledge
from policy.commands.devices import WithdrawDevice
from policy.commands.documents import ImportDocument
from policy.commands.exceptions import (
    EXCEPTIONS_ACTIVE_MAX,
    ChangeException,
    EndException,
    GrantException,
)
from policy.commands.rules import AddRules
from policy.document import Builder
from policy.store import Store
from policy.types import Grant
from tests.policy.college import COLLEGE, TAXONOMY, TUESDAY_10, ask, instant, packed
from tests.policy.commands.desks import (
    LEAD,
    LEADER,
    PARTNER,
    PAT,
    TUTOR,
    document,
    in_store,
    journal,
    make_college,
    open_desk,
    perform,
    refusal,
)

IT_SUITE = "room:ellesmere-port/it-suite"
NOON = instant("2026-03-03T12:00")
HOUR = 3600


def grant(where: str = IT_SUITE, until: float = NOON, **what: Any) -> GrantException:
    what = what or {"bundles": ["facebook"]}
    return GrantException(where, "Workshop: a profile online", until, **what)


def exceptions(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(url).get("exceptions", [])
    return found


def action(url: str, at: float, name: str = "fbcdn.net", address: str = "10.20.3.40") -> str:
    """What happens to a name of social media, by the policy in the store."""
    policy = Builder(TAXONOMY, "store").build(document(url), "")
    return ask(policy, policy.identify(packed(address)), at, name, "social-media").action


def test_a_tutor_opens_facebook_for_the_it_suite_until_noon(url: str) -> None:
    done = perform(url, grant(), actor=TUTOR)
    assert done.sentences == (
        "IT suite, Ellesmere Port: Facebook and Messenger opens until 12:00 on 3 March 2026.",
    )
    assert not done.warnings
    assert exceptions(url) == [
        {
            "id": 1,
            "bundles": ["facebook"],
            "where": IT_SUITE,
            "purpose": "Workshop: a profile online",
            "approver": "Sam Tutor",
            "from": "2026-03-03T10:00:00+00:00",
            "until": "2026-03-03T12:00:00+00:00",
        }
    ]
    (entry,) = journal(url)
    assert (entry.action, entry.subject, entry.reason) == (
        "exception.grant",
        "exception:1",
        "Workshop: a profile online",
    )
    assert action(url, TUESDAY_10) == action(url, NOON - 1) == "allow"
    assert action(url, TUESDAY_10, address="10.20.1.5") == "block"


def test_it_ends_by_itself(url: str) -> None:
    until = instant("2026-03-03T11:00")
    perform(url, grant(until=until), actor=TUTOR)
    assert action(url, until - 1) == "allow"
    assert action(url, until) == "block"


def test_a_later_beginning_is_said(url: str) -> None:
    start, until = instant("2026-03-10T09:30"), instant("2026-03-10T12:00")
    what = {"sites": ["eBay.co.uk"], "categories": ["games"], "start": start}
    done = perform(url, grant("venue:ellesmere-port", until, **what), actor=TUTOR)
    assert done.sentences == (
        "Ellesmere Port: ebay.co.uk and Games open from 09:30 until 12:00 on 10 March 2026.",
    )
    assert exceptions(url)[0]["sites"] == ["ebay.co.uk"]


def test_summer_time_is_the_organisations(url: str) -> None:
    start, until = instant("2026-03-28T22:00"), instant("2026-03-29T03:30")
    done = perform(url, grant(until=until, sites=["a.example"], start=start), actor=TUTOR)
    assert done.after["until"] == "2026-03-29T03:30:00+01:00"
    assert done.sentences[0].endswith(
        "opens from 22:00 on 28 March 2026 until 03:30 on 29 March 2026."
    )


@pytest.mark.parametrize("where", ["organisation", "venue:crewe", "venue:partner"])
def test_a_tutor_opens_nothing_elsewhere(url: str, where: str) -> None:
    assert refusal(url, grant(where), actor=TUTOR).permission
    assert journal(url)[-1].outcome == "refused"


def test_a_place_that_is_not_there_is_told(url: str) -> None:
    refused = refusal(url, grant("room:ellesmere-port/it-suit"), actor=TUTOR)
    assert not refused.permission
    assert 'did you mean "ellesmere-port/it-suite"?' in refused.faults[0]


@pytest.mark.parametrize("where", [" organisation ", "venue:crewe\n", " room:crewe/it-suite"])
def test_blanks_around_a_place_open_no_door(url: str, where: str) -> None:
    refusal(url, grant(where), actor=TUTOR)
    perform(url, grant(f" {IT_SUITE} ", bundles=[" facebook "]), actor=TUTOR)
    assert (exceptions(url)[0]["where"], exceptions(url)[0]["bundles"]) == (IT_SUITE, ["facebook"])


def test_only_some_roles_open_anything(url: str) -> None:
    for actor in (LEAD, LEADER, Actor("x", "Nobody", "api")):
        assert refusal(url, grant(), actor=actor).permission
    perform(url, grant("organisation"), actor=PAT)
    perform(url, grant("venue:partner"), actor=PARTNER)


def test_a_device_counts_for_the_venue_it_is_in(url: str) -> None:
    perform(url, grant("device:tutor-laptop"), actor=TUTOR)
    assert refusal(url, grant("device:tutor-laptop"), actor=PARTNER).permission


@pytest.mark.parametrize("category", ["gambling", "adult", "illegal-abuse", "essential"])
def test_what_is_not_exemptible_is_not_opened_by_anybody(url: str, category: str) -> None:
    for actor in (TUTOR, PAT):
        refused = refusal(url, grant(categories=[category]), actor=actor)
        assert not refused.permission
        assert f'"{category}" cannot be exempted; allowed: ' in refused.faults[0]


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ({"sites": ["*.bet"]}, "is a wildcard"),
        ({"sites": ["co.uk"]}, "is a public suffix"),
        ({"bundles": ["facebok"]}, 'did you mean "facebook"?'),
        ({"sites": [f"a{n}.example" for n in range(101)]}, "allowed: up to 100"),
        ({"sites": []}, "nothing to open"),
    ],
)
def test_what_cannot_be_opened_is_told(url: str, what: dict[str, Any], fault: str) -> None:
    assert fault in refusal(url, grant(**what), actor=TUTOR).faults[0]


def test_a_purpose_is_needed(url: str) -> None:
    refused = refusal(url, GrantException(IT_SUITE, " ", NOON, ["a.example"]), actor=TUTOR)
    assert "purpose" in refused.faults[0]


@pytest.mark.parametrize(
    ("times", "faults"),
    [
        (
            {"until": TUESDAY_10},
            ["until: 10:00 on 3 March 2026 is not later than now; allowed: after 10:00 on 3 March"],
        ),
        (
            {"until": NOON, "start": TUESDAY_10 - HOUR},
            ["from: 09:00 on 3 March 2026 is past; allowed: from now, 10:00 on 3 March 2026, on"],
        ),
        (
            {"until": NOON + 24 * HOUR, "start": NOON + 25 * HOUR},
            ["until: 12:00 on 4 March 2026 is not later than it begins"],
        ),
        (
            {"until": TUESDAY_10 + 13 * HOUR},
            [
                "until: 23:00 on 3 March 2026 is 13 hours after 10:00 on 3 March 2026; "
                "allowed: up to 12 hours there, until 22:00 on 3 March 2026"
            ],
        ),
        (
            {"start": TUESDAY_10 + 367 * 24 * HOUR, "until": TUESDAY_10 + 367 * 24 * HOUR + HOUR},
            ["is far ahead; allowed: up to 366 days ahead"],
        ),
        ({"until": float("inf")}, ["beyond every calendar"]),
        ({"until": float("nan")}, ["beyond every calendar"]),
        ({"until": NOON, "start": 1e300}, ["beyond every calendar"]),
    ],
)
def test_times_are_bounded(url: str, times: dict[str, float], faults: list[str]) -> None:
    command = GrantException(IT_SUITE, "a lesson", sites=["a.example"], **times)  # type: ignore[arg-type]
    refused = refusal(url, command, actor=TUTOR)
    assert len(refused.faults) == len(faults)
    for found, expected in zip(refused.faults, faults, strict=True):
        assert expected in found


def test_a_beginning_a_moment_ago_is_now(url: str) -> None:
    perform(url, grant(sites=["a.example"], start=TUESDAY_10 - 59), actor=TUTOR)
    assert exceptions(url)[0]["from"] == "2026-03-03T10:00:00+00:00"


def test_the_best_role_there_sets_the_maximum(url: str) -> None:
    long = grant("venue:partner", TUESDAY_10 + 24 * 30 * HOUR)
    perform(url, long, actor=PARTNER)
    both = Actor(
        "kim",
        "Kim",
        "api",
        (
            Grant("tutor", frozenset({"crewe"})),
            Grant("partner-administrator", frozenset({"partner"})),
        ),
    )
    perform(url, long, actor=both)
    refused = refusal(url, grant("venue:crewe", TUESDAY_10 + 24 * HOUR), actor=both)
    assert "up to 12 hours there" in refused.faults[0]


def test_one_too_many_is_refused(url: str) -> None:
    body = {"sites": ["a.example"], "purpose": "p", "approver": "a", "until": "2026-03-04"}

    async def fill(store: Store) -> None:
        async with store.writing() as writing:
            bodies = [(None, {**body, "where": IT_SUITE}) for _ in range(EXCEPTIONS_ACTIVE_MAX)]
            await writing.put_many("exceptions", bodies)

    in_store(url, fill)
    refused = refusal(url, grant("venue:ellesmere-port"), actor=TUTOR)
    assert "100 exceptions have not ended there; allowed: 100" in refused.faults[0]
    perform(url, grant("venue:crewe"))
    perform(url, EndException(1), grant("venue:ellesmere-port"), actor=TUTOR)


def test_a_site_that_is_also_something_grave_stays_closed(url: str) -> None:
    knowledge = Knowledge(
        categories_of=lambda name: ["social-media", "gambling"] if name == "fb.com" else []
    )
    done = perform(url, grant(), actor=TUTOR, knowledge=knowledge)
    assert done.warnings == ("fb.com stays closed: Gambling cannot be exempted.",)


def test_rules_that_go_before_are_told(url: str) -> None:
    deny = {"action": "deny", "pattern": "fbcdn.net", "scope": "profile:learners"}
    over = {**deny, "pattern": "fb.com", "expires": "2026-03-03T11:00:00"}
    away = {**deny, "pattern": "fb.com", "scope": "venue:crewe"}
    perform(url, AddRules([deny, over, away], "no"))
    done = perform(url, grant(until=NOON + HOUR), actor=TUTOR, at=NOON)
    assert done.warnings == (
        "Rule 1 (deny fbcdn.net for Adult learners) goes before every exception there.",
    )


def test_a_second_one_for_the_same_and_a_withdrawn_device_are_told(url: str) -> None:
    perform(url, grant(), actor=TUTOR)
    assert perform(url, grant(until=NOON + 60), actor=TUTOR).warnings == (
        "Exception 1 opens the same there until 12:00 on 3 March 2026.",
    )
    perform(url, WithdrawDevice("tutor-laptop", "lost"))
    assert perform(url, grant("device:tutor-laptop"), actor=TUTOR).warnings == (
        "Access is withdrawn from Tutor's laptop: nothing but essentials opens there.",
    )


def test_an_exception_is_ended_and_kept(url: str) -> None:
    perform(url, grant(), actor=TUTOR)
    later = TUESDAY_10 + HOUR
    assert refusal(url, EndException(1), actor=PARTNER, at=later).permission
    done = perform(url, EndException(1, "the workshop is over"), actor=TUTOR, at=later)
    assert done.sentences == (
        "IT suite, Ellesmere Port: Facebook and Messenger closes now, "
        "not at 12:00 on 3 March 2026.",
    )
    assert exceptions(url)[0]["revoked"] == "2026-03-03T11:00:00+00:00"
    assert action(url, later - 1) == "allow"
    assert action(url, later) == "block"
    refused = refusal(url, EndException(1), actor=TUTOR, at=later)
    assert "number 1 ended at 11:00 on 3 March 2026" in refused.faults[0]
    assert refusal(url, ChangeException(1, NOON), actor=TUTOR, at=later).faults


def test_one_that_has_not_begun_is_taken_back(url: str) -> None:
    start = TUESDAY_10 + HOUR
    perform(url, grant(categories=["games", "chat"], start=start), actor=TUTOR)
    done = perform(url, EndException(1), actor=TUTOR)
    assert done.sentences == (
        "IT suite, Ellesmere Port: Chat and messaging and Games do not open from 11:00 "
        "until 12:00 on 3 March 2026.",
    )
    assert refusal(url, EndException(1), actor=TUTOR, at=start).faults


def test_an_exception_ends_earlier_or_later(url: str) -> None:
    perform(url, grant(), actor=PAT)
    at = TUESDAY_10 + HOUR
    earlier = perform(url, ChangeException(1, NOON - 600), actor=TUTOR, at=at)
    assert earlier.sentences == (
        "IT suite, Ellesmere Port: Facebook and Messenger stays open until "
        "11:50 on 3 March 2026, not 12:00 on 3 March 2026.",
    )
    assert exceptions(url)[0]["approver"] == "Pat Admin"
    perform(url, ChangeException(1, at + 12 * HOUR), actor=TUTOR, at=at)
    assert exceptions(url)[0]["approver"] == "Sam Tutor", "who lengthens it answers for it"
    refused = refusal(url, ChangeException(1, at + 13 * HOUR), actor=TUTOR, at=at)
    assert "allowed: up to 12 hours there, until 23:00 on 3 March 2026" in refused.faults[0]
    assert refusal(url, ChangeException(1, at), actor=TUTOR, at=at).faults
    same = perform(url, ChangeException(1, at + 12 * HOUR), actor=TUTOR, at=at)
    assert same.audit_number is None


def test_a_long_one_may_be_shortened_by_who_could_not_grant_it(url: str) -> None:
    perform(url, grant(until=TUESDAY_10 + 48 * HOUR))
    perform(url, ChangeException(1, TUESDAY_10 + 30 * HOUR), actor=TUTOR)


def test_it_is_the_same_on_both_databases(store_url: str) -> None:
    asyncio.run(make_college(store_url))
    body = {"title": "Ours", "sites": ["portal.example"]}
    perform(store_url, AddBundle("our-portal", body))
    deny = {"action": "deny", "pattern": "portal.example", "scope": "venue:crewe"}
    perform(store_url, AddRules([deny], "no"))
    done = perform(store_url, grant("venue:crewe", bundles=["our-portal"]))
    assert done.warnings == (
        "Rule 1 (deny portal.example at Crewe) goes before every exception there.",
    )
    assert "exception 1" in refusal(store_url, RemoveBundle("our-portal")).faults[0]
    perform(store_url, EndException(1), RemoveBundle("our-portal"))
    assert not exceptions(store_url)


def test_two_tutors_at_once_both_get_theirs(url: str) -> None:
    async def both() -> list[Done]:
        async with open_desk(url) as one, open_desk(url) as other:
            return await asyncio.gather(
                one.perform(TUTOR, grant(), at=TUESDAY_10),
                other.perform(PAT, grant("venue:crewe"), at=TUESDAY_10),
            )

    assert sorted(done.subject for done in asyncio.run(both())) == ["exception:1", "exception:2"]


IMPORTED = """
[[exceptions]]
sites = ["facebook.com"]
where = "venue:crewe"
purpose = "a lesson"
approver = "Jo"
until = 2026-03-03T11:00:00
revoked = 2026-03-03T10:30:00
"""


def test_a_new_end_takes_the_place_of_one_that_was_noted_for_later(url: str) -> None:
    perform(url, ImportDocument(tomllib.loads(COLLEGE + IMPORTED)))
    done = perform(url, ChangeException(1, NOON - 60))
    assert done.sentences == (
        "Crewe: facebook.com stays open until 11:59 on 3 March 2026, not 10:30 on 3 March 2026.",
    )
    assert action(url, NOON - 61, "facebook.com", "10.30.0.9") == "allow"
    assert action(url, NOON - 60, "facebook.com", "10.30.0.9") == "block"


def test_what_is_over_takes_nobodys_place(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.commands.exceptions.EXCEPTIONS_ACTIVE_MAX", 2)
    perform(url, grant(until=TUESDAY_10 + 60), EndException(1), grant(until=TUESDAY_10 + 60))
    perform(url, grant(), grant(), at=TUESDAY_10 + 60)
    assert refusal(url, grant(), at=TUESDAY_10 + 60).faults
