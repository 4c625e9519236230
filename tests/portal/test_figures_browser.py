"""Figures and the report in Chromium, at desk and phone width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.happenings import batch, detail, fill, record
from tests.portal.browsing import arrive, browser, furnished, pytestmark
from tests.portal.visitors import SATURDAY, House

__all__ = ["browser", "pytestmark"]

LONG = ".".join(["x" * 60] * 4)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with a busy week in two venues, on loopback."""

    async def live(made: House) -> None:
        assert made.services.evidence is not None
        await fill(made.services.evidence, SATURDAY - 60, events=300)
        many = [
            detail(SATURDAY - n, LONG, address=f"10.9.9.{n}", rule="x" * 200) for n in range(1, 9)
        ]
        await record(made.services.evidence, batch("odd", many), at=SATURDAY)
        async with made.services.store.writing() as writing:
            for id, network in (("crewe", "203.0.113.0/25"), ("derby", "203.0.113.128/25")):
                await writing.put("venues", id, {"title": id.title(), "networks": [network]})

    with furnished(tmp_path, live) as address:
        yield address


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_looking_at_figures(url: str, browser: Any, tmp_path: Path, width: str) -> None:
    page, looker = arrive(browser, url, "lea", "/figures", tmp_path, width)
    page.get_by_role("heading", level=1, name="Too little or too much?").wait_for()
    looker.look("figures", width)
    page.get_by_label("Venue", exact=True).select_option("derby")
    page.get_by_label("Period", exact=True).select_option("7")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**venue=derby*")
    page.get_by_text("Derby. As of").wait_for()
    looker.look("figures-derby", width)
