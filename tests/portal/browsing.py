"""Looking at pages in Debian's Chromium: no browser is ever downloaded.

Skipped, visibly, where there is no Chromium, no Playwright or no axe-core (`make assets`). Pictures
of every page go to the temporary folder of the test, or to LYCHGATE_PICTURES.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

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
SIZES = {"desk": DESK, "phone": PHONE}

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium"),
    pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core; run `make assets`"),
    pytest.mark.skipif(
        not (STATIC_FOLDER / "lychgate.css").exists(), reason="no style sheets; run `make assets`"
    ),
]


@pytest.fixture
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
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
    """Where pictures go."""
    folder = Path(os.environ.get("LYCHGATE_PICTURES", tmp_path / "pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def furnished(folder: Path, furnish: Callable[[House], Awaitable[None]]) -> Iterator[str]:
    """The address of a portal on loopback, whose telemetry database holds what is put in."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[House]:
        async with house(folder, evidence=True, host_names=("127.0.0.1",)) as made:
            await furnish(made)
            yield made

    with on_loopback(serve) as served:
        yield served.url


def arrive(
    browser: Any, url: str, person: str, path: str, folder: Path, width: str, **more: Any
) -> tuple[Any, Looker]:
    """Sign in and go to a page; `more` is the browser's."""
    page = browser.new_context(viewport=SIZES[width], **more).new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(folder))
    page.goto(f"{url}/sign-in?next={path}")
    page.get_by_label("Your sign-in name").fill(person)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page, looker
