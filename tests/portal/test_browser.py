"""The first pages in Debian's Chromium: usable, accessible, at desk and phone width, with and
without scripts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.portal.browsing import DESK, PHONE, Looker, browser, pictures, pytestmark
from tests.portal.loopback import START_SECONDS_MAX, on_loopback
from tests.portal.visitors import PASSWORD, House, house

__all__ = ["browser", "pytestmark"]


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
