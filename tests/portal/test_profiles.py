"""Profiles and their periods in the portal."""

from __future__ import annotations

import re
from pathlib import Path

from categoriser import taxonomy
from tests.portal.settlers import HOSTILE, confirm, document
from tests.portal.visitors import House, tell

PERIOD = {
    "name": "lunch",
    "days": ["mon", "sat"],
    "from": "11:00",
    "to": "13:00",
    "when": "any",
    "action-social-media": "allow",
}


def test_the_grid_has_every_category_with_its_default(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("tom")
        page = await browser.see("/profiles/id/staff")
        for category in taxonomy.load().values():
            assert f">{category.title}</th>" in page.text, category.id
        assert "Content: what is shown" in page.text and "Conduct" in page.text
        assert "Locked: blocked for everybody, always" in page.text
        assert "instead of Block" in page.text, "staff may use social media"
        assert "/actions" not in page.text, "a tutor changes nothing"
        page = await browser.submit("/profiles/id/staff/actions")
        assert page.status_code == 403

    tell(tmp_path, story)


def test_many_categories_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        path = "/profiles/id/guests/actions"
        page = await browser.see(path)
        assert re.search(r'name="action-streaming">.*?value="warn" selected', page.text, re.S)
        assert 'name="action-csam"' not in page.text and "action-essential" not in page.text
        fields = {"action-streaming": "block", "action-games": "warn", "action-shopping": "allow"}
        asked, done = await confirm(browser, path, why="asked for", **fields)
        assert "Streaming" in asked.text or "streaming" in asked.text
        assert done.headers["location"].startswith("/profiles/id/guests?")
        actions = (await document(house))["profiles"]["guests"]["actions"]
        assert actions == {"streaming": "block", "games": "warn", "shopping": "allow"}

    tell(tmp_path, story)


def test_add_change_compare_remove(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        await browser.see("/profiles/add")
        page = await browser.submit("/profiles/add", title="", warn_minutes="many")
        assert page.status_code == 422
        assert 'id="title-error"' in page.text and 'id="warn_minutes-error"' in page.text
        assert 'value="many"' in page.text
        fields = {"title": HOSTILE, "id": "young", "like": "guests", "answer": "nodata",
                  "youtube": "strict", "safe_search": "yes", "warn_minutes": "5"}  # fmt: skip
        asked, done = await confirm(browser, "/profiles/add", **fields)
        assert HOSTILE not in asked.text
        body = (await document(house))["profiles"]["young"]
        assert body["actions"]["streaming"] == "warn" and body["warn_minutes"] == 5
        page = await browser.see("/profiles/compare?one=young&other=staff")
        assert HOSTILE not in page.text and "Differs" in page.text
        page = await browser.see("/profiles/compare?one=young&other=guests")
        assert "Categories that differ: 0" in page.text
        assert (await browser.see("/profiles/compare?one=%3Cx%3E")).status_code == 200
        path = "/profiles/id/young/change"
        assert 'value="5"' in (await browser.see(path)).text
        _, done = await confirm(browser, path, title="Young", answer="nxdomain", youtube="off")
        body = (await document(house))["profiles"]["young"]
        assert body["safe_search"] is False and "warn_minutes" not in body
        page = await browser.submit("/profiles/id/learners/remove")
        assert page.status_code == 422 and "it is used by the organisation" in page.text
        _, done = await confirm(browser, "/profiles/id/young/remove")
        assert done.headers["location"].startswith("/profiles?")
        assert "young" not in (await document(house))["profiles"]

    tell(tmp_path, story)


def test_periods_and_their_chart(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        add = "/profiles/id/learners/periods/add"
        await browser.see(add)
        page = await browser.submit(add, name="", days=[], to="25:00")
        assert page.status_code == 422
        for field in ("name", "days", "from"):
            assert f'id="{field}-error"' in page.text, field
        assert "Choose an action for at least one category" in page.text
        page = await browser.submit(add, **{**PERIOD, "to": "25:00"})
        assert page.status_code == 422 and 'id="to-error"' in page.text
        assert 'value="25:00"' in page.text
        _, done = await confirm(browser, add, **PERIOD)
        assert done.status_code == 303
        page = await browser.submit(add, **PERIOD)
        assert page.status_code == 422 and 'id="name-error"' in page.text
        await confirm(browser, add, **{**PERIOD, "name": HOSTILE, "from": "22:00", "to": "01:00"})
        page = await browser.see("/profiles/id/learners")
        assert HOSTILE not in page.text
        assert '<svg class="lychgate-chart" role="img"' in page.text and "style=" not in page.text
        assert "11:00 to 13:00" in page.text and ">Now<" not in page.text.replace("\n", "")
        assert re.search(r"govuk-tag\">\s*Now", page.text), "it is Saturday, 11:08"
        change = "/profiles/id/learners/periods/change?name=lunch"
        assert 'value="sat" checked' in (await browser.see(change)).text
        _, done = await confirm(browser, change, **{**PERIOD, "name": "long lunch", "to": "14:00"})
        periods = (await document(house))["profiles"]["learners"]["periods"]
        assert [period["name"] for period in periods] == ["long lunch", HOSTILE]
        assert periods[0]["to"] == "14:00"
        assert (await browser.see(change)).status_code == 404
        remove = "/profiles/id/learners/periods/remove"
        _, done = await confirm(browser, remove, name=HOSTILE)
        assert len((await document(house))["profiles"]["learners"]["periods"]) == 1

    tell(tmp_path, story)
