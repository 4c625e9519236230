"""The page of needs is whole and true: every need has a row, and every test it names is there."""

from __future__ import annotations

import re

import pytest

from tests.house.repository import ROOT

PAGE = ROOT / "docs" / "needs.md"
DESIGN = ROOT / "docs" / "design.md"
_PATH = re.compile(r"`(tests/[^`\s]+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of each row of the table under a heading, without its head."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"{heading}\n")
    section = re.split(r"(?m)^## ", rest, maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


NEEDS = rows("# What is needed, and where it stands")
PEOPLE = rows("## By person")


def needs_of_the_design() -> list[str]:
    """The ids of the needs, as the design has them."""
    return re.findall(r"(?m)^\| (N\d+) \|", DESIGN.read_text(encoding="utf-8"))


def test_the_needs_are_exactly_those_of_the_design() -> None:
    told = [row[0].split()[0] for row in NEEDS]
    assert told == needs_of_the_design() == [f"N{number}" for number in range(1, 21)]


@pytest.mark.parametrize("row", NEEDS, ids=lambda row: row[0].split()[0])
def test_every_need_says_what_stands_where_by_which_test_and_what_is_missing(
    row: list[str],
) -> None:
    need, stands, where, shown_by, missing = row
    assert need and stands and where and missing
    assert _PATH.search(shown_by), "a need without a test is not met"


@pytest.mark.parametrize("row", PEOPLE, ids=lambda row: row[0])
def test_every_person_is_told_where_and_by_which_test(row: list[str]) -> None:
    person, does, shown_by = row
    assert person and does
    assert _PATH.search(shown_by)


def test_every_person_of_the_design_is_there() -> None:
    text = DESIGN.read_text(encoding="utf-8").partition("## 1.")[2].partition("## 2.")[0]
    in_design = [line.split("|")[1].split()[0] for line in text.splitlines() if "|" in line][2:]
    assert [row[0].split()[0] for row in PEOPLE] == [
        {"senior": "leadership,", "tutor": "tutor,"}.get(first, first) for first in in_design
    ]


def test_every_path_that_is_named_exists() -> None:
    named = _PATH.findall(PAGE.read_text(encoding="utf-8"))
    assert not [path for path in named if not (ROOT / path).exists()]
