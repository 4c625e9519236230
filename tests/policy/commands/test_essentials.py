"""Own essentials: what they open, who may add them, and what is told."""

from __future__ import annotations

import tomllib

import pytest

from policy.commands.command import Knowledge
from policy.commands.documents import ImportDocument
from policy.commands.essentials import ESSENTIALS_MAX, AddEssential, RemoveEssential
from policy.commands.rules import AddRules
from policy.store import Store
from tests.policy.college import COLLEGE
from tests.policy.commands.desks import (
    LEAD,
    PARTNER,
    TUTOR,
    document,
    in_store,
    journal,
    perform,
    refusal,
)


def test_a_site_becomes_essential(url: str) -> None:
    done = perform(url, AddEssential("=Portal.Example", "our portal"))
    assert done.subject == "essential:=portal.example"
    assert done.sentences == (
        "Everyone: =portal.example is open whatever lists say, also where access is withdrawn.",
    )
    assert not done.warnings
    assert document(url)["essentials"] == {"sites": ["=portal.example"]}
    assert done.after == {"reason": "our portal", "author": "Pat Admin"}
    assert journal(url)[0].reason == "our portal"


def test_and_is_none_any_more(url: str) -> None:
    perform(url, AddEssential("portal.example", "our portal"))
    done = perform(url, RemoveEssential("Portal.example", "closed down"))
    assert done.sentences == ("Everyone: lists and profiles decide about portal.example again.",)
    assert "essentials" not in document(url)
    assert done.before == {"reason": "our portal", "author": "Pat Admin"}


@pytest.mark.parametrize(
    ("site", "reason", "fault"),
    [
        ("portal.example", " ", "reason is required"),
        ("*.example", "x", "is a wildcard"),
        ("co.uk", "x", "is a public suffix"),
        ("~portal", "x", "is a keyword"),
        ("there.example", "x", "it is there already"),
        ("There.Example", "x", "it is there already"),
    ],
)
def test_what_is_no_site_is_refused(url: str, site: str, reason: str, fault: str) -> None:
    perform(url, AddEssential("there.example", "x"))
    assert fault in refusal(url, AddEssential(site, reason)).faults[0]


def test_only_administrators_decide(url: str) -> None:
    perform(url, AddEssential("portal.example", "our portal"))
    for actor in (TUTOR, LEAD, PARTNER):
        assert refusal(url, AddEssential("a.example", "x"), actor=actor).permission
        assert refusal(url, RemoveEssential("portal.example"), actor=actor).permission


def test_an_unknown_one_is_not_removed(url: str) -> None:
    perform(url, AddEssential("portal.example", "our portal"))
    refused = refusal(url, RemoveEssential("portl.example"))
    assert 'did you mean "portal.example"?' in refused.faults[0]


def test_what_lists_and_rules_say_is_told(url: str) -> None:
    deny = {"action": "deny", "pattern": "example.org", "scope": "venue:crewe"}
    perform(url, AddRules([deny], "no"))
    listed = {"a.example.org": ["malware", "games"], "b.example": ["illegal-abuse"]}
    knowledge = Knowledge(
        essential_matches=lambda pattern: ["c.example"] if pattern.text == "c.example" else [],
        categories_of=lambda name: listed.get(name, []),
    )
    grave = perform(url, AddEssential("=a.example.org", "x"), knowledge=knowledge)
    assert grave.warnings == (
        "It is listed as Malware, and opens all the same.",
        "Rule 1 (deny example.org at Crewe) goes before it.",
    )
    (warning,) = perform(url, AddEssential("b.example", "x"), knowledge=knowledge).warnings
    assert warning.startswith("It stays blocked: Illegal")
    again = perform(url, AddEssential("c.example", "x"), knowledge=knowledge)
    assert again.warnings == ("Some of it is essential already: c.example.",)


def test_there_are_not_too_many(url: str) -> None:
    async def fill(store: Store) -> None:
        async with store.writing() as writing:
            sites = [(f"a{n}.example", {}) for n in range(ESSENTIALS_MAX)]
            await writing.put_many("essentials", sites)

    in_store(url, fill)
    refused = refusal(url, AddEssential("portal.example", "x"))
    assert "1000 are there; allowed: up to 1000" in refused.faults[0]


def test_one_that_was_imported_in_other_letters_is_found(url: str) -> None:
    text = COLLEGE + '[essentials]\nsites = ["Portal.Example"]\n'
    perform(url, ImportDocument(tomllib.loads(text)))
    assert "there already" in refusal(url, AddEssential("portal.example", "x")).faults[0]
    perform(url, RemoveEssential("PORTAL.example"))
    assert "essentials" not in document(url)
