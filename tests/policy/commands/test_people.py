"""People: who may appoint whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policy.commands.command import Actor
from policy.commands.people import AddPerson, ChangePerson, RemovePerson
from policy.commands.venues import ChangeVenue, RemoveVenue
from policy.types import Grant
from tests.policy.commands.desks import PARTNER, TUTOR, document, journal, perform, refusal


def body(role: str, *venues: str, **more: str) -> dict[str, Any]:
    """A person with one role."""
    grant: dict[str, Any] = {"role": role}
    return {
        "name": "Jo Okafor",
        **more,
        "roles": [{**grant, "venues": [*venues]} if venues else grant],
    }


TUTOR_THERE = body("tutor", "partner", email="jo@college.example")


def test_a_person_is_added_changed_and_removed(url: str) -> None:
    assert perform(url, AddPerson("jo", TUTOR_THERE)).sentences == (
        "Jo Okafor is known as jo, tutor at Partner library.",
    )
    assert document(url)["people"] == {"jo": TUTOR_THERE}
    roles = [{"role": "tutor", "venues": ["crewe", "partner"]}, {"role": "leadership"}]
    changes = {"name": "Jo Smith", "email": None, "roles": roles}
    assert perform(url, ChangePerson("jo", changes)).sentences == (
        "Jo Okafor is called Jo Smith.",
        "Jo Smith: the e-mail address is taken away.",
        "Jo Smith is now leadership everywhere and tutor at Crewe and Partner library.",
        "Jo Smith is no longer tutor at Partner library.",
    )
    assert perform(url, RemovePerson("jo")).sentences == (
        "Jo Smith (jo) is removed, and no longer leadership everywhere and tutor at Crewe and "
        "Partner library.",
    )
    assert "people" not in document(url)
    assert [entry.subject for entry in journal(url)] == ["person:jo"] * 3
    assert json.loads(journal(url)[0].after or "") == TUTOR_THERE


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Jo", "roles": [{"role": "tutr"}]}, 'people.jo.roles[0].role: "tutr" is not'),
        (body("tutor", "crew"), 'people.jo.roles[0].venues[0]: "crew" is not a venue; did you'),
        ({"roles": []}, "people.jo.name: nothing is given; name is required"),
        ({"name": "Jo", "password": "x"}, 'people.jo.password: "password" is not a known key'),
        ({"name": "Jo", "roles": "tutor"}, 'people.jo.roles: "tutor" is not a list'),
        ({"name": "Jo", "roles": [7]}, "people.jo.roles[0]: 7 is not a table"),
    ],
)
def test_a_refusal_says_what_is_wrong(url: str, given: dict[str, Any], said: str) -> None:
    assert refusal(url, AddPerson("jo", given)).faults[0].startswith(f"person.add: {said}")


def test_an_id_is_of_one_person(url: str) -> None:
    perform(url, AddPerson("jo", TUTOR_THERE))
    assert "it is there already" in refusal(url, AddPerson("jo", TUTOR_THERE)).faults[0]


@pytest.mark.parametrize(
    "given",
    [
        body("administrator"),
        body("administrator", "partner"),
        body("tutor"),
        body("tutor", "crewe"),
        body("tutor", "partner", "crewe"),
        {"name": "Jo"},
        {"name": "Jo", "roles": [{}]},
        {"name": "Jo", "roles": "administrator"},
        {"name": "Jo", "roles": [{"role": "tutor", "venues": "partner"}]},
    ],
)
def test_partners_appoint_nobody_beyond_their_venue(url: str, given: dict[str, Any]) -> None:
    assert refusal(url, AddPerson("jo", given), actor=PARTNER).permission


def test_partners_appoint_people_in_their_venue(url: str) -> None:
    perform(url, AddPerson("jo", TUTOR_THERE), actor=PARTNER)
    made = ChangePerson("jo", {"roles": [{"role": "administrator", "venues": ["partner"]}]})
    assert refusal(url, made, actor=PARTNER).permission
    moved = ChangePerson("jo", {"roles": [{"role": "tutor", "venues": ["partner", "crewe"]}]})
    assert refusal(url, moved, actor=PARTNER).permission
    perform(url, moved)
    # Now the person is one of Crewe's as well.
    for command in (ChangePerson("jo", {"name": "Joe"}), RemovePerson("jo")):
        assert refusal(url, command, actor=PARTNER).permission


def test_an_administrator_of_a_venue_makes_no_administrators(url: str) -> None:
    actor = Actor("al", "Al", "portal", (Grant("administrator", frozenset({"partner"})),))
    assert refusal(url, AddPerson("jo", body("administrator", "partner")), actor=actor).permission
    assert perform(url, AddPerson("jo", TUTOR_THERE), actor=actor).audit_number


def test_tutors_appoint_nobody(url: str) -> None:
    assert refusal(url, AddPerson("jo", body("tutor", "ellesmere-port")), actor=TUTOR).permission


def test_who_removes_the_last_administrator_is_warned(url: str) -> None:
    perform(url, AddPerson("jo", body("administrator")), AddPerson("al", body("administrator")))
    assert perform(url, RemovePerson("al")).warnings == ()
    warning = "Nobody is left who may decide everything: only the command line still can."
    demoted = ChangePerson("jo", {"roles": [{"role": "leadership"}]})
    assert perform(url, demoted, dry_run=True).warnings == (warning,)
    assert perform(url, RemovePerson("jo")).warnings == (warning,)


def test_a_venue_that_a_role_names_stays(url: str) -> None:
    perform(url, AddPerson("jo", TUTOR_THERE))
    said = "venue.remove: venue:partner: it is used by Jo Okafor (jo); allowed: "
    assert refusal(url, RemoveVenue("partner")).faults[0].startswith(said)


def test_a_role_is_the_same_when_its_venue_is_called_otherwise(url: str) -> None:
    perform(url, AddPerson("jo", TUTOR_THERE))
    assert perform(url, ChangeVenue("partner", {"title": "Library"})).sentences == (
        "Partner library is called Library.",
    )


def test_who_is_unknown_is_told_to_those_who_may(url: str) -> None:
    said = 'person.change: people: "jo" is not a person'
    assert refusal(url, ChangePerson("jo", {"name": "Joe"})).faults[0].startswith(said)
