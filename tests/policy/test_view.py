"""What a view says of itself: whom it is for, and until when."""

from __future__ import annotations

import math

from policy.view import View, scopes_of

from .college import TUESDAY_10, exception, instant, packed, policy, rule


def view(who: str, more: str = "", at: float = TUESDAY_10) -> View:
    """Somebody's view of the college's policy."""
    college = policy(more)
    return college.view(college.identify(packed(who)), at)


LEARNER, GUEST, IT_SUITE = "10.20.1.5", "203.0.113.7", "10.20.3.40"


def test_nothing_to_wait_for() -> None:
    """Without periods, exceptions and expiring rules a view stands for ever."""
    guest = view(GUEST, rule("deny example.com for organisation"))
    assert guest.valid_until == math.inf
    assert guest.volatile == frozenset()


def test_the_next_edge_of_the_timetable() -> None:
    """Lunch ends the view; the categories that will change are named, each with its own time."""
    learner = view(LEARNER)
    assert learner.valid_until == instant("2026-03-03 12:00")
    assert learner.volatile == {"social-media", "games", "chat"}
    assert learner.changes["chat"] == instant("2026-03-08 00:30")
    assert learner.actions["social-media"] == "block"
    lunch = view(LEARNER, at=instant("2026-03-03 12:00"))
    assert lunch.actions["social-media"] == "allow"
    assert lunch.origins["social-media"].name == "lunch"


def test_an_expiring_rule_ends_it_for_those_it_is_for() -> None:
    """A rule of one venue is no reason for another venue to look again."""
    more = rule("deny example.com for venue:crewe until 2026-03-03 10:30")
    assert view("10.30.0.1", more).valid_until == instant("2026-03-03 10:30")
    assert view(LEARNER, more).valid_until == instant("2026-03-03 12:00")
    assert view("10.30.0.1", more, instant("2026-03-03 10:30")).valid_until == instant(
        "2026-03-03 12:00"
    )


def test_an_exception_ends_it_at_its_start_and_at_its_end() -> None:
    """Running and coming exceptions count, ended ones do not; sites as well as categories."""
    where = "room:ellesmere-port/it-suite"
    for what in ("social-media", "facebook.com"):
        more = exception(f"{what} in {where} from 2026-03-03 10:15 to 2026-03-03 10:45")
        ends = [
            view(IT_SUITE, more, instant(f"2026-03-03 {at}")).valid_until
            for at in ("10:00", "10:15", "10:45")
        ]
        assert ends == [instant(f"2026-03-03 {at}") for at in ("10:15", "10:45", "12:00")]
        assert view(LEARNER, more).valid_until == instant("2026-03-03 12:00")


def test_scopes() -> None:
    """Device above room above venue above profile above organisation."""
    client = policy().identify(packed("10.20.3.7"))
    scopes = scopes_of(client)
    assert sorted(scopes, key=lambda scope: -scopes[scope]) == [
        "device:tutor-laptop",
        "room:ellesmere-port/it-suite",
        "venue:ellesmere-port",
        "profile:staff",
        "organisation",
    ]


def test_the_unmatched_decision() -> None:
    """Made once: allow, or for a withdrawn device block."""
    assert view(LEARNER).unmatched.action == "allow"
    loan = view("10.20.3.12").unmatched
    assert (loan.action, loan.reason, loan.valid_until) == ("block", "withdrawn", math.inf)
