"""The tutor: signs in by a link, checks a site, opens it for one room and a while, ends it."""

from __future__ import annotations

import pytest

from tests.journeys.installation import LEARNER, NEIGHBOUR, seconds_until
from tests.journeys.visiting import Visit, Visitors, sign_in
from tests.portal.browsing import pytestmark as pytestmark  # noqa: PLC0414
from tests.portal.visitors import PASSWORD

SITE = "www.facebook.com"
LIVE_SECONDS_MAX = 10.0


@pytest.fixture(scope="module")
def tom(visitors: Visitors) -> Visitors:
    """Tom with the password that he chose himself, by the link that Ada gave him."""
    ada = visitors.person("ada")
    ada.go("/people/id/tom")
    ada.press("Give a link to choose a password")
    ada.heads("A link for Tom Tutor")
    link = ada.page.locator("main input, main code, main .lychgate-whole").first
    text = link.input_value() if link.evaluate("e => e.tagName") == "INPUT" else link.inner_text()
    tom = visitors.anonymous()
    tom.go(text.strip())
    tom.fill("Choose a password", PASSWORD)
    tom.fill("Enter the password again", PASSWORD)
    tom.shoot("choose-password")
    tom.press("Save")
    tom.reads("Your sign-in name")
    sign_in(tom, "tom")
    tom.heads("Overview")
    tom.shoot("tutor-overview")
    visitors.keep("tom", tom)
    return visitors


@pytest.mark.parametrize(
    ("phone", "scripts"),
    [(False, True), (True, True), (True, False)],
    ids=["desk", "phone", "phone-no-scripts"],
)
def test_a_site_for_one_room_and_a_while(tom: Visitors, phone: bool, scripts: bool) -> None:
    hub = tom.hub
    assert not hub.opens(SITE)
    visit = tom.person("tom", phone=phone, scripts=scripts)
    visit.go("/check")
    visit.fill("Site", f"https://{SITE}/some/page")
    visit.fill("Room or venue", "room:crewe/it-suite")
    visit.press("Check")
    visit.reads("Blocked")
    visit.shoot("check")
    visit.press("Approve Facebook")
    visit.heads("Approve sites for a class")
    visit.fill("What is it for?", "Employer profiles")
    visit.tick("The end of this lesson: 60 minutes")
    visit.shoot("approve")
    visit.press("See what would happen")
    visit.heads("Approve this?")
    visit.shoot("approve-confirm")
    visit.press("Do it")
    visit.reads("Approved. It is open within seconds")
    assert seconds_until(lambda: hub.opens(SITE, LEARNER), "it opens") < LIVE_SECONDS_MAX
    assert not hub.opens(SITE, NEIGHBOUR), "for no other room"
    visit.shoot("approvals")
    visit.press("End now")
    visit.reads("It is closed again.")
    assert seconds_until(lambda: not hub.opens(SITE), "it closes") < LIVE_SECONDS_MAX
    assert visit.looker.complaints == []


def test_a_learner_asks_and_the_tutor_answers(tom: Visitors) -> None:
    learner: Visit = tom.anonymous(phone=True)
    learner.go("/here/ask?site=www.instagram.com")
    learner.page.get_by_label("Why? (optional)").fill("For my CV")
    learner.press("Send")
    learner.reads("Your code is")
    code = learner.page.locator("strong.lychgate-whole").inner_text()
    tutor = tom.person("tom")
    tutor.go("/requests")
    tutor.shoot("requests")
    tutor.press("instagram.com")
    tutor.tick("Open it for a while")
    tutor.page.get_by_label("Where", exact=True).select_option("room:crewe/it-suite")
    tutor.tick("The end of this lesson: 60 minutes")
    tutor.fill("Why?", "CV workshop")
    tutor.shoot("request")
    tutor.press("See what would happen")
    tutor.press("Do it")
    tutor.reads("Decided. Whoever asked can see it")
    seconds_until(lambda: tom.hub.opens("www.instagram.com"), "it opens")
    learner.go("/here/answer")
    learner.fill("Your code", code)
    learner.press("See the answer")
    learner.reads("The site was opened for a while.")
