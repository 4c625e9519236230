"""The query log in Chromium, at desk and phone width."""

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
from tests.evidence.happenings import batch, detail, fill, record
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
from tests.portal.visitors import PASSWORD, SATURDAY, house

__all__ = ["browser"]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core; run `make assets`"),
    pytest.mark.skipif(
        not (STATIC_FOLDER / "lychgate.css").exists(), reason="no style sheets; run `make assets`"
    ),
]

LONG = ".".join(["x" * 60] * 4)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal in which things happened, on loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
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
