"""The query log in Chromium, at desk and phone width."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.happenings import batch, detail, fill, record
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
from tests.portal.visitors import PASSWORD, SATURDAY, House, house

__all__ = ["browser", "pytestmark"]

LONG = ".".join(["x" * 60] * 4)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal in which things happened, on loopback."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[House]:
        async with house(tmp_path, evidence=True, host_names=("127.0.0.1",)) as made:
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
            yield made

    with on_loopback(serve) as served:
        yield served.url


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_searching_the_log(url: str, browser: Any, tmp_path: Path, width: str) -> None:
    size = DESK if width == "desk" else PHONE
    page = browser.new_context(viewport=size).new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))
    page.goto(f"{url}/sign-in?next=/query-log")
    page.get_by_label("Your sign-in name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
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
