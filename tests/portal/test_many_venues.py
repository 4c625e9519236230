"""Pages of an organisation with very many venues and approvals stay short."""

from __future__ import annotations

from pathlib import Path

from tests.portal.settlers import HOSTILE, confirm, document
from tests.portal.visitors import House, tell

VENUES = 60
APPROVALS = 130


async def _grow(house: House) -> None:
    async with house.services.store.writing() as writing:
        for n in range(VENUES):
            title = "Twin" if n in (7, 8) else f"Hub {n}, north"
            await writing.put(
                "venues", f"hub{n}", {"title": title, "networks": [f"203.0.{n}.0/24"]}
            )


def test_of_many_venues_names_are_typed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await _grow(house)
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/people/add")
        assert 'value="hub3"' not in page.text and 'id="more-tutor"' in page.text
        wrong = f"hub1\n{HOSTILE}"
        page = await browser.submit("/people/add", name="Jo", **{"more-tutor": wrong})
        assert page.status_code == 422 and 'id="more-tutor-error"' in page.text
        assert HOSTILE not in page.text and "hub1" in page.text
        page = await browser.submit("/people/add", name="Jo", **{"more-tutor": "twin"})
        assert page.status_code == 422, "two venues have this name"
        typed = "Hub 3, NORTH\r\nhub7\nhub7\n"
        asked, _ = await confirm(browser, "/people/add", name="Jo", **{"more-tutor": typed})
        assert "Hub 3, north" in asked.text
        roles = (await document(house))["people"]["jo"]["roles"]
        assert roles == [{"role": "tutor", "venues": ["hub3", "hub7"]}]
        page = await browser.see("/people/id/jo/change")
        assert page.text.count('name="role-tutor"') == 3, "everywhere, and the two that are ticked"
        kept = {"name": "Jo", "role-tutor": ["hub3"], "more-tutor": "hub9"}
        await confirm(browser, "/people/id/jo/change", **kept)
        roles = (await document(house))["people"]["jo"]["roles"]
        assert roles == [{"role": "tutor", "venues": ["hub3", "hub9"]}]

    tell(tmp_path, story)


def test_approvals_come_a_page_at_a_time(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.services.store.writing() as writing:
            for n in range(APPROVALS):
                body = {
                    "sites": [f"site{n}.example"],
                    "where": "organisation",
                    "purpose": "a lesson",
                    "approver": "Ada Admin" if n < 110 else "Sam Tutor",
                    "until": "2099-01-01",
                }
                await writing.put("exceptions", n + 1, body)
        browser = house.browser()
        await browser.sign_in("ada")
        first = await browser.see("/exceptions")
        assert 'href="/exceptions?page=1"' in first.text
        second = await browser.see("/exceptions?page=1")
        assert "page=2" not in second.text and "Of colleagues" in second.text
        shown = [text.count('<li class="lychgate-approval') for text in (first.text, second.text)]
        assert shown == [100, 30]
        assert (await browser.see("/exceptions?page=x")).status_code == 200

    tell(tmp_path, story)
