"""Every page of the portal, found from its routes: accessible, no wider than a desk or a phone."""

from __future__ import annotations

import re
from typing import Any, Final

from portal import pages
from tests.journeys.visiting import Visit, Visitors
from tests.lychgate.running import wait_until
from tests.portal.browsing import AXE, DESK, PHONE, TAGS
from tests.portal.browsing import pytestmark as pytestmark  # noqa: PLC0414

VALUES: Final = {
    "venue": "crewe",
    "room": "it-suite",
    "device": "pc",
    "profile": "learners",
    "person": "tom",
    "role": "tutor",
    "page": "gambling",
    "number": "1",
}
"""What stands in the place of each parameter; a new one needs a line."""
QUERIES: Final = {
    "/why": "name=www.bet365.com&place=venue:crewe",
    "/settings/terms/change": "name=spring",
    "/profiles/id/{profile}/periods/change": "name=lunch",
    "/rules/essentials/remove": "site=learning.example",
    "/rules/bundles/change": "id=learning",
    "/rules/bundles/remove": "id=learning",
    "/lists/show": "id=hagezi:gambling",
    "/profiles/compare": "one=learners&other=staff",
}
LEFT_OUT: Final = {
    "/link/{secret}": "leads on at once",
    "/set-up": "only while nobody has an account; test_administrator.py sees it",
    "/choose-password": "only by a link; test_tutor.py sees it",
    "/come-in": "only by a link made at the machine",
    "/sign-in": "leads on who is signed in; tests/portal/test_browser.py looks at it",
    "/sign-in/code": "only after a password; tests/portal/test_browser.py looks at it",
    "/sign-in/openid": "leads to a provider; there is none",
    "/sign-in/openid/return": "comes from a provider",
    "/sign-in/openid/sign-out": "leads to a provider",
    "/lists/difference": "only while an update waits; test_deciding_browser.py looks at it",
    "/requests/export": "a file",
    "/report/download": "a file",
    "/query-log/export.csv": "a file",
    "/audit/export.csv": "a file",
    "/alerts/id/{number}/export.json": "a file",
    "/alerts/id/{number}/export.csv": "a file",
}


def test_every_page_at_both_widths(visitors: Visitors) -> None:
    hub = visitors.hub
    hub.attempt()
    learner = visitors.anonymous()
    learner.go("/here/ask?site=www.weibo.com")
    learner.press("Send")
    learner.reads("Your code is")
    visits = {id: visitors.person(id) for id in ("ada", "dora")}
    faults: list[str] = []
    titles: dict[str, list[str]] = {}
    number = _first_alert(visits["dora"])
    _check(visits["ada"])
    for route, path in paths():
        if route.startswith("/alerts/id/"):
            path = path.replace("/id/1", f"/id/{number}")  # noqa: PLW2901 - it has its number late
        # An administrator may see everything but what is the safeguarding lead's.
        visit = visits["dora" if route.startswith("/alerts") else "ada"]
        answer = visit.page.goto(hub.url + path)
        if answer.status != 200:
            faults.append(f"{path}: status {answer.status}: {visit.text()[:300]}")
            continue
        titles.setdefault(visit.page.title(), []).append(path)
        visit.page.evaluate(AXE.read_text(encoding="utf-8"))
        for size in (DESK, PHONE):
            visit.page.set_viewport_size(size)
            faults += _look(visit.page, f"{path} at {size['width']}")
    for visit in visits.values():
        faults += [f"console: {text}" for text in visit.looker.complaints]
    faults += [f"{title}: {same}" for title, same in titles.items() if len(same) > 1]
    assert not faults, "\n".join(faults)
    assert sum(map(len, titles.values())) > 50, "routes are no longer found"


def _check(visit: Visit) -> None:
    """Run a check, so that there is one to look at."""
    visit.go("/checks")
    visit.page.locator("select[name=venue]").select_option("crewe")
    visit.press("Check now")
    visit.reads("The filter was checked")


def _first_alert(visit: Visit) -> str:
    def number() -> str | None:
        visit.go("/alerts")
        link = visit.page.locator("tbody a").first
        return link.get_attribute("href").rpartition("/")[2] if link.count() else None

    return str(wait_until(number, "an alert", 60.0))


def paths() -> list[tuple[str, str]]:
    """Each GET route of the pages that is not left out, and a path of it."""
    routes = [
        route.path
        for module in pages.modules()
        for route in module.router.routes
        if "GET" in route.methods
    ]
    unknown = LEFT_OUT.keys() - set(routes)
    assert not unknown, f"no such routes: {unknown}"
    found = []
    for route in sorted(set(routes) - LEFT_OUT.keys()):
        path = re.sub(r"\{(\w+)(:\w+)?\}", lambda part: VALUES[part[1]], route)
        found.append((route, path + (f"?{QUERIES[route]}" if route in QUERIES else "")))
    return found


def _look(page: Any, where: str) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    violations = page.evaluate("o => axe.run(document, o).then(r => r.violations)", options)
    faults = [
        f"{where}: {one['id']}: {one['help']}: {node['html'][:200]}"
        for one in violations
        for node in one["nodes"]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide <= 0:
        return faults
    # Named, because an element that sticks out is tedious to find.
    out = page.evaluate(
        """() => [...document.querySelectorAll('main *')]
        .filter(e => e.getBoundingClientRect().right > innerWidth)
        .filter(e => !e.closest('.lychgate-scrolling'))
        .slice(0, 3).map(e => e.outerHTML.slice(0, 150))"""
    )
    return [*faults, f"{where}: {wide} px too wide: {out}"]
