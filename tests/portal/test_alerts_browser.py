"""Alerts in Chromium, at desk and phone width."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.portal.loopback import on_loopback
from tests.portal.test_alerts import WHY, furnish
from tests.portal.test_browser import (
    DESK,
    PHONE,
    START_SECONDS_MAX,
    Looker,
    browser,
    pictures,
    pytestmark,
)
from tests.portal.visitors import PASSWORD, House, house

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with alerts, on loopback."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[House]:
        async with house(tmp_path, evidence=True, host_names=("127.0.0.1",)) as made:
            await furnish(made)
            yield made

    with on_loopback(serve) as served:
        yield served.url


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_looking_after_an_alert(url: str, browser: Any, tmp_path: Path, width: str) -> None:
    page = browser.new_context(viewport=DESK if width == "desk" else PHONE).new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))
    page.goto(f"{url}/sign-in?next=/alerts")
    page.get_by_label("Your sign-in name").fill("dora")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name="Alerts").wait_for()
    looker.look("alerts", width)
    page.get_by_role("link", name="Alert 1: Extremism").click()
    page.get_by_role("button", name="I look after this").click()
    page.get_by_text("You look after this alert.").wait_for()
    looker.look("alert", width)
    page.get_by_label("Why do you need to know?").fill(WHY)
    page.get_by_role("button", name="Show the device").click()
    page.get_by_text("10.20.3.7").wait_for()
    looker.look("alert-revealed", width)
    page.get_by_label("The end of today").check()
    page.get_by_label("Why?").fill("While we talk.")
    page.get_by_role("button", name="Withdraw its access").click()
    page.get_by_text("Its access is withdrawn.").wait_for()
    page.get_by_role("button", name="Close the alert").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    looker.look("alert-fault", width)
    page.get_by_label("Spoken with the learner").check()
    page.get_by_label("Note").fill("Spoken with the tutor.")
    page.get_by_role("button", name="Close the alert").click()
    page.get_by_text("The alert is closed.").wait_for()
    looker.look("alert-closed", width)
    for path in ("held", "notices", "id/1/export"):
        page.goto(f"{url}/alerts/{path}")
        looker.look(f"alerts-{path.replace('/', '-')}", width)
