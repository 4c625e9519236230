"""Undoing what was done to places, profiles, people and the organisation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from policy.commands.command import Command, Refused
from policy.commands.devices import (
    AddDevice,
    ChangeDevice,
    GiveBackDevice,
    RemoveDevice,
    WithdrawDevice,
)
from policy.commands.organisation import ChangeOrganisation, ChangeRole
from policy.commands.pages import RemovePage, SetPage
from policy.commands.people import AddPerson, ChangePerson, RemovePerson
from policy.commands.profiles import AddPeriod, AddProfile, RemoveProfile, SetActions
from policy.commands.rooms import AddRoom, ChangeRoom, RemoveRoom
from policy.commands.terms import AddTerm, ChangeTerm, RemoveTerm
from policy.commands.undoing import undoing
from policy.commands.venues import AddVenue, ChangeVenue, RemoveVenue
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import document, journal, perform

CHESTER = AddVenue("chester", {"networks": ["10.40.0.0/16"]})
LAB = AddRoom("chester", "lab", {"networks": ["10.40.1.0/24"]})
PC = AddDevice("pc", {"addresses": ["10.30.3.7"]})
LINKS = [{"title": "Jo", "url": "tel:123"}]
JO = AddPerson("jo", {"name": "Jo", "roles": [{"role": "tutor"}]})
SUMMER = AddTerm({"name": "late", "from": "2029-04-19", "to": "2029-07-23"})
TEA = {"name": "tea", "days": ["mon"], "from": "15:00", "to": "16:00"}
PERIOD = {**TEA, "actions": {"games": "allow"}}
OTHER = {"networks": ["10.40.0.0/17"]}

# What was there, and what is done and undone.
CASES: list[tuple[list[Command], Command]] = [
    ([], CHESTER),
    ([CHESTER, LAB], RemoveVenue("chester")),
    ([CHESTER, LAB], AddVenue("chester-two", OTHER, "", "chester")),
    ([CHESTER], ChangeVenue("chester", {"title": "C", "profile": "guests"})),
    ([CHESTER], LAB),
    ([CHESTER, LAB], ChangeRoom("chester", "lab", {"title": "L"})),
    ([CHESTER, LAB], RemoveRoom("chester", "lab")),
    ([], PC),
    ([PC], ChangeDevice("pc", {"title": "P", "hostnames": ["pc"]})),
    ([PC], RemoveDevice("pc")),
    ([PC], WithdrawDevice("pc", "films", TUESDAY_10 + 3600)),
    ([PC, WithdrawDevice("pc", "films", TUESDAY_10 + 3600)], GiveBackDevice("pc")),
    ([], AddProfile("new", {"title": "New"})),
    ([AddProfile("new", {"title": "New"})], RemoveProfile("new")),
    ([], SetActions("guests", {"games": "warn"})),
    ([], AddPeriod("guests", PERIOD)),
    ([], JO),
    ([JO], ChangePerson("jo", {"email": "jo@example.org", "roles": [{"role": "leadership"}]})),
    ([JO], RemovePerson("jo")),
    ([], SUMMER),
    ([SUMMER], ChangeTerm("late", {"name": "later", "to": "2029-07-20"})),
    ([SUMMER], RemoveTerm("late")),
    ([], SetPage("drugs", "Talk to Jo")),
    ([SetPage("drugs", "Talk to Jo")], SetPage("drugs", "Talk to Sam")),
    ([SetPage("drugs", "Talk to Jo")], RemovePage("drugs")),
    ([SetPage("drugs", "Talk to Jo", "", LINKS)], SetPage("drugs", "", "", LINKS)),
    ([SetPage("drugs", None, "", LINKS)], SetPage("drugs", "Talk to Jo", "", [])),
    ([SetPage("drugs", None, "", LINKS)], RemovePage("drugs")),
    ([], ChangeOrganisation({"name": "Us", "default_profile": "guests"})),
    ([], ChangeRole("tutor", 5)),
]


def name_of(case: object) -> str:
    return "" if isinstance(case, list) else type(case).__name__


@pytest.mark.parametrize(("there", "command"), CASES, ids=name_of)
def test_all_is_as_it_was(url: str, there: list[Command], command: Command) -> None:
    if there:
        perform(url, *there)
    before = document(url)
    perform(url, command)
    assert document(url) != before
    undo = undoing(journal(url)[-1], "a slip")
    assert undo is not None
    perform(url, undo)
    assert document(url) == before
    assert journal(url)[-1].reason in ("a slip", "films")


def test_what_others_changed_since_stays(url: str) -> None:
    perform(url, CHESTER, ChangeVenue("chester", {"title": "C"}))
    entry = journal(url)[-1]
    perform(url, ChangeVenue("chester", {"profile": "guests"}))
    undo = undoing(entry, "")
    assert undo is not None
    perform(url, undo)
    assert document(url)["venues"]["chester"] == {**CHESTER.body, "profile": "guests"}


NEVER: list[Callable[[str], object]] = [
    lambda url: perform(url, PC, WithdrawDevice("pc", "films"), RemoveDevice("pc")),
    lambda url: perform(url, PC, WithdrawDevice("pc", "a"), WithdrawDevice("pc", "b")),
]


@pytest.mark.parametrize("story", NEVER, ids=["removed-while-withdrawn", "withdrawn-twice"])
def test_access_never_comes_back_by_the_way(url: str, story: Callable[[str], object]) -> None:
    story(url)
    assert undoing(journal(url)[-1], "") is None


def test_an_end_that_has_passed_is_not_given_again(url: str) -> None:
    perform(url, PC, WithdrawDevice("pc", "films", TUESDAY_10 + 60), GiveBackDevice("pc"))
    undo = undoing(journal(url)[-1], "")
    assert undo is not None
    with pytest.raises(Refused, match="is past"):
        perform(url, undo, at=TUESDAY_10 + 120)
