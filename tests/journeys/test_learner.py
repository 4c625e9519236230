"""The learner: understands a block, asks for a review without a name, goes on past a warning."""

from __future__ import annotations

import pytest

from tests.journeys.installation import NEIGHBOUR, PAGE, seconds_until
from tests.journeys.visiting import OURS, Visitors
from tests.portal.browsing import pytestmark as pytestmark  # noqa: PLC0414


@pytest.mark.parametrize(
    ("phone", "scripts", "shop"),
    [(False, True, "amazon.co.uk"), (True, False, "www.ebay.co.uk")],
    ids=["desk", "phone-no-scripts"],
)
def test_blocked_and_warned(visitors: Visitors, phone: bool, scripts: bool, shop: str) -> None:
    hub = visitors.hub
    visit = visitors.anonymous(phone=phone, scripts=scripts)
    assert hub.ask("www.bet365.com") == hub.ask(OURS) == PAGE
    visit.go("http://www.bet365.com/in-play")
    visit.heads("www.bet365.com is blocked here")
    visit.reads("Gambling")
    assert visit.page.get_by_role("link", name="BetBlocker").get_attribute("href")
    visit.shoot("block-page")
    visit.page.get_by_label("Why do you need it?").fill("A course on odds")
    visit.press("Ask for a review")
    visit.reads("Your code is")
    visit.shoot("block-page-asked")
    code = visit.page.locator(".govuk-panel__body").inner_text().split()[-1]

    assert hub.ask(shop) == PAGE
    visit.go(f"http://{shop}/basket")
    visit.heads("Think first")
    visit.shoot("warned")
    visit.press("I understand, continue")
    visit.heads("You can go on")
    seconds_until(lambda: hub.opens(shop), "it opens past the warning")
    assert hub.ask(shop, NEIGHBOUR) == PAGE, "for nobody else"

    visit.go(f"http://{OURS}/")
    visit.heads("What was blocked here")
    visit.reads("www.bet365.com")
    visit.shoot("blocked-here")
    visit.go("/here/answer")  # where the page with the code leads
    visit.fill("Your code", code)
    visit.press("See the answer")
    visit.reads("Nobody has decided yet.")
    visit.shoot("answer")
