"""From a learner's request to a tutor's decision in Chromium, at desk and phone width."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from blocklists.tracing import Trace
from tests.portal.browsing import (
    DESK,
    PHONE,
    START_SECONDS_MAX,
    Looker,
    browser,
    pictures,
    pytestmark,
)
from tests.portal.hub import hub
from tests.portal.loopback import on_loopback
from tests.portal.visitors import PASSWORD, House, NoLists

__all__ = ["browser", "pytestmark"]

HOSTILE = "x" * 60 + ".example"


class Traced(NoLists):
    """A list that has every name."""

    def trace(self, name: str) -> list[Any]:
        day = date(2026, 3, 1)
        return [
            Trace("ut1:social", "UT1 social networks", "social-media", name, 4711, day, "v1",
                  "filters", False, "", ""),
        ]  # fmt: skip


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A hub's portal on loopback; the browser is in its lab."""

    async def popular(names: Any) -> dict[str, int]:
        return dict.fromkeys(names, 4321)

    @asynccontextmanager
    async def serve() -> AsyncIterator[House]:
        async with hub(tmp_path, lists=Traced(), asked=popular) as made:
            yield made

    with on_loopback(serve) as served:
        yield served.url


@pytest.mark.parametrize(
    ("width", "scripts"),
    [("desk", True), ("phone", True), ("phone", False)],
    ids=["desk", "phone", "phone-no-scripts"],
)
def test_from_a_request_to_its_answer(
    url: str, browser: Any, tmp_path: Path, scripts: bool, width: str
) -> None:
    size = DESK if width == "desk" else PHONE
    learner = browser.new_context(viewport=size, java_script_enabled=scripts).new_page()
    tutor = browser.new_context(viewport=size, java_script_enabled=scripts).new_page()
    lookers = {page: Looker(page, pictures(tmp_path)) for page in (learner, tutor)}
    for page in lookers:
        page.set_default_timeout(START_SECONDS_MAX * 1000)

    def look(page: Any, name: str) -> None:
        if scripts:
            lookers[page].look(name, width)

    learner.goto(f"{url}/here")
    look(learner, "here")
    learner.goto(f"{url}/here/help")
    look(learner, "here-help")
    learner.goto(f"{url}/here/ask?site=facebook.com")
    look(learner, "here-ask")
    learner.get_by_label("Why? (optional)").fill("For my CV,\nand for an essay")
    learner.get_by_role("button", name="Send").click()
    learner.get_by_text("Your code is").wait_for()
    look(learner, "here-asked")
    code = learner.locator("strong.lychgate-whole").inner_text()
    learner.goto(f"{url}/here/ask?kind=close&site={HOSTILE}")
    learner.get_by_role("button", name="Send").click()
    learner.get_by_text("Your code is").wait_for()

    tutor.goto(f"{url}/sign-in?next=/requests")
    look(tutor, "sign-in-links")
    tutor.get_by_label("Your sign-in name").fill("cy")
    tutor.get_by_label("Password", exact=True).fill(PASSWORD)
    tutor.get_by_role("button", name="Sign in").click()
    tutor.get_by_role("heading", level=1, name="Requests for review").wait_for()
    look(tutor, "requests")
    tutor.get_by_role("link", name="facebook.com").click()
    tutor.get_by_role("heading", level=1, name="facebook.com").wait_for()
    look(tutor, "request")
    tutor.get_by_role("button", name="See what would happen").click()
    tutor.get_by_role("heading", name="There is a problem").wait_for()
    look(tutor, "request-faults")
    tutor.get_by_label("Open it for a while").check()
    look(tutor, "request-opening")
    tutor.get_by_label("Where", exact=True).select_option("room:crewe/lab")
    tutor.get_by_label("The end of this lesson: 60 minutes").check()
    tutor.get_by_label("Why?").fill("CV workshop")
    tutor.get_by_role("button", name="See what would happen").click()
    tutor.get_by_role("heading", level=1, name="Decide about facebook.com?").wait_for()
    look(tutor, "request-confirm")
    tutor.get_by_role("button", name="Do it").click()
    tutor.get_by_text("Decided. Whoever asked can see it").wait_for()
    look(tutor, "requests-decided")

    learner.goto(f"{url}/here/answer")
    look(learner, "here-answer")
    learner.get_by_label("Your code").fill(code)
    learner.get_by_role("button", name="See the answer").click()
    learner.get_by_text("The site was opened for a while.").wait_for()
    look(learner, "here-answered")

    tutor.goto(f"{url}/check")
    look(tutor, "check")
    tutor.get_by_label("Site", exact=True).fill("https://www.instagram.com/some/page")
    tutor.get_by_label("Room or venue").select_option("room:crewe/lab")
    tutor.get_by_role("button", name="Check").click()
    tutor.get_by_role("heading", level=2, name="instagram.com").wait_for()
    look(tutor, "check-blocked")
    tutor.get_by_role("button", name="Approve Instagram").click()
    tutor.get_by_role("heading", level=1, name="Approve sites for a class").wait_for()
    look(tutor, "approve")
    tutor.get_by_label("What is it for?").fill("Marketing class")
    tutor.get_by_label("The end of this lesson: 90 minutes").check()
    tutor.get_by_role("button", name="See what would happen").click()
    tutor.get_by_role("heading", level=1, name="Approve this?").wait_for()
    look(tutor, "approve-confirm")
    tutor.get_by_role("button", name="Do it").click()
    tutor.get_by_text("Approved. It is open within seconds").wait_for()
    look(tutor, "approvals")
    tutor.get_by_role("button", name="End now").first.click()
    tutor.get_by_text("It is closed again.").wait_for()
    for looker in lookers.values():
        assert looker.complaints == []
