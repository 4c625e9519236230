"""Advice on what would change a decision."""

from __future__ import annotations

import pytest

from categoriser.names import from_text, spell
from policy.decision import decide
from policy.explanation import what_would_change

from .college import TUESDAY_10, exception, listed, packed, policy, rule


@pytest.mark.parametrize(
    ("who", "name", "categories", "first"),
    [
        ("10.20.1.5", "a.example", ["illegal-abuse"], "Nothing: the category is locked."),
        ("10.20.3.12", "a.example", [], "Giving access back to the device, by an administrator."),
        (
            "10.20.3.40",
            "a.example",
            ["social-media"],
            "An exception for social-media or for this site in room ellesmere-port/it-suite "
            "by a tutor (exemptible).",
        ),
        (
            "10.20.1.5",
            "a.example",
            ["social-media", "adult"],
            "No exception: adult cannot be exempted.",
        ),
        ("10.20.1.5", "a.example", ["essential"], "A deny rule by an administrator."),
        (
            "10.20.1.5",
            "a.example",
            [],
            "A list that names it, or a deny rule by an administrator.",
        ),
    ],
)
def test_what_would_change(who: str, name: str, categories: list[str], first: str) -> None:
    """The advice names the first door that is really open."""
    college = policy()
    view = college.view(college.identify(packed(who)), TUESDAY_10)
    decision = decide(view, spell(from_text(name)), listed(name, *categories))
    assert first == what_would_change(decision, view)[0]


def test_advice_names_ends() -> None:
    """A rule and an exception are named with the time at which they end by themselves."""
    college = policy(
        rule("deny a.example for organisation until 2026-03-03 17:00")
        + exception("games in organisation from 2026-03-03 09:00 to 2026-03-03 11:00")
    )
    view = college.view(college.identify(packed("10.20.1.5")), TUESDAY_10)
    by_rule = decide(view, spell(from_text("a.example")), ())
    assert what_would_change(by_rule, view) == (
        "Removing rule 1 (deny a.example).",
        "Time: the rule expires at 17:00 on 3 March 2026.",
        "An allow rule for a narrower scope or a longer name, by an administrator.",
    )
    excepted = decide(view, spell(from_text("b.example")), listed("b.example", "games"))
    assert what_would_change(excepted, view)[0] == (
        "Time: the exception ends at 11:00 on 3 March 2026."
    )
