"""Alerts in Chromium, at desk and phone width."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from portal.rendering import STATIC_FOLDER
from tests.portal.test_alerts import WHY, furnish
from tests.portal.test_browser import (
    AXE,
    CHROMIUM,
    DESK,
    PHONE,
    START_SECONDS_MAX,
    Looker,
    browser,
    pictures,
)
from tests.portal.visitors import PASSWORD, house

__all__ = ["browser"]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core; run `make assets`"),
    pytest.mark.skipif(
        not (STATIC_FOLDER / "lychgate.css").exists(), reason="no style sheets; run `make assets`"
    ),
]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with alerts, on loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        async with house(tmp_path, evidence=True, host_names=("127.0.0.1",)) as made:
            await furnish(made)
            config = uvicorn.Config(made.app, lifespan="off", log_level="warning", access_log=False)
            servers.append(uvicorn.Server(config))
            ready.set()
            await servers[0].serve(sockets=[listening])

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(START_SECONDS_MAX)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    servers[0].should_exit = True
    thread.join(START_SECONDS_MAX)


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_looking_after_an_alert(url: str, browser: Any, tmp_path: Path, width: str) -> None:
    page = browser.new_context(viewport=DESK if width == "desk" else PHONE).new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))
    page.goto(f"{url}/sign-in?next=/alerts")
    page.get_by_label("Your sign-in name").fill("dora")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name="Alerts").wait_for()
    looker.look("alerts", width)
    page.get_by_role("link", name="Alert 1: Extremism").click()
    page.get_by_role("button", name="I look after this").click()
    page.get_by_text("You look after this alert.").wait_for()
    looker.look("alert", width)
    page.get_by_label("Why do you need to know?").fill(WHY)
    page.get_by_role("button", name="Show the device").click()
    page.get_by_text("10.20.3.7").wait_for()
    looker.look("alert-revealed", width)
    page.get_by_label("The end of today").check()
    page.get_by_label("Why?").fill("While we talk.")
    page.get_by_role("button", name="Withdraw its access").click()
    page.get_by_text("Its access is withdrawn.").wait_for()
    page.get_by_role("button", name="Close the alert").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    looker.look("alert-fault", width)
    page.get_by_label("Spoken with the learner").check()
    page.get_by_label("Note").fill("Spoken with the tutor.")
    page.get_by_role("button", name="Close the alert").click()
    page.get_by_text("The alert is closed.").wait_for()
    looker.look("alert-closed", width)
    for path in ("held", "notices", "id/1/export"):
        page.goto(f"{url}/alerts/{path}")
        looker.look(f"alerts-{path.replace('/', '-')}", width)
