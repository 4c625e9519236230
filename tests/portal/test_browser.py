"""The first pages in Debian's Chromium: usable, accessible, at desk and phone width, with and
without scripts.

Skipped, visibly, where there is no Chromium, no Playwright or no axe-core (`make assets`). Pictures
of every page go to the temporary folder of the test, or to LYCHGATE_PICTURES.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from portal.rendering import STATIC_FOLDER
from tests.portal.loopback import START_SECONDS_MAX, on_loopback
from tests.portal.visitors import PASSWORD, House, house

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "build" / "assets" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core; run `make assets`"),
    pytest.mark.skipif(
        not (STATIC_FOLDER / "lychgate.css").exists(), reason="no style sheets; run `make assets`"
    ),
]


@dataclass
class Running:
    """A portal on loopback."""

    url: str
    house: House
    loop: asyncio.AbstractEventLoop

    def link(self) -> str:
        """A link for the first administrator."""
        made = self.house.services.accounts.set_up_link(self.house.clock.at)
        secret = asyncio.run_coroutine_threadsafe(made, self.loop).result(START_SECONDS_MAX)
        return f"{self.url}/link/{secret}"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A portal in which nobody has an account."""
    with on_loopback(lambda: house(tmp_path, people=False)) as served:
        yield Running(served.url, served.made, served.loop)


@pytest.fixture
def browser() -> Iterator[Any]:
    """Debian's Chromium; none is ever downloaded."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


class Looker:
    """Looks at pages: takes pictures, asks axe, and collects what the console complains of."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.complaints: list[str] = []
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))

    def look(self, name: str, width: str = "desk") -> None:
        """Take a picture, and find no violation."""
        self.page.wait_for_load_state("load")
        self.page.screenshot(path=str(self.folder / f"{name}-{width}.png"), full_page=True)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        options = {"runOnly": {"type": "tag", "values": TAGS}}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        told = [
            f"{name}: {one['id']}: {one['help']}: {node['html'][:200]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]
        assert not told, "\n".join(told)
        assert len(found["passes"]) > 10, "axe did not look"
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name}: {wide} px too wide at {width}"

    def _note(self, kind: str, text: str) -> None:
        # A form with faults is answered with 422, which Chromium calls an error.
        if kind == "error" and "422" not in text:
            self.complaints.append(text)


def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("LYCHGATE_PICTURES", tmp_path / "pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("width", ["desk", "phone"])
def test_from_the_set_up_link_to_a_second_factor(
    running: Running, browser: Any, tmp_path: Path, scripts: bool, width: str
) -> None:
    size = DESK if width == "desk" else PHONE
    context = browser.new_context(viewport=size, java_script_enabled=scripts)
    page = context.new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))

    def look(name: str) -> None:
        if scripts:
            looker.look(name, width)

    page.goto(running.link())
    look("set-up")
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    look("set-up-faults")
    page.get_by_label("Your name").fill("Jo Smith")
    page.get_by_label("Sign-in name").fill("jo-smith")
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_label("Enter the password again").fill(PASSWORD)
    page.get_by_role("button", name="Finish").click()
    page.get_by_text("Lychgate is set up").first.wait_for()  # waits, as `content` does not
    look("sign-in")
    _sign_in(page)
    page.get_by_role("heading", level=1, name="Overview").wait_for()
    look("overview")
    page.get_by_role("link", name="Set up a second factor").click()
    look("second-factor")
    seed = page.locator("input[name=seed]").get_attribute("value")
    assert seed is not None
    clock = running.house.clock
    page.get_by_label("6-digit code").fill(pyotp.TOTP(seed).at(int(clock.at)))
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Turn on").click()
    page.locator(".lychgate-codes li").nth(9).wait_for()
    assert page.locator(".lychgate-codes li").count() == 10
    look("recovery-codes")
    page.get_by_role("button", name="I have kept them").click()
    look("account")
    page.get_by_role("link", name="Change your password").click()
    look("password")
    page.goto(f"{running.url}/account/tokens/new")
    look("token")
    page.goto(f"{running.url}/account/second-factor")
    look("second-factor-on")
    page.goto(f"{running.url}/nothing-here")
    look("not-found")
    page.goto(f"{running.url}/api/docs")
    look("api")
    page.goto(running.url)
    page.get_by_role("button", name="Sign out").click()
    clock.at += 30
    _sign_in(page)
    look("code")
    page.get_by_label("6-digit code").fill(pyotp.TOTP(seed).at(int(clock.at)))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", level=1, name="Overview").wait_for()
    assert [text for text in looker.complaints if "404" not in text] == []
    context.close()


def _sign_in(page: Any) -> None:
    page.get_by_label("Your sign-in name").fill("jo-smith")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
