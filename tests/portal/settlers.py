"""More people and places for a portal: a venue of one's own, a partner's, and who runs it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from policy.commands.command import Actor, Command
from policy.commands.venues import AddVenue
from policy.types import Grant
from portal.accounts import rows
from tests.portal.visitors import CHEAP, PASSWORD, SATURDAY, Browser, House

ADA = Actor("ada", "Ada Admin", "portal", (Grant("administrator"),))
HOSTILE = "<img src=x onerror=alert(1)>"


async def settle(house: House) -> None:
    """Crewe in the place of the shipped venue, a partner's venue, and pia, who runs that."""
    await decide(
        house, AddVenue("crewe", {"title": "Crewe", "networks": ["10.20.0.0/16"]}, "", "here")
    )
    await decide(house, AddVenue("partner", {"title": "Partner", "networks": ["10.30.0.0/16"]}))
    await move(
        house, "pia", "Pia Partner", [{"role": "partner-administrator", "venues": ["partner"]}]
    )
    await move(house, "tess", "Tess Tutor", [{"role": "tutor", "venues": ["partner"]}])


async def decide(house: House, command: Command) -> None:
    """Have an administrator give a command."""
    await house.services.desk.perform(ADA, command, at=house.clock.at)


async def move(house: House, id: str, name: str, roles: list[dict[str, Any]]) -> None:
    """Somebody more, with an account."""
    async with house.services.store.writing() as writing:
        await writing.put("people", id, {"name": name, "roles": roles})
        await rows.add(writing.connection, id, CHEAP.hash(PASSWORD), SATURDAY)


async def document(house: House) -> dict[str, Any]:
    """The policy in the store."""
    return (await house.services.store.document()).raw


async def confirm(browser: Browser, path: str, why: str = "", **fields: Any) -> Any:
    """Send a form, see what would happen, and do it; the page in between, and the answer."""
    asked = await browser.submit(path, **fields)
    assert asked.status_code == 200, asked.text
    assert "What will happen" in asked.text
    kept: dict[str, list[str]] = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', asked.text):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name is not None and value is not None
        if name[1] != "csrf":
            kept.setdefault(unescape(name[1]), []).append(unescape(value[1]))
    more = {"reason": why} if why else {}
    return asked, await browser.submit(path, **{**kept, **more}, confirmed="yes")
