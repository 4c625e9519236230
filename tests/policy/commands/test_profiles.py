"""Profiles: actions, periods, and sentences that say for whom what changes."""

from __future__ import annotations

from typing import Any

import pytest

from policy.commands.command import Command
from policy.commands.profiles import (
    AddPeriod,
    AddProfile,
    ChangeProfile,
    RemovePeriod,
    RemoveProfile,
    SetActions,
)
from policy.commands.venues import ChangeVenue
from tests.policy.commands.desks import PARTNER, document, perform, refusal

LEARNERS = "Adult learners at Ellesmere Port, at Crewe and on unknown networks"


def profile(url: str, id: str) -> dict[str, Any]:
    """The raw body of a profile."""
    body: dict[str, Any] = document(url)["profiles"][id]
    return body


def test_an_action_goes_from_one_to_another_for_those_who_have_the_profile(url: str) -> None:
    done = perform(url, SetActions("learners", {"streaming": "warn", "dating": None}))
    assert done.sentences == (
        f"{LEARNERS}: Dating goes from warn to block.",
        f"{LEARNERS}: Streaming goes from monitor to warn.",
    )
    assert profile(url, "learners")["actions"] == {"streaming": "warn"}


def test_what_stands_below_a_category_follows_it(url: str) -> None:
    done = perform(url, SetActions("young", {"circumvention": "warn"}))
    assert len(done.sentences) > 1
    assert all(s.startswith("Learners aged 16 to 18 in Youth club") for s in done.sentences)
    assert all(s.endswith(" goes from block to warn.") for s in done.sentences)


def test_an_action_that_is_the_default_changes_nothing_for_anybody(url: str) -> None:
    done = perform(url, SetActions("guests", {"social-media": "block"}))
    assert done.sentences == ("Nobody is filtered otherwise than before.",)
    assert done.audit_number == 1


def test_periods_that_say_otherwise_are_told(url: str) -> None:
    (said,) = perform(url, SetActions("learners", {"games": "monitor"})).sentences
    assert said == (
        f'{LEARNERS}: Games goes from block to monitor outside "lunch" and "Friday late opening".'
    )


def test_a_period_is_told_with_its_days_and_times(url: str) -> None:
    body = {
        "name": "club night",
        "days": ["mon", "thu"],
        "from": "18:00",
        "to": "01:00",
        "when": "term",
        "actions": {"streaming": "block", "shopping": "warn"},
    }
    done = perform(url, AddPeriod("guests", body))
    assert done.sentences == (
        'Guests at Partner library: "club night", Monday and Thursday from 18:00 to 01:00 (the '
        "day after) in term: Streaming goes from monitor to block and Shopping stays warn.",
    )
    assert profile(url, "guests")["periods"] == [body]
    gone = perform(url, RemovePeriod("guests", "club night"))
    assert gone.sentences[0].startswith('Guests at Partner library: no longer "club night", ')
    assert "periods" not in profile(url, "guests")


def test_days_in_a_row_are_told_as_a_stretch(url: str) -> None:
    (said,) = perform(url, RemovePeriod("learners", "lunch")).sentences
    assert said == (
        f'{LEARNERS}: no longer "lunch", Monday to Friday from 12:00 to 13:00: Social media goes '
        "from block to allow and Games goes from block to warn."
    )


def test_the_order_of_periods_is_told(url: str) -> None:
    periods = list(reversed(profile(url, "learners")["periods"]))
    (said,) = perform(url, ChangeProfile("learners", {"periods": periods})).sentences
    assert said.startswith(f"{LEARNERS}: periods stand in another order")


def test_everything_else_of_a_profile_is_told(url: str) -> None:
    changes = {
        "title": "Visitors",
        "safe_search": False,
        "youtube": "off",
        "answer": "zero",
    }
    assert perform(url, ChangeProfile("guests", changes)).sentences == (
        "The profile Guests is called Visitors.",
        "Visitors at Partner library: safe search is off.",
        "Visitors at Partner library: YouTube's restricted mode goes from moderate to off.",
        "Visitors at Partner library: a block is answered with zero (before: nxdomain).",
    )


def test_a_profile_comes_and_goes(url: str) -> None:
    added = perform(url, AddProfile("exam", {"title": "Exams", "actions": {"chat": "block"}}))
    assert added.sentences == (
        "The profile Exams is new; nobody has it until a place or device does.",
    )
    assert perform(url, RemoveProfile("exam")).sentences == (
        "The profile Exams is gone; nobody had it.",
    )
    assert "exam" not in document(url)["profiles"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (AddProfile("staff"), "profile.add: profiles.staff: it is there already"),
        (
            SetActions("staff", {"social": "allow"}),
            'profile.change: profiles.staff.actions.social: "social" is not a category',
        ),
        (
            SetActions("staff", {"illegal-abuse": "allow"}),
            "profile.change: profiles.staff.actions.illegal-abuse: the category is locked",
        ),
        (
            SetActions("staff", {"games": "allowed"}),
            'profile.change: profiles.staff.actions.games: "allowed" is not an allowed word; '
            "allowed: allow, monitor, warn, block",
        ),
        (
            AddPeriod("learners", {"name": "lunch"}),
            'profile.change: profiles.learners.periods: there is one named "lunch"',
        ),
        (
            AddPeriod("learners", {"name": "tea", "days": ["mon"], "from": "25:00", "to": "17:00"}),
            'profile.change: profiles.learners.periods[4].from: "25:00" is not a time of day',
        ),
        (
            RemovePeriod("learners", "lunsh"),
            'profile.change: profiles.learners.periods: "lunsh" is not a period; '
            'did you mean "lunch"?',
        ),
        (
            RemoveProfile("staff"),
            "profile.remove: profile:staff: it is used by device tutor-laptop; allowed: ",
        ),
        (
            RemoveProfile("learners"),
            "profile.remove: profile:learners: it is used by the organisation, as its default "
            "profile; allowed: ",
        ),
        (
            RemoveProfile("young"),
            "profile.remove: profile:young: it is used by room ellesmere-port/youth-club; ",
        ),
        (RemoveProfile("gests"), 'profile.remove: profiles: "gests" is not a profile'),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(
    url: str, command: Command, said: str
) -> None:
    faults = refusal(url, command).faults
    assert faults[0].startswith(said)


def test_profiles_are_not_for_partners(url: str) -> None:
    assert refusal(url, SetActions("guests", {"games": "allow"}), actor=PARTNER).permission
    assert perform(url, ChangeVenue("partner", {"profile": "staff"}), actor=PARTNER).sentences == (
        "Partner library: filtered as Staff (before: Guests).",
    )
