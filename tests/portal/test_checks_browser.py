"""Filter checks in Chromium, at desk and phone width."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.portal.loopback import on_loopback
from tests.portal.test_browser import (
    DESK,
    PHONE,
    START_SECONDS_MAX,
    Looker,
    browser,
    pictures,
    pytestmark,
)
from tests.portal.test_checks import furnish
from tests.portal.visitors import PASSWORD, House, house

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with checks, on loopback."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[House]:
        async with house(tmp_path, evidence=True, host_names=("127.0.0.1",)) as made:
            await furnish(made)
            yield made

    with on_loopback(serve) as served:
        yield served.url


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_a_check_from_running_to_what_was_done(
    url: str, browser: Any, tmp_path: Path, width: str
) -> None:
    page = browser.new_context(viewport=DESK if width == "desk" else PHONE).new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))
    page.goto(f"{url}/sign-in?next=/checks")
    page.get_by_label("Your sign-in name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
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
