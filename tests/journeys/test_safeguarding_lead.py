"""The safeguarding lead: an alert comes of itself, is looked behind, acted on, closed, exported."""

from __future__ import annotations

import time

from tests.journeys.installation import LEARNER, SUSPECT, Installation, seconds_until
from tests.journeys.visiting import Visit, Visitors
from tests.portal.browsing import pytestmark as pytestmark  # noqa: PLC0414

LEARNING = "www.example.org"
ALERT_SECONDS_MAX = 60.0


def test_an_alert_from_queries_to_its_outcome(visitors: Visitors) -> None:
    hub = visitors.hub
    assert hub.opens(LEARNING, SUSPECT)
    hub.attempt()
    visit = visitors.person("dora")

    def is_there() -> bool:
        visit.go("/alerts")
        return "Extremism" in visit.page.locator("tbody").first.inner_text()

    print("alert after seconds:", _wait(is_there))
    visit.shoot("alerts")
    visit.press("Extremism")
    visit.press("I look after this")
    visit.reads("You look after this alert.")
    visit.reads("ironmarch.org")
    assert SUSPECT not in visit.text(), "a pseudonym until somebody gives a reason"
    visit.shoot("alert")
    address = visit.page.url
    _withdraw(hub, visit)
    visit.go(address)
    visit.tick("Spoken with the learner")
    visit.fill("Note", "Spoken with the tutor; no further step.")
    visit.press("Close the alert")
    visit.reads("The alert is closed.")
    visit.shoot("alert-closed")
    visit.press("Print the incident")
    visit.heads("Incident")
    assert "ironmarch.org" in visit.text() and SUSPECT not in visit.text()
    visit.shoot("incident")
    visit.go("/alerts/held")
    visit.heads("Held back")
    visit.shoot("held")
    ada = visitors.person("ada")
    ada.go("/audit")
    assert "Looked behind a pseudonym" in ada.page.locator("tbody").inner_text()


def _wait(is_there: object) -> float:
    assert callable(is_there)
    began = time.monotonic()
    while not is_there():
        assert time.monotonic() - began < ALERT_SECONDS_MAX, "no alert"
        time.sleep(0.5)
    return time.monotonic() - began


def _withdraw(hub: Installation, visit: Visit) -> None:
    visit.fill("Why do you need to know?", "To speak with the learner today")
    visit.press("Show the device")
    visit.reads(SUSPECT)
    visit.shoot("alert-revealed")
    visit.tick("The end of today")
    visit.fill("Why?", "While we talk")
    visit.press("Withdraw its access")
    visit.reads("Its access is withdrawn.")
    seconds_until(lambda: not hub.opens(LEARNING, SUSPECT), "only essentials")
    assert hub.opens("www.gov.uk", SUSPECT) and hub.opens(LEARNING, LEARNER)
    visit.fill("Why do you need to know?", "To give it back after the talk")
    visit.press("Show the device")
    visit.fill("Why?", "We have spoken")
    visit.press("Give its access back")
    visit.reads("It has its access back.")
    seconds_until(lambda: hub.opens(LEARNING, SUSPECT), "everything again")
