"""Senior leadership: sees figures, checks, decisions and the report; changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.installation import SUSPECT
from tests.journeys.visiting import Visitors
from tests.portal.browsing import pytestmark as pytestmark  # noqa: PLC0414


def test_decisions_with_their_reasons(visitors: Visitors) -> None:
    visit = visitors.person("lea")
    visit.go("/")
    visit.heads("Overview")
    visit.shoot("leadership-overview")
    visit.go("/audit")
    visit.reads("A scam")
    visit.go("/rules/review")
    assert visit.page.locator("h1").count() == 1
    visit.go("/profiles/id/learners")
    visit.reads("Gambling")
    visit.go("/venues/add")
    visit.fill("Name", "Elsewhere")
    visit.fill("Networks", "10.99.0.0/16")
    visit.press("See what will happen")
    visit.heads("You may not do this")
    assert visit.page.goto(f"{visitors.hub.url}/alerts").status in (200, 403)
    assert SUSPECT not in visit.text()


@pytest.mark.parametrize("path", ["/figures", "/checks", "/report"])
def test_figures(visitors: Visitors, path: str) -> None:
    visit = visitors.person("lea")
    assert visit.page.goto(visitors.hub.url + path).status == 200
    visit.shoot(path[1:])
    text = visit.text()
    assert "Lea Leader" in text and SUSPECT not in text


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_the_report_is_read_and_taken_home(visitors: Visitors, scripts: bool) -> None:
    visit = visitors.person("lea", scripts=scripts)
    visit.go("/figures")
    visit.press("The whole report")
    visit.heads("Filtering report")
    visit.fill("Period", "7")
    visit.fill("Venue", "crewe")
    visit.press("Show")
    visit.reads("As of")
    for part in ("Policy in force", "Changes of the policy", "Decisions due for review"):
        visit.reads(part)
    names = []
    for button, begins in (("HTML", b"<!DOCTYPE html>"), ("spreadsheet", b'"Section"')):
        with visit.page.expect_download() as coming:
            visit.press(f"Download {'as' if button == 'HTML' else 'for a'} {button}")
        names.append(coming.value.suggested_filename)
        kept = Path(coming.value.path()).read_bytes()
        assert kept.startswith(begins) and SUSPECT.encode() not in kept
    assert [name.rpartition(".")[2] for name in names] == ["html", "csv"]
