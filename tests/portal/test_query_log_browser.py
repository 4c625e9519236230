"""The query log in Chromium, at desk and phone width."""

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
    """A portal in which things happened, on loopback."""

    async def live(made: House) -> None:
        assert made.services.evidence is not None
        await fill(made.services.evidence, SATURDAY - 60, events=80)
        odd = [
            detail(SATURDAY - 5, LONG, rule="x" * 200, queries=12),
            detail(
                SATURDAY - 4,
                "my-casino-bonus.example",
                action="allow",
                reason="default",
                category="",
                rule="",
                sources=(),
                suggestions=("gambling:~casino", "gambling:~bonus"),
            ),
        ]
        await record(made.services.evidence, batch("odd", odd), at=SATURDAY)

    with furnished(tmp_path, live) as address:
        yield address


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_searching_the_log(url: str, browser: Any, tmp_path: Path, width: str) -> None:
    page, looker = arrive(browser, url, "ada", "/query-log", tmp_path, width)
    page.get_by_role("heading", level=1, name="Query log").wait_for()
    looker.look("query-log", width)
    page.get_by_role("link", name="Older queries").click()
    page.wait_for_url("**before=*")
    looker.look("query-log-older", width)
    page.get_by_label("Category").select_option("gambling")
    page.get_by_label("From").fill("2026-11-20")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**category=gambling*")
    looker.look("query-log-found", width)
    page.goto(f"{url}/query-log?since=nonsense")
    page.get_by_role("heading", name="There is a problem").wait_for()
    looker.look("query-log-fault", width)
