"""Devices in the portal, and access withdrawn from them."""

from __future__ import annotations

from pathlib import Path

from policy.commands.devices import AddDevice
from tests.portal.settlers import HOSTILE, confirm, decide, document, settle
from tests.portal.visitors import House, tell

ADD = "/venues/devices/add"


def test_a_device_by_each_way_to_know_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        browser = house.browser()
        await browser.sign_in("ada")
        await browser.see(ADD)
        page = await browser.submit(ADD, title=HOSTILE)
        assert page.status_code == 422 and 'id="addresses-error"' in page.text
        assert HOSTILE not in page.text
        page = await browser.submit(ADD, title="PC", addresses="10.20.3.999")
        assert 'id="addresses-error"' in page.text and "10.20.3.999</textarea>" in page.text
        for fields in (
            {"title": HOSTILE, "id": "pc", "addresses": "10.20.3.7"},
            {"title": "Phone", "client_ids": "02:00:5e:10:00:07"},
            {"title": "Laptop", "hostnames": "laptop-7, laptop-8", "profile": "staff"},
        ):
            _, done = await confirm(browser, ADD, **fields)
            assert done.status_code == 303
        devices = (await document(house))["devices"]
        assert devices["laptop"]["hostnames"] == ["laptop-7", "laptop-8"]
        page = await browser.see("/venues/devices")
        assert HOSTILE not in page.text and "02:00:5e:10:00:07" in page.text
        page = await browser.see("/venues/devices?q=LAPTOP-8")
        assert "Devices found: 1." in page.text
        page = await browser.see("/venues/devices?q=%3Cscript%3E&page=99999999999")
        assert page.status_code == 200 and "<script>" not in page.text.replace("<script ", "")
        page = await browser.submit(ADD, title="Twin", addresses="10.20.3.7")
        assert page.status_code == 422 and 'id="addresses-error"' in page.text

    tell(tmp_path, story)


def test_change_and_forget(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        await decide(house, AddDevice("pc", {"title": "PC", "addresses": ["10.20.3.7"]}))
        browser = house.browser()
        await browser.sign_in("ada")
        path = "/venues/devices/id/pc"
        assert "10.20.3.7</textarea>" in (await browser.see(path)).text
        asked, _ = await confirm(browser, path, title="PC", addresses="10.20.3.8", profile="staff")
        assert "PC: filtered as Staff" in asked.text
        assert (await document(house))["devices"]["pc"]["addresses"] == ["10.20.3.8"]
        asked, done = await confirm(browser, f"{path}/remove")
        assert "filtered like others where it is" in asked.text
        assert "devices" not in await document(house)
        assert (await browser.see(path)).status_code == 404

    tell(tmp_path, story)


def test_withdraw_and_give_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        await decide(house, AddDevice("pc", {"title": "PC", "addresses": ["10.20.3.7"]}))
        browser = house.browser()
        await browser.sign_in("ada")
        path = "/venues/devices/id/pc/withdraw"
        await browser.see(path)
        page = await browser.submit(path, reason="", end="hour")
        assert page.status_code == 422 and 'id="reason-error"' in page.text
        page = await browser.submit(path, reason="films", end="other", day="soon")
        assert page.status_code == 422 and 'id="day-error"' in page.text
        assert "films</textarea>" in page.text
        page = await browser.submit(path, reason="films", end="other", day="2020-01-01")
        assert 'id="day-error"' in page.text and "is past" in page.text
        asked, done = await confirm(browser, path, reason="films", end="today")
        assert "only essential sites are open until" in asked.text
        body = (await document(house))["devices"]["pc"]
        assert body["withdrawn_until"] == "2026-11-22T00:00:00+00:00"
        assert body["withdrawn_reason"] == "films"
        page = await browser.see("/venues/devices?show=withdrawn")
        assert "/venues/devices/id/pc" in page.text
        page = await browser.see("/venues/devices/id/pc")
        assert "Access is withdrawn until 22 November 2026, 00:00" in page.text
        _, done = await confirm(browser, "/venues/devices/id/pc/give-back")
        assert "withdrawn" not in (await document(house))["devices"]["pc"]
        house.clock.at += 60
        await browser.see(path)
        await confirm(browser, path, reason="again", end="")
        assert "withdrawn_until" not in (await document(house))["devices"]["pc"]
        done = [(action, outcome) for _, action, _, outcome in await house.audit()]
        assert ("device.give-back", "done") in done

    tell(tmp_path, story)


def test_partners_only_devices_of_their_venue(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        await decide(house, AddDevice("ours", {"addresses": ["10.20.3.7"]}))
        await decide(house, AddDevice("roaming", {"hostnames": ["roaming"]}))
        browser = house.browser()
        await browser.sign_in("pia")
        await browser.see(ADD)
        _, done = await confirm(browser, ADD, title="Theirs", addresses="10.30.3.7")
        assert done.status_code == 303
        for fields in ({"addresses": "10.20.9.9"}, {"hostnames": "anywhere"}):
            page = await browser.submit(ADD, title="X", **fields)
            assert page.status_code == 403
        for device in ("ours", "roaming"):
            path = f"/venues/devices/id/{device}"
            assert (await browser.submit(f"{path}/remove")).status_code == 403
            page = await browser.submit(f"{path}/withdraw", reason="spite", confirmed="yes")
            assert page.status_code == 403
        refused = [entry for entry in await house.audit() if entry[3] == "refused"]
        assert len(refused) == 2, "tries are in the log, looks at what would happen are not"

    tell(tmp_path, story)


def test_a_tutor_looks_only(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await settle(house)
        await decide(house, AddDevice("pc", {"title": "PC", "addresses": ["10.20.3.7"]}))
        browser = house.browser()
        await browser.sign_in("tom")
        page = await browser.see("/venues/devices/id/pc")
        assert page.status_code == 200 and "withdraw" not in page.text
        page = await browser.submit("/venues/devices/id/pc/give-back", confirmed="yes")
        assert page.status_code == 403

    tell(tmp_path, story)
