"""The block page in Debian's Chromium, by the names of sites: usable and accessible at desk and
phone width, with and without scripts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evidence.pseudonyms import Identity
from lychgate import config
from lychgate.live_explaining import Explaining
from lychgate.portal_serving import make_services
from policy.commands.command import Actor
from policy.commands.pages import SetPage
from policy.store import Store
from policy.types import Grant
from portal.block_page import app as block_page
from portal.block_page.app import BlockPage, BlockPageSettings
from portal.block_page.recent import Recent
from tests.portal.browsing import (
    CHROMIUM,
    DESK,
    PHONE,
    START_SECONDS_MAX,
    Looker,
    pictures,
    pytestmark,
    sync_api,
)
from tests.portal.loopback import on_loopback

__all__ = ["pytestmark"]

OURS = "blocked.lychgate.internal"
ADA = Actor("ada", "Ada Admin", "portal", (Grant("administrator"),))
# Not facebook.com: browsers know that it speaks HTTPS only, and never ask for it by HTTP.
SITES = ("www.bet365.com", "amazon.co.uk", "www.weibo.com", "bad.invalid.example", OURS)


@dataclass
class Running:
    """A block page on loopback."""

    port: int
    services: Any


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A page on a store of its own, on a thread of its own."""

    async def lately(_: object, client: Any, at: float) -> list[Recent]:
        assert Identity(address=client["address"]).known_as
        return [
            Recent("www.bet365.com", at - 60, "gambling"),
            Recent(
                "a-very-long-name-of-a-site-that-somebody-registered.example", at - 90, "dating"
            ),
        ]

    monkeypatch.setattr(block_page, "recent", lately)

    @asynccontextmanager
    async def serve() -> AsyncIterator[tuple[BlockPage, Any]]:
        file = tmp_path / "lychgate.toml"
        file.write_text('server.state_directory = "."\ntelemetry.enabled = false\n')
        configuration = config.load(file)
        store = await Store.open(configuration.store_url, create=True)
        explaining = Explaining(configuration)
        try:
            services = await make_services(configuration, configuration.portal, store)
            services = replace(services, explain=explaining)
            text = "Worried about gambling? Talk to Maya in the office."
            await services.desk.perform(ADA, SetPage("gambling", text), at=services.clock())
            page = BlockPage(services, BlockPageSettings(OURS, portal_url="https://portal.example"))
            yield page, services
        finally:
            explaining.close()
            await store.close()

    with on_loopback(serve, lambda made: made[0]) as served:
        yield Running(served.port, served.made[1])


@pytest.fixture
def browser(running: Running) -> Iterator[Any]:
    """A browser for which every site of this test is at the block page, as the resolver says."""
    rules = ",".join(f"MAP {site}:80 127.0.0.1:{running.port}" for site in SITES)
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", f"--host-resolver-rules={rules}"]
        )
        yield started
        started.close()


@pytest.mark.parametrize(
    ("width", "scripts"), [("desk", True), ("phone", True), ("phone", False)], ids=str
)
def test_what_a_learner_sees(browser: Any, tmp_path: Path, scripts: bool, width: str) -> None:
    size = DESK if width == "desk" else PHONE
    context = browser.new_context(viewport=size, java_script_enabled=scripts)
    page = context.new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))

    def look(name: str) -> None:
        if scripts:
            # The page allows no script at all; axe is put in by the debugger, which may.
            looker.look(f"block-page-{name}", width)

    page.goto("http://www.bet365.com/in-play")
    page.get_by_role("heading", level=1, name="www.bet365.com is blocked here").wait_for()
    page.get_by_text("Talk to Maya").wait_for()
    assert page.get_by_role("link", name="BetBlocker").get_attribute("href")
    look("blocked")
    page.get_by_label("Why do you need it?").fill("A course on odds")
    page.get_by_role("button", name="Ask for a review").click()
    page.get_by_text("Your code is").wait_for()
    look("asked")
    page.goto("http://www.weibo.com/")
    page.get_by_text("A tutor can open it").wait_for()
    look("approve")
    page.goto("http://amazon.co.uk/basket")
    page.get_by_role("heading", level=1, name="Think first").wait_for()
    look("warned")
    page.get_by_role("button", name="I understand, continue").click()
    page.get_by_role("heading", level=1, name="You can go on").wait_for()
    look("going-on")
    target = page.get_by_role("button", name="Go to amazon.co.uk").get_attribute("href")
    assert target == "http://amazon.co.uk/basket"
    page.goto("http://amazon.co.uk/")
    page.get_by_role("heading", level=1, name="is open").wait_for()
    look("open")
    page.get_by_role("link", name="What was blocked on this device").click()
    page.get_by_role("heading", level=1, name="What was blocked here").wait_for()
    look("recent")
    page.get_by_role("link", name="www.bet365.com").click()
    page.get_by_role("heading", level=1, name="www.bet365.com is blocked here").wait_for()
    page.goto(f"http://{OURS}/")
    page.get_by_role("textbox", name="Site").fill("weibo.com")
    page.get_by_role("button", name="Say why").click()
    page.get_by_role("heading", level=1, name="weibo.com is blocked here").wait_for()
    # Chromium calls a page of status 403 an error.
    assert [text for text in looker.complaints if "403" not in text] == []
    context.close()
