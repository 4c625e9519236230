"""Venues and rooms in the portal."""

from __future__ import annotations

from pathlib import Path

from policy.commands.rules import AddRules
from tests.portal.settlers import HOSTILE, confirm, decide, document, settle
from tests.portal.visitors import House, tell


def test_the_first_venue_takes_the_place_of_the_one_that_ships(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        page = await browser.see("/venues")
        assert "It has every private network" in page.text
        page = await browser.see("/venues/add")
        assert "Replace Our venue" in page.text
        assert 'value="here" checked' in page.text
        fields = {"title": "Crewe hub", "networks": "10.20.0.0/16\nfd12::/48", "profile": "guests"}
        asked, done = await confirm(browser, "/venues/add", **fields, replaces="here")
        assert "Our venue is no venue any more" in asked.text
        assert "belong to Crewe hub, and are filtered as Guests" in asked.text
        assert done.headers["location"].startswith("/venues/id/crewe-hub?")
        venues = (await document(house))["venues"]
        assert list(venues) == ["crewe-hub"]
        assert venues["crewe-hub"]["networks"] == ["10.20.0.0/16", "fd12::/48"]
        page = await browser.see(done.headers["location"])
        assert "The venue is added." in page.text
        assert "<title>Venue Crewe hub" in page.text
        assert ("ada", "venue.add", "venue:crewe-hub", "done") in await house.audit()

    tell(tmp_path, story)


def test_a_dry_run_changes_nothing_and_the_form_comes_back_as_it_was(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        await browser.see("/venues/add")
        fields = {"title": HOSTILE, "id": "crewe", "networks": "10.20.0.0/16", "replaces": "here"}
        asked = await browser.submit("/venues/add", **fields)
        assert HOSTILE not in asked.text and "&lt;img" in asked.text
        assert list((await document(house))["venues"]) == ["here"]
        again = await browser.submit("/venues/add", **fields, again="yes")
        assert again.status_code == 200
        assert "10.20.0.0/16</textarea>" in again.text
        assert "There is a problem" not in again.text

    tell(tmp_path, story)


def test_what_is_wrong_stands_beside_the_field(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("ada")
        await browser.see("/venues/add")
        page = await browser.submit("/venues/add", title="", networks="")
        assert page.status_code == 422
        assert "Enter at least one network" in page.text and "<title>Error: " in page.text
        page = await browser.submit("/venues/add", title="X", networks="10.20.0.0/8x")
        assert 'id="networks-error"' in page.text and "10.20.0.0/8x</textarea>" in page.text
        page = await browser.submit("/venues/add", title="X", networks="10.20.0.0/16")
        assert 'id="networks-error"' in page.text, "it overlaps the shipped venue"
        page = await browser.submit("/venues/add", title="X", id="A b", networks="192.0.2.0/24")
        assert 'id="id-error"' in page.text
        page = await browser.submit("/venues/add", title="X", id="here", networks="192.0.2.0/24")
        assert 'id="id-error"' in page.text and "there already" in page.text
        assert list((await document(house))["venues"]) == ["here"]

    tell(tmp_path, story)


def test_change_and_remove_with_consequences(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        browser = house.browser()
        await browser.sign_in("ada")
        path = "/venues/id/crewe/change"
        page = await browser.see(path)
        assert "10.20.0.0/16</textarea>" in page.text
        fields = {"title": "Crewe", "networks": "10.21.0.0/16", "profile": ""}
        asked, done = await confirm(browser, path, why="moved", **fields)
        assert "Clients in 10.20.0.0/16 belong to no venue" in asked.text
        assert done.status_code == 303
        assert (await document(house))["venues"]["crewe"]["networks"] == ["10.21.0.0/16"]
        asked = await browser.submit(path, **fields)
        assert "Nothing changes" in asked.text and "Do it" not in asked.text
        rule = {"action": "deny", "pattern": "example.org", "scope": "venue:crewe"}
        await decide(house, AddRules([rule], "a test"))
        page = await browser.submit("/venues/id/crewe/remove")
        assert page.status_code == 422 and "it is used by rule" in page.text
        page = await browser.submit("/venues/id/partner/remove")
        assert page.status_code == 422 and "Pia Partner" in page.text

    tell(tmp_path, story)


def test_rooms(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        browser = house.browser()
        await browser.sign_in("ada")
        add = "/venues/id/crewe/rooms/add"
        await browser.see(add)
        page = await browser.submit(add, title=HOSTILE, networks="10.30.1.0/24")
        assert page.status_code == 422 and 'id="networks-error"' in page.text
        assert HOSTILE not in page.text
        _, done = await confirm(browser, add, title=HOSTILE, id="lab", networks="10.20.3.0/24")
        assert done.status_code == 303
        page = await browser.see("/venues/id/crewe")
        assert HOSTILE not in page.text and "&lt;img" in page.text
        room = "/venues/id/crewe/rooms/lab"
        page = await browser.see(room)
        assert "10.20.3.0/24</textarea>" in page.text
        fields = {"title": "Lab", "networks": "10.20.3.0/24", "profile": "staff"}
        asked, done = await confirm(browser, room, **fields)
        assert "Lab, Crewe: filtered as Staff" in asked.text
        assert (await document(house))["venues"]["crewe"]["rooms"]["lab"]["profile"] == "staff"
        asked, done = await confirm(browser, f"{room}/remove")
        assert done.headers["location"].startswith("/venues/id/crewe?")
        assert "rooms" not in (await document(house))["venues"]["crewe"]
        assert (await browser.see(room)).status_code == 404

    tell(tmp_path, story)


def test_partners_manage_their_own_venue_and_no_networks(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        browser = house.browser()
        await browser.sign_in("pia")
        page = await browser.see("/venues")
        assert "/venues/add" not in page.text
        assert "/venues/id/crewe/change" not in (await browser.see("/venues/id/crewe")).text
        page = await browser.see("/venues/id/partner/change")
        assert "<textarea" not in page.text and "Only an administrator" in page.text
        _, done = await confirm(
            browser, "/venues/id/partner/change", title="Ours", networks="10.99.0.0/16"
        )
        assert done.status_code == 303
        body = (await document(house))["venues"]["partner"]
        assert body["title"] == "Ours" and body["networks"] == ["10.30.0.0/16"]
        await browser.see("/venues/id/partner/rooms/add")
        _, done = await confirm(
            browser, "/venues/id/partner/rooms/add", title="Lab", networks="10.30.4.0/24"
        )
        assert done.status_code == 303
        foreign = await browser.submit("/venues/id/crewe/change", title="Mine", confirmed="yes")
        assert foreign.status_code == 403 and "administrator" in foreign.text
        assert ("pia", "venue.change", "venue:crewe", "refused") in await house.audit()
        other = {"title": "Lab 2", "networks": "10.40.0.0/24", "confirmed": "yes"}
        stolen = await browser.submit("/venues/id/partner/rooms/add", **other)
        assert stolen.status_code == 403
        assert (await browser.submit("/venues/id/crewe/remove")).status_code == 403

    tell(tmp_path, story)


def test_others_look_and_change_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        browser = house.browser()
        await browser.sign_in("lea")
        page = await browser.see("/venues/id/here")
        assert page.status_code == 200 and "/change" not in page.text
        fields = {"title": "X", "networks": "192.0.2.0/24"}
        assert (await browser.submit("/venues/add", **fields)).status_code == 403
        assert (await browser.submit("/venues/id/here/remove")).status_code == 403
        assert (await house.browser().get("/venues")).status_code == 303
        assert (await browser.see("/venues/id/nowhere")).status_code == 404

    tell(tmp_path, story)
