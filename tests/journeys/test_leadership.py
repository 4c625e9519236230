"""Senior leadership: sees figures, checks, decisions and the report; changes nothing."""

from __future__ import annotations

import pytest

from portal import pages
from tests.journeys.installation import SUSPECT
from tests.journeys.visiting import Visitors
from tests.portal.test_browser import pytestmark as pytestmark  # noqa: PLC0414


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
    routes = {route.path for module in pages.modules() for route in module.router.routes}
    if path not in routes:
        pytest.skip(f"there is no page {path} yet")
    visit = visitors.person("lea")
    assert visit.page.goto(visitors.hub.url + path).status == 200
    visit.shoot(path[1:])
    text = visit.text()
    assert "Lea Leader" in text and SUSPECT not in text
