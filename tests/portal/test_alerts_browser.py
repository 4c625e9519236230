"""Alerts in Chromium, at desk and phone width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.portal.browsing import arrive, browser, furnished, pytestmark
from tests.portal.test_alerts import WHY, furnish

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with alerts, on loopback."""
    with furnished(tmp_path, furnish) as address:
        yield address


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_looking_after_an_alert(url: str, browser: Any, tmp_path: Path, width: str) -> None:
    page, looker = arrive(browser, url, "dora", "/alerts", tmp_path, width)
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
