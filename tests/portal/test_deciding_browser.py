"""The pages for deciding in Debian's Chromium: pictures, axe, not too wide, no scripts needed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lychgate.config import load
from lychgate.listing import Listing
from lychgate.live_explaining import Explaining
from lychgate.suggestions import ReviewQueue
from portal.app import create_app
from tests.portal.browsing import DESK, PHONE, START_SECONDS_MAX, Looker, pictures
from tests.portal.browsing import browser as browser  # noqa: PLC0414 - a fixture
from tests.portal.browsing import pytestmark as pytestmark  # noqa: PLC0414
from tests.portal.loopback import on_loopback
from tests.portal.test_lists import ID, NAMES
from tests.portal.test_rules import HOSTILE, furnish, rule
from tests.portal.visitors import PASSWORD, House, house

LONG = "a-very-long-name-of-somebody-who-likes-hyphens." * 4 + "example"
RULES = (
    rule("facebook.com", action="allow", scope="venue:crewe", reason="CV workshop", author="Jo"),
    rule("bet-and-win.example", review="2026-11-01", reason="Came up in the lesson of 12 October"),
    rule(LONG, scope="room:crewe/lab", reason=HOSTILE, author=HOSTILE),
    rule("late.example", review="2026-02-01", expires="2027-06-30T18:00"),
    {"action": "allow", "bundle": "facebook", "reason": "For mentors", "author": "Ada"},
    {"action": "deny", "address": "192.0.2.0/24", "reason": "Seen in malware", "author": "Ada"},
)


PAGES = (
    ("why", "/why"),
    ("why-blocked", "/why?name=www.bet365.com&place=venue:crewe"),
    ("why-open", "/why?name=moodle.example"),
    ("why-faults", "/why?name=a..b"),
    ("rules", "/rules"),
    ("rules-none", "/rules?name=nothing.example"),
    ("rules-one", "/rules/2"),
    ("rules-remove", "/rules/2/remove"),
    ("rules-review", "/rules/review"),
    ("rules-add", "/rules/add?action=deny&names=one.example&scope=venue:crewe"),
    ("suggestions", "/rules/suggestions"),
    ("essentials", "/rules/essentials"),
    ("bundles", "/rules/bundles"),
    ("bundles-add", "/rules/bundles/add?like=facebook"),
    ("lists", "/lists"),
    ("lists-catalogue", "/lists/catalogue"),
    ("lists-show", f"/lists/show?id={ID}"),
    ("lists-difference", f"/lists/difference?id={ID}"),
    ("audit", "/audit"),
    ("audit-verify", "/audit/verify"),
    ("audit-entry", "/audit/1"),
)
ON_DESK_ONLY = {
    "why",
    "why-open",
    "why-faults",
    "rules-none",
    "rules-remove",
    "essentials",
    "bundles-add",
    "lists",
    "lists-catalogue",
    "audit-verify",
}  # alike to others


def _install(folder: Path) -> Any:
    """Files of an installation: lists with an update that waits, names that were asked for."""
    (folder / "lychgate.toml").write_text("metrics.listen = ''\nserver.state_directory = '.'\n")
    (folder / "lists.toml").write_text(
        f'enabled = ["{ID}"]\n[source."{ID}"]\ntitle = "Games of our own"\n'
        'category = "games"\nfile = "games.txt"\nlicence = "CC0"\n'
    )
    configuration = load(folder / "lychgate.toml")
    (configuration.choices_file.parent / "games.txt").write_text("\n".join(NAMES) + "\n")
    assert configuration.asked_directory is not None
    configuration.asked_directory.mkdir(parents=True, exist_ok=True)
    names = {"lucky-casino.com": [40, 20_778, 20_778], "xn--csino-3ve.com": [3, 20_778, 20_778]}
    counted = json.dumps({"version": 1, "names": names})
    (configuration.asked_directory / "1.json").write_text(counted)
    return configuration


async def _equip(made: House, configuration: Any) -> Explaining:
    await furnish(made, *RULES)
    listing = Listing(configuration)
    listing.refresh(at=made.clock.at - 3_600)
    listing.compile(at=made.clock.at - 3_600)
    games = configuration.choices_file.parent / "games.txt"
    games.write_text("\n".join([*NAMES[:20], "new.example"]) + "\n")
    listing.refresh(at=made.clock.at - 60, only=[ID], force=True)
    explaining = Explaining(configuration, made.clock)
    made.services = dataclasses.replace(
        made.services,
        explain=explaining,
        lists=listing,
        suggestions=lambda: ReviewQueue(configuration, explaining.index),
    )
    made.app = create_app(made.services)
    return explaining


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A portal on loopback with rules, lists and suggestions."""
    configuration = _install(tmp_path)

    @asynccontextmanager
    async def serve() -> AsyncIterator[House]:
        async with house(tmp_path) as made:
            explaining = await _equip(made, configuration)
            yield made
            explaining.close()

    with on_loopback(serve) as served:
        yield served.url


def _enter(page: Any, address: str) -> None:
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    page.goto(f"{address}/sign-in")
    page.get_by_label("Your sign-in name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name="Overview").wait_for()


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_every_page_is_usable_and_accessible(
    address: str, browser: Any, tmp_path: Path, width: str
) -> None:
    context = browser.new_context(viewport=DESK if width == "desk" else PHONE)
    page = context.new_page()
    looker = Looker(page, pictures(tmp_path))
    _enter(page, address)
    for name, path in PAGES:
        if width == "phone" and name in ON_DESK_ONLY:
            continue
        page.goto(address + path)
        looker.look(name, width)
    page.goto(f"{address}/rules/add")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    if width == "desk":
        looker.look("rules-add-faults", width)
    page.get_by_label("Deny").check()
    page.get_by_role("textbox", name="Sites").fill(
        "0.0.0.0 one.example\nuk\nhttps://x..y/\nfacebook.com"
    )
    page.get_by_label("Reason").fill("Asked for by the tutor")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Line 2:").first.wait_for()
    looker.look("rules-add-lines", width)
    page.get_by_role("textbox", name="Sites").fill("one.example\nfacebook.com")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", level=1, name="Deny 2 sites").wait_for()
    looker.look("rules-confirm", width)
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("hold within a second").wait_for()
    if width == "desk":
        looker.look("rules-added", width)
    page.get_by_role("link", name="Undo your last change").click()
    page.get_by_role("heading", level=1, name="Undo entry").wait_for()
    if width == "desk":
        looker.look("undo", width)
    assert looker.complaints == []
    context.close()


def test_deciding_needs_no_scripts(address: str, browser: Any) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    _enter(page, address)
    page.goto(f"{address}/why")
    page.get_by_label("Site", exact=True).fill("www.bet365.com")
    page.get_by_role("button", name="Ask why").click()
    page.get_by_role("button", name="Allow this site").click()
    page.get_by_label("Reason").fill("A lesson about odds")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", level=1, name="Allow www.bet365.com").wait_for()
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("hold within a second").wait_for()
    page.goto(f"{address}/why?name=www.bet365.com")
    page.get_by_text("A rule of yours").wait_for()
    context.close()
