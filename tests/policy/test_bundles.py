"""Bundles: what an approved platform needs beside its own name."""

from __future__ import annotations

from policy.bundles import shipped_bundles
from policy.patterns import is_public_suffix

from .college import TUESDAY_10, ask, packed, policy

OPEN = """
[[exceptions]]
bundles = ["facebook"]
where = "room:ellesmere-port/it-suite"
purpose = "a lesson"
approver = "Sam Tutor"
until = 2026-03-03T11:00:00
id = 41
"""
IT_SUITE, ELSEWHERE = packed("10.20.3.40"), packed("10.20.1.5")


def test_every_shipped_bundle_is_sound() -> None:
    for bundle in shipped_bundles().values():
        assert bundle.shipped and bundle.title and bundle.sites
        assert not any(is_public_suffix(site.text) for site in bundle.sites), bundle.id
        assert len({site.text for site in bundle.sites}) == len(bundle.sites), bundle.id


def test_an_exception_for_a_bundle_opens_its_hosts_and_says_so() -> None:
    college = policy(OPEN)
    there, here = college.identify(IT_SUITE), college.identify(ELSEWHERE)
    found = ask(college, there, TUESDAY_10, "static.xx.fbcdn.net", "social-media")
    assert (found.action, found.reason) == ("allow", "exception")
    assert found.rule == "fbcdn.net (bundle facebook)"
    assert found.detail is not None and found.detail.id == 41  # type: ignore[union-attr]
    assert ask(college, here, TUESDAY_10, "fbcdn.net", "social-media").action == "block"


def test_a_bundle_opens_nothing_that_cannot_be_exempted() -> None:
    college = policy(OPEN)
    found = ask(
        college, college.identify(IT_SUITE), TUESDAY_10, "fbcdn.net", "social-media", "adult"
    )
    assert found.action == "block"


def test_an_own_bundle_takes_the_place_of_a_shipped_one() -> None:
    own = '[bundles.facebook]\ntitle = "Ours"\nsites = ["facebook.com"]\n'
    college = policy(f"{own}{OPEN}")
    assert [site.text for site in college.bundles["facebook"].sites] == ["facebook.com"]
    found = ask(college, college.identify(IT_SUITE), TUESDAY_10, "fbcdn.net", "social-media")
    assert found.action == "block"


def test_a_rule_for_a_bundle_allows_each_of_its_sites() -> None:
    college = policy(
        '[[rules]]\naction = "allow"\nbundle = "facebook"\nreason = "a course"\nid = 7\n'
    )
    found = ask(college, college.identify(ELSEWHERE), TUESDAY_10, "m.facebook.com", "social-media")
    assert (found.action, found.reason, found.rule) == (
        "allow",
        "rule",
        "facebook.com (bundle facebook)",
    )
    assert {rule.name for rule in college.rules if rule.bundle} == {"7"}
