"""The organisation, roles, terms and block pages."""

from __future__ import annotations

import tomllib

import pytest

from policy.commands.command import Command
from policy.commands.documents import ImportDocument
from policy.commands.organisation import ChangeOrganisation, ChangeRole
from policy.commands.pages import TEXT_CHARACTERS_MAX, RemovePage, SetPage
from policy.commands.profiles import AddPeriod
from policy.commands.terms import AddTerm, ChangeTerm, RemoveTerm
from tests.policy.college import COLLEGE
from tests.policy.commands.desks import PARTNER, document, journal, perform, refusal

AUTUMN = {"name": "Autumn", "from": "2026-09-01", "to": "2026-12-18"}

MAYA = {"title": "Maya", "url": "tel:+441270000000"}
CAB = {"title": "Advice", "url": "https://cab.example/x"}


def test_the_organisation_changes(url: str) -> None:
    changes = {
        "name": "Northshire",
        "timezone": "Europe/Paris",
        "default_profile": "guests",
        "holidays": "scotland",
    }
    done = perform(url, ChangeOrganisation(changes))
    assert done.sentences[:4] == (
        "The organisation is called Northshire (before: Northshire Skills).",
        "Every timetable is read on the clock of Europe/Paris (before: Europe/London).",
        "Bank holidays are those of scotland (before: not counted); periods that depend on them "
        "follow.",
        "Addresses of no venue are filtered as Guests (before: Adult learners).",
    )
    assert "Crewe: filtered as Guests (before: Adult learners)." in done.sentences
    assert len(done.warnings) == 1
    assert document(url)["organisation"] == changes


def test_the_length_of_exceptions_is_set_by_role(url: str) -> None:
    assert perform(url, ChangeRole("tutor", 8)).sentences == (
        "An exception granted as tutor may last up to 8 hours (before: 12).",
        "Exceptions granted before stay as they are.",
    )
    assert document(url)["roles"] == {"tutor": {"exception_hours_max": 8}}
    perform(url, ChangeRole("tutor", None))
    assert "roles" not in document(url)


def test_terms_come_change_and_go(url: str) -> None:
    period = {"name": "club", "days": ["mon"], "from": "18:00", "to": "20:00", "when": "term"}
    done = perform(url, AddPeriod("guests", period), AddTerm(AUTUMN))
    assert done.sentences == (
        "Autumn is from 1 September 2026 to 18 December 2026, both days in.",
        'These periods follow terms: "club" of Guests.',
    )
    assert document(url)["terms"] == [AUTUMN]
    assert perform(url, ChangeTerm("Autumn", {"to": "2026-12-11"})).sentences[0] == (
        "Autumn is from 1 September 2026 to 11 December 2026, both days in "
        "(before: 1 September 2026 to 18 December 2026)."
    )
    assert perform(url, RemoveTerm("Autumn")).sentences[0] == (
        "Autumn is no term any more: its days count as holidays."
    )
    assert "terms" not in document(url)
    assert [entry.subject for entry in journal(url)][1:] == ["term:Autumn"] * 3


def test_pages_have_texts(url: str) -> None:
    assert perform(url, SetPage("gambling", "Ask Jo.")).sentences == (
        "The block page of Gambling says: Ask Jo.",
    )
    perform(url, SetPage("organisation", "Reception helps."))
    assert document(url)["pages"].keys() == {"gambling", "organisation"}
    assert perform(url, RemovePage("organisation")).sentences == (
        "Every block page no longer has a text of its own.",
    )


