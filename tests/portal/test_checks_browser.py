"""Filter checks in Chromium, at desk and phone width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.portal.browsing import arrive, browser, furnished, pytestmark
from tests.portal.test_checks import furnish

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with checks, on loopback."""
    with furnished(tmp_path, furnish) as address:
        yield address


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_a_check_from_running_to_what_was_done(
    url: str, browser: Any, tmp_path: Path, width: str
) -> None:
    page, looker = arrive(browser, url, "ada", "/checks", tmp_path, width)
    page.get_by_role("heading", level=1, name="Filter checks").wait_for()
    looker.look("checks", width)
    page.goto(f"{url}/")
    page.get_by_text("1 failed").wait_for()
    looker.look("overview-checks", width)
    page.get_by_role("link", name="Filter checks").last.click()
    page.get_by_role("button", name="Check now").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    page.get_by_label("Venue").select_option("Crewe hub")
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("The filter was checked").wait_for()
    page.goto(f"{url}/checks/id/1")
    page.get_by_label("What was done about it").fill("The profile was put right.")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("The profile was put right.").wait_for()
    page.locator("summary").click()
    looker.look("check", width)
    page.goto(f"{url}/checks/names")
    page.get_by_label("Site", exact=True).fill("new.example")
    page.get_by_label("Must be blocked").check()
    page.get_by_label("Reason").fill("Learners tried it.")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("The test site is added").wait_for()
    looker.look("check-names", width)
