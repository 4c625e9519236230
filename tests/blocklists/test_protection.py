"""Protected names: which entries would take them, and that the canaries are what they say."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from blocklists import protection, starters
from blocklists.protection import Protected
from blocklists.suffixes import SuffixGuard
from categoriser.patterns import Pattern


def protected(*patterns: str) -> Protected:
    return Protected(Pattern.parse(text) for text in patterns)


def test_an_entry_takes_what_is_equal_or_below() -> None:
    some = protected("bbc.co.uk", "www.bbc.co.uk", "=gov.uk", "*.nhs.uk", "~casino")
    assert len(some) == 3, "a wildcard has no name to lose"
    assert some.covered("bbc.co.uk") == ("bbc.co.uk", "www.bbc.co.uk")
    assert some.covered("co.uk") == ("bbc.co.uk", "www.bbc.co.uk")
    assert some.covered("gov.uk") == ("gov.uk",)
    assert some.covered("ads.bbc.co.uk") == some.covered("xbbc.co.uk") == ()
    assert "bbc.co.uk" in some and "co.uk" not in some


def test_scopes() -> None:
    some = protected("bbc.co.uk", "www.bbc.co.uk", "=gov.uk")
    assert some.covered("bbc.co.uk", "exact") == ("bbc.co.uk",)
    assert some.covered("co.uk", "exact") == ()
    assert some.covered("co.uk", "below") == ("bbc.co.uk", "www.bbc.co.uk")
    assert some.covered("bbc.co.uk", "below") == ("bbc.co.uk", "www.bbc.co.uk")
    assert some.covered("gov.uk", "below") == (), "only the name itself is protected"


def test_what_ships() -> None:
    shipped = protection.load()
    for name in ("google.com", "bbc.co.uk", "cloudfront.net", "www.gov.uk", "talktofrank.com"):
        assert name in shipped
    assert "betblocker.org" in shipped, "an essential"
    assert "www.samaritans.org" in shipped.covered("org")


def canaries() -> list[str]:
    text = resources.files("blocklists").joinpath("canaries.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_canaries_are_plain_names_each_once() -> None:
    faults: list[str] = []
    patterns = starters.read_list("\n".join(canaries()), "essential", "canaries.txt", faults)
    assert not faults
    assert all(pattern.kind == "domain" for pattern, _ in patterns)
    texts = [pattern.text for pattern, _ in patterns]
    assert texts == canaries(), "in normal form"
    assert len(set(texts)) == len(texts)
    assert 120 <= len(texts) <= 220


def test_no_starter_list_takes_a_canary() -> None:
    """What we ship ourselves must pass the gate we set for others."""
    listed = {
        pattern.text.removeprefix("=")
        for pattern, match in starters.load_patterns()
        if pattern.kind in ("domain", "exact") and match.category != "essential"
    }
    assert not listed & set(canaries())


def test_canaries_are_no_top_level_domains() -> None:
    guard = SuffixGuard()
    assert not [name for name in canaries() if guard.fault(name, "exact")]


@pytest.mark.parametrize("word", ["Covers", "Chosen", "Review"])
def test_canaries_say_what_they_are(word: str) -> None:
    text = resources.files("blocklists").joinpath("canaries.txt").read_text(encoding="utf-8")
    assert re.search(rf"^# {word}: ", text, re.MULTILINE)


def test_no_hit_is_lost_behind_others_that_a_person_accepted() -> None:
    assert len(protection.load()) < protection.HITS_MAX
