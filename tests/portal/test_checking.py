"""Checking a site before a class: as the resolver would decide, there and then."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from policy.bundles import shipped_bundles
from portal.checking import bundles_with
from tests.portal.hub import HOSTILE, tell_hub, token_of
from tests.portal.visitors import Browser, House


async def check(b: Browser, **fields: str) -> Any:
    await b.see("/check")
    return await b.submit("/check", **{"site": "facebook.com", "place": "room:crewe/lab", **fields})


def said(page: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", " ", page.text)))


def test_a_blocked_platform_and_its_supporting_hosts(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("cy")
        page = await check(b, site="https://www.facebook.com/groups/x")
        assert page.status_code == 200
        text = said(page)
        assert "facebook.com Blocked" in text
        assert "Lab, Crewe, for “Adult learners”, now:" in text
        assert "Social media is blocked for Adult learners in Lab, Crewe." in text
        assert "What Facebook and Messenger needs beside it" in text
        assert "Without them, pages may lack pictures" in text and "fbcdn.net" in text
        assert "may use further sites that we do not know of" in text
        links = re.findall(r'href="(/exceptions/new[^"]+)"', page.text)
        assert [unescape(link) for link in links] == [
            "/exceptions/new?place=room%3Acrewe%2Flab&bundles=facebook",
            "/exceptions/new?place=room%3Acrewe%2Flab&sites=facebook.com",
        ]

    tell_hub(tmp_path, story)


def test_at_another_time_it_is_open(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("cy")
        assert "facebook.com Open" in said(await check(b, time="12:30"))
        assert "facebook.com Blocked" in said(await check(b, time="13:00"))
        text = said(await check(b, time="12:30", day="2026-11-23"))  # a Monday
        assert "facebook.com Blocked" in text and "2026-11-23, 12:30:" in text

    tell_hub(tmp_path, story)


def test_what_no_exception_opens_offers_none(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("tom")
        page = await check(b, site="bet365.com")
        text = said(page)
        assert "bet365.com Blocked" in text and "No exception opens this site." in text
        assert "/exceptions/new?" not in page.text
        text = said(await check(b, site="quiet.example"))
        assert "quiet.example Open" in text
        assert "We know of no supporting sites of this one, but the page may use some." in text

    tell_hub(tmp_path, story)


def test_a_warning_is_told_as_such(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("tom")
        assert "ebay.co.uk Warning" in said(await check(b, site="ebay.co.uk"))

    tell_hub(tmp_path, story)


def test_faults_are_beside_the_field(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("cy")
        for site in ("", HOSTILE, "co.uk", "http://[", "x" * 5000):
            page = await check(b, site=site)
            assert page.status_code == 422 and 'id="site-error"' in page.text
            assert HOSTILE not in page.text
        for fields in (
            {"place": "venue:partner"},  # not theirs
            {"place": "room:crewe/none"},
            {"time": "25:00"},
            {"day": "2026-13-01", "time": "10:00"},
            {"day": "0001-01-01", "time": "10:00"},
            {"day": "2026-12-01"},
        ):
            assert (await check(b, **fields)).status_code == 422

    tell_hub(tmp_path, story)


def test_only_who_may_approve_has_it_in_the_navigation(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for person, seen in (("cy", True), ("ada", True), ("lea", False)):
            b = house.browser()
            await b.sign_in(person)
            assert ('href="/check"' in (await b.see("/")).text) is seen

    tell_hub(tmp_path, story)


def test_the_api_tells_the_same(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        headers = {"Authorization": f"Bearer {await token_of(house)}"}
        query = {"site": "https://facebook.com/x", "place": "room:crewe/lab"}
        answer = await b.get("/api/check", params=query, headers=headers)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["site"]["name"], body["site"]["seen"]) == ("facebook.com", "blocked")
        assert body["can_be_approved"] and not body["whole"]
        hosts = {host["name"] for host in body["supporting"][0]["hosts"]}
        assert "fbcdn.net" in hosts and "facebook.com" not in hosts
        query["at"] = "2026-11-21T12:30"
        body = (await b.get("/api/check", params=query, headers=headers)).json()
        assert body["site"]["seen"] == "open"
        shut = {host["name"] for host in body["supporting"][0]["hosts"] if host["seen"] != "open"}
        assert shut == {"messenger.com", "m.me"} and not body["whole"]  # chat stays closed
        for wrong in ({"site": "co.uk"}, {"place": "venue:none"}, {"at": "soon"}):
            answer = await b.get("/api/check", params={**query, **wrong}, headers=headers)
            assert answer.status_code == 422 and answer.json()["faults"]
        assert (await b.get("/api/check", params=query)).status_code == 401

    tell_hub(tmp_path, story)


def test_the_bundle_about_the_site_comes_first() -> None:
    found = bundles_with(shipped_bundles(), "fbcdn.net")
    assert {"facebook", "instagram"} <= {bundle.id for bundle in found}
    assert bundles_with(shipped_bundles(), "www.facebook.com")[0].id == "facebook"
    assert bundles_with(shipped_bundles(), "notfacebook.com") == []
