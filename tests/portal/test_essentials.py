"""Own essentials and bundles: added, changed, removed, undone."""

from __future__ import annotations

from html import unescape
from pathlib import Path

from tests.portal.test_rules import HOSTILE, furnish
from tests.portal.visitors import House, tell


async def entries(house: House, kind: str) -> dict[str, object]:
    async with house.services.store.writing() as writing:
        return await writing.all(kind)  # type: ignore[arg-type]


def test_an_essential_is_added_removed_and_undone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        b = house.browser()
        await b.sign_in("ada")
        await b.see("/rules/essentials")
        page = await b.submit("/rules/essentials", site="", reason="")
        assert "Enter a site" in page.text and "Say why learning needs it" in page.text
        page = await b.submit("/rules/essentials", site="co.uk", reason=HOSTILE)
        assert page.status_code == 422
        assert "public suffix" in page.text and 'value="co.uk"' in page.text
        assert HOSTILE not in page.text and HOSTILE in unescape(page.text)
        fields = {"site": "https://moodle.example/login", "reason": HOSTILE}
        page = await b.submit("/rules/essentials", **fields)
        assert "moodle.example is open whatever lists say" in page.text
        await b.submit("/rules/essentials", **fields, confirmed="yes")
        assert list(await entries(house, "essentials")) == ["moodle.example"]
        page = await b.see("/rules/essentials")
        assert HOSTILE not in page.text and "moodle.example" in page.text
        await b.see("/rules/essentials/remove?site=moodle.example")
        await b.submit("/rules/essentials/remove", site="moodle.example", confirmed="yes")
        assert await entries(house, "essentials") == {}
        number = len(await house.audit())
        await b.see(f"/undo/{number}")
        answer = await b.submit(f"/undo/{number}", confirmed="yes")
        assert answer.headers["location"] == "/rules/essentials?done=undo.undone_done"
        assert list(await entries(house, "essentials")) == ["moodle.example"]

    tell(tmp_path, story)


def test_a_bundle_is_added_changed_removed_and_undone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/rules/bundles")
        assert "Facebook and Messenger" in page.text
        page = await b.see("/rules/bundles/add?like=facebook")
        assert "fbcdn.net" in page.text
        page = await b.submit("/rules/bundles/add", title=HOSTILE, sites="*.bad.example")
        assert page.status_code == 422
        assert "is a wildcard" in page.text and HOSTILE not in page.text
        fields = {"title": "Our Moodle", "sites": "https://moodle.example/\ncdn.example"}
        page = await b.submit("/rules/bundles/add", **fields)
        assert "can be opened: moodle.example and cdn.example" in page.text
        await b.submit("/rules/bundles/add", **fields, confirmed="yes")
        assert await entries(house, "bundles") == {
            "our-moodle": {"title": "Our Moodle", "sites": ["moodle.example", "cdn.example"]}
        }
        await b.see("/rules/bundles/change?id=our-moodle")
        changed = {"bundle": "our-moodle", "title": "Our Moodle", "sites": "moodle.example"}
        page = await b.submit("/rules/bundles/change", **changed)
        assert "it no longer opens cdn.example" in page.text
        await b.submit("/rules/bundles/change", **changed, confirmed="yes")
        number = len(await house.audit())
        page = await b.see(f"/undo/{number - 1}")  # what was added is another one by now
        assert page.status_code == 422 and "it was changed since" in page.text
        await b.see(f"/undo/{number}")
        await b.submit(f"/undo/{number}", confirmed="yes")
        body = (await entries(house, "bundles"))["our-moodle"]
        assert body == {"title": "Our Moodle", "sites": ["moodle.example", "cdn.example"]}
        await b.see("/rules/bundles/remove?id=our-moodle")
        await b.submit("/rules/bundles/remove", bundle="our-moodle", confirmed="yes")
        assert await entries(house, "bundles") == {}
        number = len(await house.audit())
        await b.submit(f"/undo/{number}", confirmed="yes")
        assert (await entries(house, "bundles"))["our-moodle"] == body
        assert (await b.see("/rules/bundles/change?id=none")).status_code == 404

    tell(tmp_path, story)


def test_wrong_roles(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        for person in ("tom", "pat", "lea"):
            b = house.browser()
            await b.sign_in(person)
            page = await b.see("/rules/essentials")
            assert page.status_code == 200 and "Add a site" not in page.text
            page = await b.submit("/rules/essentials", site="x.example", reason="x")
            assert page.status_code == 403 and "administrator" in page.text
            assert (await b.see("/rules/bundles")).status_code == 200
            assert (await b.see("/rules/bundles/add")).status_code == 403
            page = await b.submit("/rules/bundles/add", title="x", sites="x.example")
            assert page.status_code == 403

    tell(tmp_path, story)
