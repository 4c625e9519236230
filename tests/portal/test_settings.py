"""The organisation, terms, exceptions of roles, texts, permissions; and the first steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy.commands.permissions import PERMITTED
from portal.words import texts
from tests.portal.settlers import HOSTILE, confirm, document, settle
from tests.portal.visitors import House, tell


def test_the_organisation(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        path = "/settings/organisation"
        page = await browser.see(path)
        assert 'value="Our organisation"' in page.text
        page = await browser.submit(path, name="", timezone="Mars/Base", warn_minutes="9999")
        assert page.status_code == 422
        for field in ("name", "default_profile", "warn_minutes"):
            assert f'id="{field}-error"' in page.text, field
        fields = {"name": HOSTILE, "timezone": "Europe/Dublin", "default_profile": "guests",
                  "holidays": "scotland", "warn_minutes": "20"}  # fmt: skip
        page = await browser.submit(path, **{**fields, "timezone": "Mars/Base"})
        assert page.status_code == 422 and 'id="timezone-error"' in page.text
        asked, _ = await confirm(browser, path, **fields)
        assert "Every timetable is read on the clock of Europe/Dublin" in asked.text
        assert "Times of rules and exceptions" in asked.text, "the warning"
        body = (await document(house))["organisation"]
        assert body["name"] == HOSTILE and body["holidays"] == "scotland"
        assert HOSTILE not in (await browser.see("/settings")).text

    tell(tmp_path, story)


def test_exceptions_of_a_role(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/settings/roles")
        assert "hours-leadership" not in page.text, "who approves none has no longest one"
        page = await browser.submit("/settings/roles/tutor", **{"hours-tutor": "a day"})
        assert page.status_code == 422 and 'id="hours-tutor-error"' in page.text
        assert 'value="a day"' in page.text
        asked, _ = await confirm(browser, "/settings/roles/tutor", **{"hours-tutor": "6"})
        assert "up to 6 hours" in asked.text
        assert (await document(house))["roles"]["tutor"] == {"exception_hours_max": 6}
        await confirm(browser, "/settings/roles/tutor", **{"hours-tutor": "12"})
        assert "roles" not in await document(house)
        assert (await browser.submit("/settings/roles/king")).status_code == 404

    tell(tmp_path, story)


def test_terms(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        add = "/settings/terms/add"
        await browser.see(add)
        page = await browser.submit(add, name="", to="soon", **{"from": ""})
        assert page.status_code == 422
        for field in ("name", "from", "to"):
            assert f'id="{field}-error"' in page.text, field
        spring = {"name": HOSTILE, "from": "2027-01-11", "to": "2027-03-26"}
        page = await browser.submit(add, **{**spring, "to": "2027-01-01"})
        assert page.status_code == 422 and 'id="to-error"' in page.text
        await confirm(browser, add, **spring)
        page = await browser.submit(add, **{**spring, "name": "again"})
        assert page.status_code == 422 and 'id="from-error"' in page.text
        assert HOSTILE not in (await browser.see("/settings/terms")).text
        change = "/settings/terms/change?name=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"
        await browser.see(change)
        await confirm(browser, change, **{**spring, "name": "spring"})
        assert (await document(house))["terms"][0]["name"] == "spring"
        await confirm(browser, "/settings/terms/remove", name="spring")
        assert "terms" not in await document(house)
        assert (await browser.submit("/settings/terms/remove", name="x")).status_code == 404

    tell(tmp_path, story)


def test_texts_of_the_block_page(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/settings/texts/gambling")
        assert "National Gambling Helpline" in page.text
        page = await browser.submit("/settings/texts/gambling", text="")
        assert page.status_code == 422 and 'id="text-error"' in page.text
        page = await browser.submit("/settings/texts/gambling", text="x" * 2001)
        assert page.status_code == 422 and 'id="text-error"' in page.text
        await confirm(browser, "/settings/texts/gambling", text=f"Ask Jo.\n{HOSTILE}")
        await confirm(browser, "/settings/texts/organisation", text="Room 3")
        assert (await document(house))["pages"]["organisation"] == {"text": "Room 3"}
        page = await browser.see("/settings/texts")
        assert HOSTILE not in page.text and "Room 3" in page.text
        await confirm(browser, "/settings/texts/gambling", text="")
        assert list((await document(house))["pages"]) == ["organisation"]
        assert (await browser.see("/settings/texts/nothing")).status_code == 404

    tell(tmp_path, story)


def test_help_links_of_the_organisations_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        path = "/settings/texts/gambling"
        evil = "javascript:alert(document.domain)"
        page = await browser.submit(
            path,
            **{"text": "Kept", "title-1": "Maya", "url-1": "", "title-3": HOSTILE, "url-3": "x"},
        )
        assert page.status_code == 422 and 'id="url-1-error"' in page.text
        assert ">Kept</textarea>" in page.text and 'value="Maya"' in page.text
        page = await browser.submit(path, **{"title-2": "Maya", "url-2": evil})
        assert page.status_code == 422 and 'id="url-2-error"' in page.text
        assert f'value="{evil}"' in page.text and 'href="#url-2"' in page.text
        assert f'href="{evil}' not in page.text
        await confirm(
            browser, path, **{"title-2": HOSTILE, "url-2": "https://cab.example/?a=1&b=2"}
        )
        body = (await document(house))["pages"]["gambling"]
        assert body == {"help": [{"title": HOSTILE, "url": "https://cab.example/?a=1&b=2"}]}
        page = await browser.see(path)
        assert HOSTILE not in page.text and 'value="https://cab.example/?a=1&amp;b=2"' in page.text
        help = (await house.browser().see("/here/help")).text
        assert HOSTILE not in help and 'href="https://cab.example/?a=1&amp;b=2"' in help
        await confirm(browser, path, text="")
        assert "pages" not in await document(house)

    tell(tmp_path, story)


def test_permissions_are_told_to_everybody_in_words(tmp_path: Path) -> None:
    assert {f"may.{action}" for action in PERMITTED} <= texts().keys()

    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("tom")
        page = await browser.see("/settings/permissions")
        assert "Tutor (you)" in page.text and "Approve an exception for a class" in page.text
        assert "/settings/terms" not in page.text

    tell(tmp_path, story)


@pytest.mark.parametrize("person", ["tom", "lea", "pia"])
def test_only_administrators_of_everything(tmp_path: Path, person: str) -> None:
    async def story(house: House) -> None:
        await settle(house)
        browser = house.browser()
        await browser.sign_in(person)
        for path in ("/settings", "/settings/terms", "/settings/texts", "/settings/roles"):
            assert (await browser.see(path)).status_code == 403, path
        for path in ("/settings/organisation", "/settings/texts/adult", "/settings/terms/add"):
            answer = await browser.submit(path, text="x", confirmed="yes")
            assert answer.status_code == 403, path

    tell(tmp_path, story)


def test_getting_started(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/")
        assert "Getting started" in page.text and page.text.count("To do") == 3
        await settle(house)
        assert (await browser.see("/")).text.count("To do") == 2, "the venue is named"
        tom = house.browser()
        await tom.sign_in("tom")
        assert "Getting started" not in (await tom.see("/")).text

    tell(tmp_path, story)
