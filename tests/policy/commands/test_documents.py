"""Importing a whole document in place of what the store holds."""

from __future__ import annotations

import json
import tomllib

from policy.commands.bundles import RemoveBundle
from policy.commands.documents import ImportDocument
from policy.commands.venues import AddVenue, RemoveVenue
from policy.document import default_text
from policy.store import Store
from tests.policy.college import COLLEGE
from tests.policy.commands.desks import PARTNER, document, in_store, journal, perform, refusal

RULES = """
[[rules]]
action = "deny"
pattern = "a.example"
reason = "because"
review = 2027-01-01

[[rules]]
action = "allow"
pattern = "b.example"
reason = "because"
"""


def test_a_document_takes_the_place_of_the_store(url: str) -> None:
    raw = tomllib.loads(COLLEGE.replace('title = "Crewe"', 'title = "Crewe hub"') + RULES)
    done = perform(url, ImportDocument(raw, reason="From the file"))
    assert done.sentences == ("Crewe is called Crewe hub.", "Rules: 2 added.")
    held = document(url)
    assert [rule["id"] for rule in held["rules"]] == [1, 2]
    assert held["rules"][0]["review"] == "2027-01-01"
    (entry,) = journal(url)
    assert (entry.action, entry.subject, entry.reason) == (
        "document.import",
        "document",
        "From the file",
    )
    assert [part["kind"] for part in json.loads(entry.before or "")] == ["venues"]
    assert [part["kind"] for part in json.loads(entry.after or "")] == ["venues", "rules", "rules"]


def test_what_is_the_same_keeps_its_number(url: str) -> None:
    perform(url, ImportDocument(tomllib.loads(COLLEGE + RULES)))
    other = COLLEGE + RULES.replace("a.example", "c.example")
    done = perform(url, ImportDocument(tomllib.loads(other)))
    assert done.sentences == (
        "Nobody is filtered otherwise than before.",
        "Rules: 1 added, 1 removed.",
    )
    assert {rule["pattern"]: rule["id"] for rule in document(url)["rules"]} == {
        "b.example": 2,
        "c.example": 3,
    }


def test_the_same_again_changes_nothing(url: str) -> None:
    done = perform(url, ImportDocument(tomllib.loads(COLLEGE)))
    assert done.audit_number is None
    assert journal(url) == []


def test_a_document_with_faults_is_refused_whole(url: str) -> None:
    raw = tomllib.loads(COLLEGE + RULES.replace("because", "") + '[venues.x]\nprofile = "y"')
    refused = refusal(url, ImportDocument(raw, where="autumn.toml"))
    assert len(refused.faults) == 4
    assert all(fault.startswith("autumn.toml: ") for fault in refused.faults)


def test_a_dry_run_imports_nothing(url: str) -> None:
    before = document(url)
    done = perform(url, ImportDocument(tomllib.loads(default_text())), dry_run=True)
    assert "Crewe is no venue any more." in done.sentences
    assert document(url) == before


def test_a_network_that_moves_to_another_venue_is_told_so(url: str) -> None:
    raw = tomllib.loads(
        COLLEGE.replace('"10.30.0.0/16"', '"10.50.0.0/16"').replace(
            '"203.0.113.7/32"', '"203.0.113.7/32", "10.30.0.0/16"'
        )
    )
    assert perform(url, ImportDocument(raw)).sentences == (
        "Clients in 10.50.0.0/16 belong to Crewe, and are filtered as Adult learners.",
        "Clients in 10.30.0.0/16 belong to Partner library, and are filtered as Guests.",
    )


def test_partners_import_nothing(url: str) -> None:
    command = ImportDocument(tomllib.loads(default_text()))
    assert refusal(url, command, actor=PARTNER).permission


def test_a_store_that_is_not_sound_is_mended_by_an_import(url: str) -> None:
    async def spoil(store: Store) -> None:
        async with store.writing() as writing:
            await writing.put("profiles", "staff", {"actions": {"a-category-of-old": "block"}})

    in_store(url, spoil)
    venue = AddVenue("chester", {"networks": ["10.40.0.0/16"]})
    said = 'store: profiles.staff.actions.a-category-of-old: "a-category-of-old" is not a category'
    assert refusal(url, venue).faults[0].startswith(said)
    perform(url, ImportDocument(tomllib.loads(COLLEGE)), venue)


def test_two_entries_with_one_number_are_refused(url: str) -> None:
    raw = tomllib.loads(COLLEGE + RULES.replace('action = "', 'id = 7\naction = "'))
    refused = refusal(url, ImportDocument(raw))
    assert refused.faults == (
        "policy.toml: rules[1].id: 7 is also that of rules[0]; "
        "allowed: a number of its own; leave it out of a new one",
    )


def test_a_number_leaves_room_for_the_next(url: str) -> None:
    numbered = RULES.replace('action = "deny"', f'id = {2**53}\naction = "deny"')
    refused = refusal(url, ImportDocument(tomllib.loads(COLLEGE + numbered)))
    assert "rules[0].id: 9007199254740992 is too great" in refused.faults[0]


BLANKS = """
[bundles.portal]
sites = ["portal.example"]

[[rules]]
action = "allow"
bundle = " portal "
scope = " venue:crewe "
reason = "because"

[[exceptions]]
bundles = [" portal "]
where = " venue:partner "
purpose = "a lesson"
approver = "Pat"
until = 2027-01-01
"""


def test_blanks_around_a_reference_hide_nothing_that_refers(url: str) -> None:
    perform(url, ImportDocument(tomllib.loads(COLLEGE + BLANKS)))
    held = document(url)
    assert (held["rules"][0]["scope"], held["rules"][0]["bundle"]) == ("venue:crewe", "portal")
    assert "rule 1" in refusal(url, RemoveVenue("crewe")).faults[0]
    assert "exception 1" in refusal(url, RemoveVenue("partner")).faults[0]
    assert "rule 1" in refusal(url, RemoveBundle("portal")).faults[0]
    again = perform(url, ImportDocument(tomllib.loads(COLLEGE + BLANKS)))
    assert again.audit_number is None
