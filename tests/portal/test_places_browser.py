"""Pages of places and people in Debian's Chromium: accessible, and at home on a phone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from policy.commands.devices import AddDevice, WithdrawDevice
from policy.commands.profiles import AddPeriod
from policy.commands.rooms import AddRoom
from policy.commands.terms import AddTerm
from tests.portal.browsing import DESK, PHONE, Looker, browser, pictures, pytestmark
from tests.portal.loopback import START_SECONDS_MAX
from tests.portal.settlers import decide, settle
from tests.portal.test_browser import Running, running
from tests.portal.visitors import PASSWORD, House, move_in

__all__ = ["browser", "pytestmark", "running"]

PAGES = {
    "venues": "/venues",
    "venue-add": "/venues/add",
    "venue": "/venues/id/crewe",
    "venue-change": "/venues/id/crewe/change",
    "room": "/venues/id/crewe/rooms/it-suite",
    "devices": "/venues/devices",
    "device": "/venues/devices/id/pc",
    "device-withdrawn": "/venues/devices/id/phone",
    "withdraw": "/venues/devices/id/pc/withdraw",
    "profiles": "/profiles",
    "profile": "/profiles/id/learners",
    "profile-add": "/profiles/add",
    "profile-actions": "/profiles/id/staff/actions",
    "profile-compare": "/profiles/compare?one=learners&other=staff",
    "period": "/profiles/id/learners/periods/change?name=lunch",
    "people": "/people",
    "person": "/people/id/tess",
    "person-add": "/people/add",
    "settings": "/settings",
    "settings-form": "/settings/organisation",
    "terms": "/settings/terms",
    "term-add": "/settings/terms/add",
    "texts": "/settings/texts",
    "text": "/settings/texts/gambling",
    "roles": "/settings/roles",
    "permissions": "/settings/permissions",
}


async def furnish(house: House) -> None:
    """A small organisation with something of everything."""
    await move_in(house.services.store)
    await settle(house)
    lab = {"title": "IT suite", "networks": ["10.20.3.0/24"], "profile": "staff"}
    await decide(house, AddRoom("crewe", "it-suite", lab))
    await decide(house, AddDevice("pc", {"title": "IT suite 07", "addresses": ["10.20.3.7"]}))
    phone = {"title": "A phone", "client_ids": ["02:00:5e:10:00:07"], "profile": "guests"}
    await decide(house, AddDevice("phone", phone))
    await decide(house, WithdrawDevice("phone", "films", house.clock.at + 3600))
    days = ["mon", "tue", "wed", "thu", "fri", "sat"]
    for name, start, end in (("lunch", "11:00", "13:00"), ("evening class", "18:00", "01:00")):
        actions = {"social-media": "warn", "games": "allow"}
        body = {"name": name, "days": days, "from": start, "to": end, "actions": actions}
        await decide(house, AddPeriod("learners", body))
    await decide(house, AddTerm({"name": "spring", "from": "2027-01-11", "to": "2027-03-26"}))


def look(looker: Looker, name: str) -> None:
    """Look at a page on a desk, and see that it fits a phone."""
    page = looker.page
    looker.look(name, "desk")
    page.set_viewport_size(PHONE)
    page.screenshot(path=str(looker.folder / f"{name}-phone.png"), full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.set_viewport_size(DESK)
    assert wide <= 0, f"{name}: {wide} px too wide on a phone"


def test_every_page_of_places_and_people(
    running: Running,  # noqa: F811
    browser: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    done = asyncio.run_coroutine_threadsafe(furnish(running.house), running.loop)
    done.result(START_SECONDS_MAX)
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.set_default_timeout(START_SECONDS_MAX * 1000)
    looker = Looker(page, pictures(tmp_path))
    page.goto(f"{running.url}/sign-in")
    page.get_by_label("Your sign-in name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name="Overview").wait_for()
    look(looker, "starting")
    titles: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        page.goto(f"{running.url}{path}")
        assert page.locator("h1").count() == 1, name
        look(looker, name)
        titles.setdefault(page.title(), []).append(name)
    assert all(len(names) == 1 for names in titles.values()), titles
    page.goto(f"{running.url}/venues/add")
    page.get_by_role("button", name="See what will happen").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    look(looker, "venue-faults")
    page.get_by_label("Name", exact=True).fill("Chester")
    page.get_by_label("Networks").fill("10.40.0.0/16")
    page.get_by_role("button", name="See what will happen").click()
    page.get_by_role("heading", name="What will happen").wait_for()
    look(looker, "confirm")
    page.get_by_role("button", name="Change something").click()
    assert page.get_by_label("Networks").input_value() == "10.40.0.0/16"
    page.get_by_role("button", name="See what will happen").click()
    page.get_by_label("Why (optional)").fill("a new partner")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("The venue is added.").wait_for()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("heading", name="What will happen").wait_for()
    look(looker, "confirm-grave")
    page.goto(f"{running.url}/people/id/tess")
    page.get_by_role("button", name="Give a link to choose a password").click()
    page.get_by_role("heading", level=1, name="A link for Tess Tutor").wait_for()
    look(looker, "person-link")
    assert looker.complaints == []
    context.close()
