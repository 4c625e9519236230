"""The report in Chromium, as a page and as the file that is kept: desk and phone width."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.happenings import batch, detail, fill, record
from tests.portal.loopback import on_loopback
from tests.portal.reporting.test_report import happen
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
from tests.portal.visitors import PASSWORD, SATURDAY, House, house

__all__ = ["browser", "pytestmark"]

LONG = ".".join(["x" * 60] * 4)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with a busy week in two venues, checks, and names that do not fit."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[House]:
        async with house(tmp_path, evidence=True, host_names=("127.0.0.1",)) as made:
            await furnish(made)
            await happen(made)
            assert made.services.evidence is not None
            await fill(made.services.evidence, SATURDAY - 60, events=300)
            many = [
                detail(SATURDAY - n, LONG, address=f"10.9.9.{n}", rule="x" * 200)
                for n in range(1, 9)
            ]
            await record(made.services.evidence, batch("odd", many), at=SATURDAY)
            yield made

    with on_loopback(serve) as served:
        yield served.url


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_from_the_figures_to_a_file_that_is_kept(
    url: str, browser: Any, tmp_path: Path, width: str
) -> None:
    size = DESK if width == "desk" else PHONE
    page = browser.new_context(viewport=size, accept_downloads=True).new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))
    page.goto(f"{url}/sign-in?next=/figures")
    page.get_by_label("Your sign-in name").fill("lea")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="The whole report").click()
    page.get_by_role("heading", level=1, name="Filtering report").wait_for()
    looker.look("report", width)
    page.get_by_label("Venue", exact=True).select_option("derby")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("Derby hub. As of").wait_for()
    looker.look("report-derby", width)
    page.goto(f"{url}/report?period=30")
    kept = tmp_path / "kept.html"
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download as HTML").click()
    coming.value.save_as(kept)
    assert coming.value.suggested_filename == "lychgate-report-2026-10-23-to-2026-11-21.html"
    page.goto(kept.as_uri())
    page.get_by_role("heading", level=1, name="Filtering report").wait_for()
    looker.look("report-kept", width)
    # As it is printed: nothing is cut off at the side, and every table is there.
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    looker.look("report-printed", width)
    assert page.locator("table").count() > 10
    assert not looker.complaints
