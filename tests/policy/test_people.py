"""People, roles, pages and essentials of a document."""

from __future__ import annotations

from categoriser.taxonomy import Help
from policy.people import EXCEPTION_HOURS_MAX, ROLES
from policy.types import Grant

from .college import TUESDAY_10, ask, instant, packed, policy

MORE = """
[people.jo]
name = "Jo Okafor"
email = "jo@example.org"
roles = [{ role = "tutor", venues = ["crewe"] }, { role = "leadership" }]

[roles.tutor]
exception_hours_max = 4

[essentials]
sites = ["portal.example", "=status.example"]

[pages.gambling]
text = "Talk to us."
help = [{ title = "Maya", url = "tel:+441270000000" }]

[pages.organisation]
help = [{ title = "Advice", url = "https://cab.example:8443/a?b=1" }]
"""


def test_what_the_document_says() -> None:
    college = policy(MORE)
    jo = college.people["jo"]
    assert (jo.name, jo.email) == ("Jo Okafor", "jo@example.org")
    assert jo.roles == (Grant("tutor", frozenset({"crewe"})), Grant("leadership"))
    assert college.exception_hours_max == {**EXCEPTION_HOURS_MAX, "tutor": 4}
    assert [site.text for site in college.essentials] == ["portal.example", "=status.example"]
    assert college.pages == {"gambling": "Talk to us."}
    assert college.help_links == {
        "gambling": (Help("Maya", "tel:+441270000000"),),
        "organisation": (Help("Advice", "https://cab.example:8443/a?b=1"),),
    }


def test_where_a_role_holds() -> None:
    tutor, leader = Grant("tutor", frozenset({"crewe"})), Grant("leadership")
    assert tutor.covers("crewe") and not tutor.covers("library") and not tutor.covers(None)
    assert leader.covers("crewe") and leader.covers(None)
    assert set(EXCEPTION_HOURS_MAX) == set(ROLES)


def test_access_comes_back_by_itself() -> None:
    college = policy(
        '[devices.spare]\naddresses = ["10.20.1.99"]\nwithdrawn = true\n'
        'withdrawn_until = 2026-03-03T10:30:00\nwithdrawn_reason = "a warning"\n'
    )
    client = college.identify(packed("10.20.1.99"))
    now = ask(college, client, TUESDAY_10, "example.com")
    assert (now.action, now.reason) == ("block", "withdrawn")
    assert college.view(client, TUESDAY_10).valid_until == instant("2026-03-03 10:30")
    later = ask(college, client, instant("2026-03-03 10:30"), "example.com")
    assert later.action == "allow"
