"""Own bundles: in place of shipped ones, and what opens them follows; shipped ones are narrow."""

from __future__ import annotations

from typing import Any

import pytest

from policy.bundles import shipped_bundles
from policy.commands.bundles import AddBundle, ChangeBundle, RemoveBundle
from policy.commands.exceptions import EndException, GrantException
from policy.commands.rules import AddRules, ChangeRule
from tests.policy.college import TUESDAY_10, instant
from tests.policy.commands.desks import LEAD, PARTNER, TUTOR, document, journal, perform, refusal

NOON = instant("2026-03-03T12:00")
PORTAL = {"title": "Our portal", "sites": ["Portal.example", "static.example", "portal.example"]}
ALLOW = {"action": "allow", "bundle": "portal", "scope": "venue:crewe"}
OPEN = GrantException("venue:crewe", "a lesson", NOON, bundles=["portal"])


def test_a_bundle_is_added_as_it_was_understood(url: str) -> None:
    done = perform(url, AddBundle("portal", PORTAL))
    assert done.sentences == (
        "Bundle portal (Our portal) can be opened: portal.example and static.example.",
    )
    assert document(url)["bundles"]["portal"]["sites"] == ["portal.example", "static.example"]
    assert journal(url)[0].subject == "bundle:portal"


def test_one_in_place_of_a_shipped_one_and_back(url: str) -> None:
    body = {"title": "Duolingo", "sites": ["duolingo.com", "words.example"]}
    done = perform(url, AddBundle("duolingo", body))
    assert done.sentences == ("Bundle duolingo: it opens words.example too.",)
    assert done.warnings == ("It takes the place of the shipped bundle duolingo.",)
    perform(url, AddRules([{"action": "allow", "bundle": "duolingo"}], "a course"))
    back = perform(url, RemoveBundle("duolingo"))
    assert back.sentences == (
        "The shipped bundle duolingo takes its place again.",
        "Bundle duolingo: it no longer opens words.example.",
    )
    assert back.warnings == ("What opens it follows at once: rule 1 (allow duolingo).",)


@pytest.mark.parametrize(
    ("bundle", "body", "fault"),
    [
        ("portal", {"title": "x"}, "at least one is required"),
        ("portal", {"sites": ["*.example"]}, "is a wildcard"),
        ("portal", {"sites": ["co.uk"]}, "is a public suffix"),
        ("portal", {"sites": [f"a{n}.example" for n in range(201)]}, "allowed: up to 200"),
        ("Portal", PORTAL, "is not an id"),
        ("there", PORTAL, "it is there already"),
    ],
)
def test_what_is_no_bundle_is_refused(
    url: str, bundle: str, body: dict[str, Any], fault: str
) -> None:
    perform(url, AddBundle("there", PORTAL))
    assert fault in refusal(url, AddBundle(bundle, body)).faults[0]


def test_only_administrators_decide(url: str) -> None:
    perform(url, AddBundle("portal", PORTAL))
    for actor in (TUTOR, LEAD, PARTNER):
        for command in (
            AddBundle("b", PORTAL),
            ChangeBundle("portal", {"title": "x"}),
            RemoveBundle("portal"),
        ):
            assert refusal(url, command, actor=actor).permission


def test_what_opens_a_bundle_follows_its_change(url: str) -> None:
    perform(url, AddBundle("portal", PORTAL), AddRules([ALLOW], "a course"), OPEN)
    changes = {"title": "Portal", "sites": ["portal.example", "cdn.example"]}
    done = perform(url, ChangeBundle("portal", changes))
    assert done.sentences == (
        "Bundle portal: it opens cdn.example too.",
        "Bundle portal: it no longer opens static.example.",
        "Bundle portal: it is called Portal (before: Our portal).",
    )
    assert done.warnings == (
        "What opens it follows at once: rule 1 (allow portal) and exception 1 (a lesson).",
    )
    assert perform(url, ChangeBundle("portal", changes)).audit_number is None


def test_shipped_and_unknown_ones_are_not_changed(url: str) -> None:
    perform(url, AddBundle("portal", PORTAL))
    for command in (ChangeBundle("zoom", {"title": "x"}), RemoveBundle("zoom")):
        assert "allowed: an own one of this id in its place" in refusal(url, command).faults[0]
    assert 'did you mean "portal"?' in refusal(url, RemoveBundle("portl")).faults[0]


def test_a_bundle_in_use_stays_and_what_is_over_goes_with_it(url: str) -> None:
    other = {**ALLOW, "pattern": "portal.example"}
    del other["bundle"]
    perform(url, AddBundle("portal", PORTAL), AddRules([ALLOW, other], "a course"), OPEN)
    refused = refusal(url, RemoveBundle("portal"))
    assert refused.faults == (
        "bundle.remove: bundle:portal: it is used by rule 1 (allow portal) and "
        "exception 1 (a lesson); allowed: what nothing refers to; change or remove these first",
    )
    perform(url, EndException(1), ChangeRule(1, {"expires": "2026-03-03T10:30:00"}))
    done = perform(url, RemoveBundle("portal"), at=TUESDAY_10 + 1800)
    assert done.sentences == ("Bundle portal (Our portal) can no longer be opened.",)
    assert done.warnings[0].endswith("1 expired rule and 1 past exception.")
    left = document(url)
    assert "exceptions" not in left and "bundles" not in left
    assert [rule["id"] for rule in left["rules"]] == [2]


SHARED = (
    "akamaihd.net akamaized.net amazonaws.com appspot.com azureedge.net blob.core.windows.net "
    "cloudflare.com cloudfront.net edgekey.net edgesuite.net fastly.net github.io google.com "
    "googleapis.com googleusercontent.com gstatic.com microsoft.com sites.google.com windows.net"
)


def test_no_shipped_bundle_opens_what_serves_everybody() -> None:
    for bundle in shipped_bundles().values():
        written = {site.text for site in bundle.sites}
        assert not written & set(SHARED.split()), bundle.id
        assert not any(site.endswith((".cloudfront.net", ".fastly.net")) for site in written)


def test_the_platforms_that_tutors_ask_for_are_there() -> None:
    asked = (
        "facebook x-twitter linkedin youtube instagram tiktok whatsapp teams microsoft-365 "
        "google-workspace zoom moodle canvas duolingo kahoot indeed reed universal-credit nhs"
    )
    assert set(asked.split()) <= shipped_bundles().keys()
