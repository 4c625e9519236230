"""The starter lists: each one is what its header says, and nothing that people need is on them."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from blocklists import starters
from blocklists.suffixes import SuffixGuard
from categoriser import taxonomy
from categoriser.matches import Match
from categoriser.names import from_text, spell
from categoriser.patterns import Pattern, StarterTable

FILES = {file.name: file.read_text(encoding="utf-8") for file in starters.list_files()}
NEEDED_KINDS = frozenset(
    ["gov", "health", "crisis", "gamhelp", "safeguard", "jobs", "learn", "money"]
)


@cache
def patterns() -> starters.Patterns:
    return starters.load_patterns()


@cache
def table_without(category: str) -> StarterTable:
    """Every list but one, and no keywords."""
    return StarterTable((p, m) for p, m in patterns() if m.category != category and not m.keyword)


@cache
def whole_table() -> StarterTable:
    return StarterTable(patterns())


def matches(table: StarterTable, name: str) -> list[Match]:
    return list(table.find(spell(from_text(name))))


def domains(text: str) -> list[str]:
    """The names among the entries of a list; wildcards and keywords are no names."""
    faults: list[str] = []
    found = [pattern for pattern, _ in starters.read_list(text, "x", "x", faults)]
    return [pattern.text.lstrip("=") for pattern in found if pattern.kind in ("domain", "exact")]


@pytest.mark.parametrize("name", FILES)
def test_the_header_says_what_how_and_when_to_look_again(name: str) -> None:
    header = [line for line in FILES[name].splitlines()[:30] if line.startswith("#")]
    for word in ("Covers", "Chosen", "Review"):
        assert any(re.match(rf"# {word}: \S", line) for line in header), f"{name} lacks # {word}:"
    assert any(re.fullmatch(r"# Review: 20\d\d-(0[1-9]|1[0-2])\s*", line) for line in header)


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_named_after_a_category(name: str) -> None:
    assert name.removesuffix(".txt") in taxonomy.load()


@pytest.mark.parametrize("name", FILES)
def test_every_entry_is_a_pattern_and_stands_once(name: str) -> None:
    faults: list[str] = []
    found = [pattern.text for pattern, _ in starters.read_list(FILES[name], "x", name, faults)]
    assert faults == []
    assert found, "an empty list"
    assert sorted({text for text in found if found.count(text) > 1}) == [], "given twice"
    assert [text for text in found if text.startswith("~")] == [], "keywords go into keywords.toml"


@pytest.mark.parametrize("name", FILES)
def test_no_entry_is_a_whole_suffix(name: str) -> None:
    guard = SuffixGuard()
    faults: list[str] = []
    found = [pattern for pattern, _ in starters.read_list(FILES[name], "x", name, faults)]
    wide = {
        pattern.text: reason
        for pattern in found
        if pattern.kind in ("domain", "exact")
        and (
            reason := guard.fault(
                pattern.text.lstrip("="), "exact" if pattern.kind == "exact" else "domain"
            )
        )
    }
    assert wide == {}


def test_essentials_meet_no_other_list() -> None:
    """Neither equal to, nor under, nor over an entry of another list: the decision must never
    depend on order.
    """
    if "essential.txt" not in FILES:
        pytest.skip("no essential.txt yet")
    others, essentials = (
        table_without("essential"),
        StarterTable((p, m) for p, m in patterns() if m.category == "essential" and not m.keyword),
    )
    meeting = [
        f"{name}: {match.rule} of {match.category}"
        for name in domains(FILES["essential.txt"])
        for match in matches(others, name)
    ]
    meeting += [
        f"{name} of {file}: under {match.rule}"
        for file, text in FILES.items()
        if file != "essential.txt"
        for name in domains(text)
        for match in matches(essentials, name)
    ]
    assert meeting == []


def test_keywords_suggest_and_never_block() -> None:
    keywords = [match for _, match in patterns() if match.keyword]
    assert all(match.rule.startswith("~") for match in keywords)
    assert all(match.category in taxonomy.load() for match in keywords)
    for keyword in starters.load_keywords():
        assert keyword.evidence and keyword.precision > 0, keyword.token


@pytest.mark.parametrize(
    "name",
    [
        "revengepornhelpline.org.uk",
        "essex.ac.uk",
        "sussexcommunity.nhs.uk",
        "gambleaware.org",
        "begambleaware.org",
        "gamblersanonymous.org.uk",
        "gamblingtherapy.org",
        "gamblingcommission.gov.uk",
        "better.org.uk",
        "diabetes.org.uk",
        "betblocker.org",
        "sexwise.org.uk",
        "stoploansharks.co.uk",
        "torrentfreak.com",
        "youtube.com",
        "thirteen.org",
    ],
)
def test_exceptions_of_keywords(name: str) -> None:
    assert [match.rule for match in matches(whole_table(), name) if match.keyword] == []


def test_keywords_are_found() -> None:
    if not starters.load_keywords():
        pytest.skip("no keywords.toml yet")
    found = matches(whole_table(), "best-casino-bonus.example")
    assert [(match.category, match.keyword) for match in found] == [("gambling", True)]


def test_nothing_people_need_is_blocked(shared: Path) -> None:
    """N12: government, health, crisis, jobs, learning, debt advice: on no list that blocks."""
    categories = taxonomy.load()
    with (shared / "essential_uk.tsv").open(encoding="utf-8") as file:
        needed = [
            row[1] for row in csv.reader(file, delimiter="\t") if row and row[0] in NEEDED_KINDS
        ]
    assert len(needed) > 50
    blocked = [
        f"{name}: {match.rule} of {match.category}"
        for name in needed
        for match in matches(table_without("essential"), name)
        if match.category in categories and categories[match.category].action == "block"
    ]
    assert blocked == []


def test_help_links_are_not_blocked() -> None:
    """A block page that points to a blocked page helps nobody."""
    blocked = [
        f"{category.id}: {link.url}: {match.rule}"
        for category in taxonomy.load().values()
        for link in category.help
        for match in matches(table_without("essential"), urlsplit(link.url).hostname or "")
    ]
    assert blocked == []


def test_lists_can_be_read_back() -> None:
    faults: list[str] = []
    text = "# x\n\na.com  # why\n*.bet\nbad entry\n=exact.example\n"
    found = starters.read_list(text, "gambling", "starter/gambling.txt", faults)
    assert [match for _, match in found] == [
        Match("gambling", rule, ("starter:gambling",))
        for rule in ("a.com", "*.bet", "=exact.example")
    ]
    assert len(faults) == 1 and faults[0].startswith("starter/gambling.txt:5: ")


def test_keyword_table_faults_come_at_once() -> None:
    good = (
        '[[keyword]]\ntoken = "porn"\ncategory = "adult"\nprecision = 0.9\nevidence = "x"\n'
        'exceptions = ["revengeporn"]\n'
    )
    assert starters.read_keywords(good)[0].exceptions == ("revengeporn",)
    with pytest.raises(starters.StarterFault) as caught:
        starters.read_keywords(good + good.replace("0.9", "9.0") + '[[keyword]]\ntoken = "x"\n')
    assert len(caught.value.faults) == 2
    with pytest.raises(starters.StarterFault, match="TOML"):
        starters.read_keywords("[[")


def test_patterns_carry_their_exceptions() -> None:
    for pattern, match in patterns():
        if match.keyword:
            assert pattern == Pattern.parse(pattern.text, pattern.exceptions)
