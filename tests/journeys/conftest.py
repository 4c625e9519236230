"""One browser for all journeys, and one furnished installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.installation import Installation, installed
from tests.journeys.visiting import SITES, Visitors
from tests.portal.browsing import AXE, CHROMIUM, sync_api


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Crewe with two rooms, Chester, and people of each role."""
    with installed(tmp_path_factory.mktemp("hub")) as made:
        made.furnish()
        yield made


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Playwright; no browser is ever downloaded.

    Ended with this folder: while it lives, no other test in this process can use asyncio.
    """
    if not CHROMIUM.exists() or not AXE.exists():
        pytest.skip("there is no /usr/bin/chromium or no axe-core; run `make assets`")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="package")
def visitors(
    hub: Installation, chromium: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitors]:
    """People with browsers, for whom every blocked site is where the resolver says."""
    rules = ",".join(f"MAP {site}:80 127.0.0.1:{hub.block_port}" for site in SITES)
    browser = chromium.launch(
        executable_path=str(CHROMIUM),
        args=["--no-sandbox", "--lang=en-GB", f"--host-resolver-rules={rules}"],
    )
    made = Visitors(hub, browser, tmp_path_factory.mktemp("pictures"))
    yield made
    browser.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an installation of a test's own goes."""
    return tmp_path
