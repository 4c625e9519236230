"""People and their accounts in the portal."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from portal.accounts import rows
from tests.portal.settlers import HOSTILE, confirm, document, move, settle
from tests.portal.visitors import PASSWORD, House, tell


def test_add_somebody_and_give_them_a_link(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/people")
        assert "<script>alert" not in page.text and "&lt;script&gt;" in page.text
        await browser.see("/people/add")
        page = await browser.submit("/people/add", name="", email="no address")
        assert page.status_code == 422
        assert 'id="name-error"' in page.text and 'id="email-error"' in page.text
        assert 'value="no address"' in page.text
        fields = {"name": "Jo Smith", "role-tutor": ["crewe", "partner"], "email": "jo@example.org"}
        asked, done = await confirm(browser, "/people/add", **fields)
        assert "tutor at Crewe and Partner" in asked.text
        assert done.headers["location"].startswith("/people/id/jo-smith?")
        page = await browser.submit("/people/add", name="Other", id="jo-smith")
        assert page.status_code == 422 and 'id="id-error"' in page.text
        await browser.see("/people/id/jo-smith")
        page = await browser.submit("/people/id/jo-smith/link")
        link = re.search(r"<code>(http[^<]+)</code>", page.text)
        assert page.status_code == 200 and link is not None
        jo = house.browser()
        page = await jo.see(link[1])
        assert "Choose your password" in page.text
        chosen = "four red kites fly"
        answer = await jo.submit("/choose-password", password=chosen, again=chosen)
        assert answer.status_code == 303
        await jo.sign_in("jo-smith", chosen)
        assert (await jo.see("/venues")).status_code == 200
        assert ("ada", "account.invite", "person:jo-smith", "done") in await house.audit()

    tell(tmp_path, story)


def test_change_and_remove(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        browser = house.browser()
        await browser.sign_in("ada")
        path = "/people/id/tess/change"
        page = await browser.see(path)
        assert re.search(r'name="role-tutor"[^>]*value="partner" checked', page.text)
        fields = {"name": HOSTILE, "role-leadership": "*"}
        asked, _ = await confirm(browser, path, **fields)
        assert HOSTILE not in asked.text and "no longer tutor at Partner" in asked.text
        assert (await document(house))["people"]["tess"]["roles"] == [{"role": "leadership"}]
        page = await browser.see("/people/id/tess")
        assert HOSTILE not in page.text
        asked, done = await confirm(browser, "/people/id/tess/remove", why="left")
        assert done.status_code == 303 and "tess" not in (await document(house))["people"]
        assert await house.services.accounts.account("tess") is None
        asked, _ = await confirm(
            browser, "/people/id/ada/change", name="Ada", **{"role-tutor": "*"}
        )
        assert "Nobody is left who may decide everything" in asked.text

    tell(tmp_path, story)


def test_who_comes_after_does_not_find_the_account(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.services.store.writing() as writing:
            await writing.remove("people", "tom")  # as the command line may have done
        browser = house.browser()
        await browser.sign_in("ada")
        await browser.see("/people/add")
        await confirm(browser, "/people/add", name="Tom Two", id="tom", **{"role-tutor": "*"})
        tom = house.browser()
        await tom.see("/sign-in")
        answer = await tom.submit("/sign-in", person="tom", password=PASSWORD)
        assert answer.status_code == 422 or answer.status_code == 200, "the old password is void"
        assert await house.services.accounts.account("tom") is None

    tell(tmp_path, story)


def test_helping_with_an_account(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        tom = house.browser()
        await tom.sign_in("tom")
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/people/id/tom")
        assert "Browsers signed in: 1." in page.text
        path = "/people/id/tom/account"
        assert (await browser.submit(path, deed="end-sessions")).status_code == 303
        assert (await tom.get("/venues")).status_code == 303
        for _ in range(6):
            await tom.see("/sign-in")
            await tom.submit("/sign-in", person="tom", password="wrong wrong wrong")
        page = await browser.see("/people/id/tom")
        assert "Locked after wrong passwords" in page.text and "Unlock" in page.text
        assert (await browser.submit(path, deed="unlock")).status_code == 303
        await tom.sign_in("tom")
        assert (await tom.get("/venues")).status_code == 200
        await browser.submit(path, deed="new-password")
        assert (await tom.get("/venues")).headers["location"] == "/account/password"
        async with house.services.store.writing() as writing:
            await rows.change(writing.connection, "tom", totp_seed="JBSWY3DPEHPK3PXP")
        assert "Reset the second factor" in (await browser.see("/people/id/tom")).text
        await browser.submit(path, deed="no-second-factor")
        account = await house.services.accounts.account("tom")
        assert account is not None and account.totp_seed is None
        assert (await browser.submit(path, deed="everything")).status_code == 404
        own = await browser.submit("/people/id/ada/account", deed="no-second-factor")
        assert own.status_code == 404, "one's own account asks for the password first"
        assert (await browser.submit("/people/id/ada/link")).status_code == 404

    tell(tmp_path, story)


def test_partners_see_and_manage_only_their_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        both = [{"role": "tutor", "venues": ["crewe", "partner"]}]
        await move(house, "both", "Bo Both", both)
        browser = house.browser()
        await browser.sign_in("pia")
        page = await browser.see("/people")
        assert "Tess Tutor" in page.text and "Pia Partner" in page.text
        for name in ("Ada Admin", "Tom Tutor", "Bo Both"):
            assert name not in page.text, name
        for person in ("ada", "both", "nobody"):
            assert (await browser.see(f"/people/id/{person}")).status_code == 404
            assert (await browser.submit(f"/people/id/{person}/link")).status_code == 403
            deed = await browser.submit(f"/people/id/{person}/account", deed="end-sessions")
            assert deed.status_code == 403
            assert (await browser.submit(f"/people/id/{person}/remove")).status_code == 404
        assert ("pia", "account.manage", "person:both", "refused") in await house.audit()
        page = await browser.see("/people/add")
        assert "role-administrator" not in page.text and 'value="crewe"' not in page.text
        fields = {"name": "Max", "role-tutor": "*", "role-administrator": "partner"}
        page = await browser.submit("/people/add", **fields)
        assert page.status_code == 403, "what was not offered is not taken; nobody without a role"
        _, done = await confirm(browser, "/people/add", name="Max", **{"role-tutor": "partner"})
        assert done.status_code == 303
        assert (await document(house))["people"]["max"]["roles"][0]["venues"] == ["partner"]
        assert (await browser.submit("/people/id/tess/link")).status_code == 200

    tell(tmp_path, story)


def test_others_have_no_people(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("tom")
        page = await browser.see("/people")
        assert page.status_code == 403 and "administrator" in page.text
        assert (await browser.submit("/people/add", name="X")).status_code == 403
        assert (await browser.submit("/people/id/ada/link")).status_code == 403

    tell(tmp_path, story)


def test_many_people_are_searched(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.services.store.writing() as writing:
            for number in range(250):
                roles = [{"role": "tutor"}]
                await writing.put("people", f"t{number}", {"name": f"T {number}", "roles": roles})
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/people")
        assert "People found: 254; shown: 200." in page.text
        page = await browser.see("/people?q=T%20249")
        assert "People found: 1; shown: 1." in page.text and "/people/id/t249" in page.text
        page = await browser.see(f"/people?q={quote(HOSTILE)}")
        assert "People found: 0" in page.text and HOSTILE not in page.text

    tell(tmp_path, story)
