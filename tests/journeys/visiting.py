"""People at their browsers: signed in once each, with pictures of what they saw."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Final

import pytest

from tests.journeys.installation import Installation
from tests.portal.browsing import DESK, PHONE, Looker, sync_api
from tests.portal.visitors import PASSWORD

WAIT_SECONDS_MAX: Final = 10.0
PICTURE_PX_WIDE: Final = 900
PICTURE_PX_HIGH_MAX: Final = 1400
PICTURE_COLOURS: Final = 128
OURS: Final = "blocked.lychgate.internal"
SITES: Final = ("www.bet365.com", "www.weibo.com", "amazon.co.uk", "www.ebay.co.uk", OURS)
"""Not facebook.com: browsers know that it speaks HTTPS only, and never ask for it by HTTP."""


class Visit:
    """One tab of one person."""

    def __init__(self, context: Any, url: str, pictures: Path, width: str) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT_SECONDS_MAX * 1000)
        self.url = url
        self.width = width
        self.looker = Looker(self.page, pictures)

    def go(self, path: str) -> None:
        """Open a page of the portal, or of another site."""
        self.page.goto(path if path.startswith("http") else self.url + path)

    def heads(self, text: str) -> None:
        """Wait for a page with this heading."""
        self._wait(self.page.get_by_role("heading", level=1, name=text), text)

    def reads(self, text: str) -> None:
        """Wait for some words."""
        self._wait(self.page.get_by_text(text).first, text)

    def fill(self, label: str, text: str) -> None:
        """Fill a field in, or choose in a list (by value), by the label."""
        found = self.page.get_by_label(label, exact=True)
        if found.evaluate("field => field.tagName") == "SELECT":
            found.select_option(text)
        else:
            found.fill(text)

    def tick(self, label: str) -> None:
        """Tick a box, or choose a radio button."""
        self.page.get_by_label(label).check()

    def press(self, name: str) -> None:
        """Press a button or follow a link: what looks like a button may be a link."""
        main = self.page.get_by_role("main")
        found = main.get_by_role("button", name=name).or_(main.get_by_role("link", name=name)).first
        self._wait(found, name)
        found.click()

    def _wait(self, what: Any, text: str) -> None:
        try:
            what.wait_for()
        except sync_api.TimeoutError:
            raise AssertionError(f"{self.page.url} does not say {text!r}:\n{self.text()}") from None

    def text(self) -> str:
        """All that the page says."""
        return str(self.page.locator("body").inner_text())

    def shoot(self, name: str) -> None:
        """Keep a picture, for docs/tour.md, where one is asked for."""
        keep_picture(self.page, name, self.width)


class Visitors:
    """Everybody who comes; each signs in once."""

    def __init__(self, hub: Installation, browser: Any, pictures: Path) -> None:
        self.hub = hub
        self.browser = browser
        self.pictures = pictures
        self._kept: dict[str, Any] = {}

    def anonymous(self, *, phone: bool = False, scripts: bool = True) -> Visit:
        """Somebody without an account."""
        context = self.browser.new_context(
            viewport=PHONE if phone else DESK, java_script_enabled=scripts, locale="en-GB"
        )
        return self._visit(context, phone)

    def person(self, id: str, *, phone: bool = False, scripts: bool = True) -> Visit:
        """Somebody who is signed in."""
        if id not in self._kept:
            context = self.browser.new_context(viewport=DESK)
            visit = self._visit(context, False)
            visit.go("/sign-in")
            sign_in(visit, id)
            visit.heads("Overview")
            self._kept[id] = context.storage_state()
            context.close()
        context = self.browser.new_context(
            viewport=PHONE if phone else DESK,
            java_script_enabled=scripts,
            storage_state=self._kept[id],
            locale="en-GB",
        )
        return self._visit(context, phone)

    def keep(self, id: str, visit: Visit) -> None:
        """Reuse how somebody signed in."""
        self._kept[id] = visit.page.context.storage_state()

    def _visit(self, context: Any, phone: bool) -> Visit:
        return Visit(context, self.hub.url, self.pictures, "phone" if phone else "desk")


def sign_in(visit: Visit, id: str, password: str = PASSWORD) -> None:
    """The form of the sign-in page."""
    visit.fill("Your sign-in name", id)
    visit.fill("Password", password)
    visit.press("Sign in")


def keep_picture(page: Any, name: str, width: str) -> None:
    """A small picture in LYCHGATE_TOUR, if that names a folder: `make tour`."""
    folder = os.environ.get("LYCHGATE_TOUR", "")
    if not folder or width != "desk":
        return
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    Path(folder).mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state("load")
    taken = image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    size = (PICTURE_PX_WIDE, taken.height * PICTURE_PX_WIDE // taken.width)
    small = taken.resize(size, image.Resampling.LANCZOS)
    cut = small.crop((0, 0, PICTURE_PX_WIDE, min(small.height, PICTURE_PX_HIGH_MAX)))
    cut.quantize(PICTURE_COLOURS).save(Path(folder) / f"{name}.png", optimize=True)