def test_pages_have_help_links(url: str) -> None:
    assert perform(url, SetPage("gambling", "Ask Jo.", "", [MAYA, CAB])).sentences == (
        "The block page of Gambling says: Ask Jo.",
        "The block page of Gambling leads to: Maya (tel:+441270000000).",
        "The block page of Gambling leads to: Advice (https://cab.example/x).",
    )
    assert perform(url, SetPage("gambling", None, "", [CAB, MAYA])).sentences == (
        "The block page of Gambling has its help links in another order.",
    )
    assert document(url)["pages"]["gambling"] == {"text": "Ask Jo.", "help": [CAB, MAYA]}
    perform(url, SetPage("gambling", ""))
    assert document(url)["pages"]["gambling"] == {"help": [CAB, MAYA]}
    assert perform(url, SetPage("gambling", None, "", [MAYA])).sentences == (
        "The block page of Gambling no longer leads to: Advice (https://cab.example/x).",
    )
    assert perform(url, RemovePage("gambling")).sentences == (
        "The block page of Gambling has no help links of your own any more.",
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ChangeOrganisation({"timezone": "Europe/Londn"}),
            'organisation.change: organisation.timezone: "Europe/Londn" is not a time zone',
        ),
        (
            ChangeOrganisation({"default_profile": "guest"}),
            'organisation.change: organisation.default_profile: "guest" is not a profile',
        ),
        (
            ChangeOrganisation({"name": None}),
            "organisation.change: organisation.name: nothing is given",
        ),
        (ChangeRole("tutr", 8), 'role.change: roles.tutr: "tutr" is not a role; did you mean'),
        (ChangeRole("tutr", None), 'role.change: roles.tutr: "tutr" is not a role; did you mean'),
        (ChangeRole("tutor", -1), "role.change: roles.tutor.exception_hours_max: -1 is not a"),
        (
            AddTerm({**AUTUMN, "to": "2026-08-01"}),
            "term.add: terms[0].to: it ends before it begins",
        ),
        (AddTerm({"name": "Autumn"}), "term.add: terms[0].from: nothing is given"),
        (ChangeTerm("Autumn", {"to": "2026-12-11"}), 'term.change: terms: "Autumn" is not a term'),
        (SetPage("gamblin", "x"), 'page.set: pages.gamblin: "gamblin" is not a category; did'),
        (SetPage("gambling", " "), 'page.set: pages.gambling.text: " " is not text'),
        (
            SetPage("gambling", "x" * (TEXT_CHARACTERS_MAX + 1)),
            "page.set: pages.gambling.text: 2001 characters; allowed: up to 2000",
        ),
        (
            SetPage("gambling", ""),
            "page.set: pages.gambling.text: nothing is given",
        ),
        (
            SetPage("gambling", None, "", [MAYA, {"title": "x", "url": "javascript:alert(1)"}]),
            'page.set: pages.gambling.help[1].url: "javascript:alert(1)" is no address of help',
        ),
        (RemovePage("gambling"), 'page.remove: pages: "gambling" is not a page with a text'),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(
    url: str, command: Command, said: str
) -> None:
    assert refusal(url, command).faults[0].startswith(said)


def test_a_term_has_a_name_and_days_of_its_own(url: str) -> None:
    perform(url, AddTerm(AUTUMN))
    assert 'there is one named "Autumn"' in refusal(url, AddTerm(AUTUMN)).faults[0]
    overlapping = {"name": "Winter", "from": "2026-12-18", "to": "2027-02-01"}
    assert 'it overlaps "Autumn"' in refusal(url, AddTerm(overlapping)).faults[0]


@pytest.mark.parametrize(
    "command",
    [
        ChangeOrganisation({"name": "Ours"}),
        ChangeRole("tutor", 1),
        AddTerm(AUTUMN),
        SetPage("gambling", "x"),
    ],
    ids=lambda command: command.action,
)
def test_what_all_share_is_not_for_partners(url: str, command: Command) -> None:
    assert refusal(url, command, actor=PARTNER).permission


def test_a_term_takes_no_name_of_another(url: str) -> None:
    spring = {"name": "Spring", "from": "2027-01-04", "to": "2027-03-25"}
    perform(url, AddTerm(AUTUMN), AddTerm(spring))
    assert refusal(url, ChangeTerm("Spring", {"name": "Autumn"})).faults == (
        'term.change: terms: there is one named "Autumn"; '
        "allowed: another name, or term.change of that one",
    )
    perform(url, ChangeTerm("Spring", {"name": "Spring", "to": "2027-03-24"}))


CLOCKS = """
[[exceptions]]
sites = ["facebook.com"]
where = "venue:crewe"
purpose = "a lesson"
approver = "Pat"
from = 2026-03-03T10:00:00Z
until = 2026-03-03T12:00:00
"""


def test_another_clock_makes_no_nonsense_of_an_exception(url: str) -> None:
    perform(url, ImportDocument(tomllib.loads(COLLEGE + CLOCKS)))
    fault = refusal(url, ChangeOrganisation({"timezone": "Asia/Tokyo"})).faults[0]
    assert "exceptions[0].until: it ends before it begins" in fault
    perform(url, ChangeOrganisation({"timezone": "Europe/Lisbon"}))
