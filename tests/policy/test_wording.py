"""Sentences about decisions, as people read them."""

from __future__ import annotations

from policy.types import Client

from .college import TUESDAY_10, ask, exception, packed, policy, rule


def test_notes_read_as_sentences() -> None:
    """Each reason has its own words, with the titles the author gave."""
    college = policy(
        rule("deny example.com for room:ellesmere-port/it-suite")
        + exception(
            "social-media in room:ellesmere-port/it-suite from 2026-03-03 09:00 to 2026-03-03 12:00"
        )
        + exception("shop.example in organisation from 2026-03-03 09:00 to 2026-03-03 12:00")
    )
    suite = college.identify(packed("10.20.3.40"))
    loan = college.identify(packed("10.20.3.12"))

    def note(client: Client, name: str, *categories: str) -> str:
        return ask(college, client, TUESDAY_10, name, *categories).note

    lesson = "until 12:00 on 3 March 2026 for a lesson, approved by Sam Tutor."
    suite_title = "IT suite, Ellesmere Port"
    assert note(suite, "a.example", "illegal-terrorism") == (
        "Illegal: terrorist material is blocked for everyone, and nobody can switch that off."
    )
    assert note(loan, "a.example") == (
        "Access is withdrawn on Loan laptop 12; only essential sites are open."
    )
    assert note(suite, "www.example.com") == (
        f"example.com is denied in {suite_title} by a rule: because."
    )
    assert note(suite, "facebook.com", "social-media") == (
        f"Social media is open in {suite_title} {lesson}"
    )
    assert note(suite, "shop.example", "shopping") == f"shop.example is open for everyone {lesson}"
    assert note(suite, "gov.uk", "essential") == "gov.uk is essential; no list may block it."
    assert note(suite, "tv.example", "streaming") == (
        f"Streaming is allowed and counted for Adult learners in {suite_title}."
    )
    assert note(suite, "new.example") == "Nothing is known against this name, so it is allowed."
