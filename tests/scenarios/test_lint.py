"""The scenarios are linted, and the linter and the language are held to what they promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios import language, loopback, virtual
from tests.scenarios.language import CASES, Scenario, ScenarioFault
from tests.scenarios.lint import lint, lint_together

ALL = language.load()
GOOD = """\
TITLE An address comes back as the upstream gave it
GUARDS RFC 1035 section 4.1.1: "a sentence that is long enough"
UPSTREAM main
  ASK www.example.com A
    ANSWER www.example.com. 300 A 192.0.2.1
STEP 10 QUERY www.example.com A RD
STEP 20 CHECK_ANSWER NOERROR RD RA
  ANSWER www.example.com. 300 A 192.0.2.1
END
"""


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.id)
def test_scenario_is_clean(scenario: Scenario) -> None:
    assert list(lint(scenario)) == []


def words(text: str) -> str:
    """The text without its line breaks and table bars."""
    return " ".join(text.replace("|", " ").split())


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.id)
def test_the_design_says_what_is_quoted_from_it(scenario: Scenario) -> None:
    """An RFC cannot be looked up here; our own design can."""
    design = words((CASES.parents[2] / "docs" / "design.md").read_text(encoding="utf-8"))
    for guard in scenario.guards:
        source, _, quotation = guard.partition(': "')
        if source.startswith("DESIGN"):
            assert words(quotation.rstrip('"')) in design


def test_titles_are_unique() -> None:
    assert list(lint_together(ALL)) == []


def test_there_are_enough_scenarios() -> None:
    assert len(ALL) >= 80


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.id)
def test_some_runner_plays_it(scenario: Scenario) -> None:
    assert None in (virtual.reason_to_skip(scenario), loopback.reason_to_skip(scenario))


def faults(text: str) -> str:
    return "\n".join(lint(language.read(text, CASES / "sample.scn")))


def test_a_good_scenario_has_no_faults() -> None:
    assert faults(GOOD) == ""


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("STEP 20 CHECK_ANSWER NOERROR RD RA", "STEP 20 TIME_PASSES 1", "never checked"),
        ("STEP 20", "STEP 5", "must rise"),
        ("GUARDS RFC 1035 section 4.1.1:", "GUARDS somebody said:", "GUARDS"),
        ("END\n", "END\nSTEP 30 TIME_PASSES 1\n", "nothing behind it"),
        ("END\n", "", "must be END"),
        ("UPSTREAM main\n", "FORWARD a.example to inside\nUPSTREAM main\n", "no such UPSTREAM"),
        ("UPSTREAM main\n", "SET colour = 1\nUPSTREAM main\n", "colour"),
        ("UPSTREAM main\n", "UPSTREAM main\n  ASK * *\n    RCODE NXDOMAIN\n", "never reached"),
        ("STEP 20 CHECK_ANSWER", "STEP 20 CHECK_ANSWER of 15", "checks no query"),
    ],
)
def test_a_fault_is_found(before: str, after: str, complaint: str) -> None:
    assert before in GOOD
    assert complaint in faults(GOOD.replace(before, after, 1))


@pytest.mark.parametrize(
    "line",
    ["STEP ten QUERY a A", "STEP 10 SHOUT", "WHATEVER", "UPSTREAM main STEPS 3", "SET a b", "  x"],
)
def test_what_is_no_scenario_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ScenarioFault, match=r"sample.scn:1: "):
        language.read(line, Path("sample.scn"))
