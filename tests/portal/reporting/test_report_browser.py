"""The report in Chromium, as a page and as the file that is kept: desk and phone width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.happenings import batch, detail, fill, record
from tests.portal.browsing import arrive, browser, furnished, pytestmark
from tests.portal.reporting.test_report import happen
from tests.portal.test_checks import furnish
from tests.portal.visitors import SATURDAY, House

__all__ = ["browser", "pytestmark"]

LONG = ".".join(["x" * 60] * 4)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with a busy week in two venues, checks, and names that do not fit."""

    async def live(made: House) -> None:
        await furnish(made)
        await happen(made)
        assert made.services.evidence is not None
        await fill(made.services.evidence, SATURDAY - 60, events=300)
        many = [
            detail(SATURDAY - n, LONG, address=f"10.9.9.{n}", rule="x" * 200) for n in range(1, 9)
        ]
        await record(made.services.evidence, batch("odd", many), at=SATURDAY)

    with furnished(tmp_path, live) as address:
        yield address


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_from_the_figures_to_a_file_that_is_kept(
    url: str, browser: Any, tmp_path: Path, width: str
) -> None:
    page, looker = arrive(browser, url, "lea", "/figures", tmp_path, width, accept_downloads=True)
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
