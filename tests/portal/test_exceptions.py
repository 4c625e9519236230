"""Approving sites for a class: presets, what would happen, ending, prolonging, whose is whose."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from tests.portal.hub import HOSTILE, tell_hub, token_of
from tests.portal.test_checking import said
from tests.portal.visitors import Browser, House

FACEBOOK = {
    "place": "room:crewe/lab",
    "bundles": "facebook",
    "purpose": "CV workshop",
    "until": "90",
}


async def approve(b: Browser, **fields: Any) -> Any:
    """The form, what would happen, and then the exception."""
    await b.see("/exceptions/new")
    page = await b.submit("/exceptions/new", **{**FACEBOOK, **fields})
    if page.status_code != 200 or "Approve this?" not in page.text:
        return page
    return await b.submit("/exceptions/new", **{**FACEBOOK, **fields, "confirmed": "yes"})


async def seen(house: House, site: str = "facebook.com") -> str:
    found = await house.services.explain(site, "10.30.3.7", None)
    return str(found["happens"])


def test_approving_opens_it_at_once_and_it_ends_by_itself(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert await seen(house) == "blocked"
        b = house.browser()
        await b.sign_in("cy")
        page = await b.see("/exceptions/new?place=room:crewe/lab&bundles=facebook")
        assert re.search(r'value="room:crewe/lab"[^>]*selected', page.text)
        assert re.search(r'value="facebook"[^>]*checked', page.text)
        assert "No approval opens these" in page.text and "Gambling" in page.text
        preview = await b.submit("/exceptions/new", **FACEBOOK)
        assert "Lab, Crewe: Facebook and Messenger opens until 12:38 on 21 November 2026." in said(
            preview
        )
        assert await seen(house) == "blocked"  # nothing yet
        done = await b.submit("/exceptions/new", **FACEBOOK, confirmed="yes")
        assert done.headers["location"] == "/exceptions?done=exceptions.granted_done"
        assert await seen(house) == "forwarded"
        assert await seen(house, "static.fbcdn.net") == "forwarded"
        text = said(await b.see(done.headers["location"]))
        assert "Approved. It is open within seconds" in text and "Mine" in text
        house.clock.at += 90 * 60
        assert await seen(house) == "forwarded"  # it is lunch
        house.clock.at += 30 * 60
        assert await seen(house) == "blocked"
        assert ("cy", "exception.grant", "exception:1", "done") in await house.audit()

    tell_hub(tmp_path, story)


def test_ends_by_preset_and_by_time(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("cy")
        for fields, end in (
            ({"until": "60"}, "12:08 on 21 November"),
            ({"until": "17:00"}, "17:00 on 21 November"),
            ({"until": "other", "end_time": "15:15"}, "15:15 on 21 November"),
            ({"until": "60", "time": "14:00"}, "from 14:00 until 15:00 on 21 November"),
            (
                {"until": "90", "time": "09:30", "day": "2026-12-01"},
                "from 09:30 until 11:00 on 1 December",
            ),
        ):
            page = await b.submit("/exceptions/new", **{**FACEBOOK, **fields})
            assert end in said(page), fields
        house.clock.at += 6 * 3600  # after five
        assert 'value="17:00"' not in (await b.see("/exceptions/new")).text

    tell_hub(tmp_path, story)


def test_what_stays_closed_is_said_before(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("cy")
        await b.see("/exceptions/new")
        fields = {**FACEBOOK, "bundles": "", "sites": "bet365.com\nebay.co.uk"}
        text = said(await b.submit("/exceptions/new", **fields))
        assert "bet365.com stays closed: Gambling cannot be exempted." in text

    tell_hub(tmp_path, story)


def test_faults_are_beside_the_field_and_nothing_is_lost(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("cy")
        for fields, field in (
            ({"place": "venue:partner"}, "place"),
            ({"purpose": ""}, "purpose"),
            ({"bundles": ""}, "sites"),
            ({"sites": HOSTILE}, "sites"),
            ({"categories": "gambling"}, "categories"),
            ({"until": ""}, "until"),
            ({"until": "other", "end_time": "tea"}, "end_time"),
            ({"until": "other", "end_time": "10:00", "end_day": "2026-99-99"}, "end_day"),
            ({"until": "other", "end_time": "10:00"}, "until"),  # past
            ({"until": "other", "end_time": "10:00", "end_day": "2027-11-21"}, "until"),  # long
            ({"time": "09:00"}, "time"),  # past
        ):
            page = await approve(b, **fields)
            assert page.status_code == 422, fields
            assert f'id="{field}-error"' in page.text, fields
            assert HOSTILE not in page.text
            if fields.get("purpose", "x"):
                assert "CV workshop" in page.text
        assert [entry for entry in await house.audit() if "exception" in entry[1]] == []

    tell_hub(tmp_path, story)


def test_mine_and_those_of_colleagues(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        cy, ada, pia = house.browser(), house.browser(), house.browser()
        await cy.sign_in("cy")
        await ada.sign_in("ada")
        await pia.sign_in("pia")
        await approve(cy, purpose=f"CVs {HOSTILE}")
        await approve(ada, place="venue:partner", purpose="Partner day")
        await approve(ada, place="organisation", bundles="", sites="ebay.co.uk", purpose="All")
        page = await cy.see("/exceptions")
        text = said(page)
        assert HOSTILE not in page.text and "CVs" in text
        assert "Partner day" not in text and "All" in text
        assert page.text.count("/end") == 1 and page.text.count("/more") == 1  # only their own
        text = said(await pia.see("/exceptions"))
        assert "Partner day" in text and "CVs" not in text
        assert (await ada.see("/exceptions")).text.count("/end") == 3

    tell_hub(tmp_path, story)


def test_ending_and_prolonging(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("cy")
        await approve(b)
        await b.see("/exceptions")
        answer = await b.submit("/exceptions/id/1/more", minutes="30")
        assert answer.status_code == 303
        assert "21 November 2026, 13:08" in said(await b.see("/exceptions"))
        other = house.browser()
        await other.sign_in("pia")
        await other.see("/exceptions")
        assert (await other.submit("/exceptions/id/1/end")).status_code == 403
        assert (await b.submit("/exceptions/id/1/end")).status_code == 303
        assert await seen(house) == "blocked"
        text = said(await b.see("/exceptions"))
        assert "Over" in text and "End now" not in text
        assert (await b.submit("/exceptions/id/1/end")).status_code == 422
        assert (await b.submit("/exceptions/id/1/more", minutes="30")).status_code == 422
        assert (await b.submit("/exceptions/id/99/end")).status_code == 422
        assert (await b.submit(f"/exceptions/id/{10**30}/end")).status_code in (404, 422)
        house.clock.at += 24 * 3600 + 1
        assert "CV workshop" not in said(await b.see("/exceptions"))

    tell_hub(tmp_path, story)


def test_who_may_not_approve_may_look(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("lea")
        page = await b.see("/exceptions")
        assert page.status_code == 200 and "/exceptions/new" not in page.text
        assert "You may not approve anything" in (await b.see("/exceptions/new")).text
        assert (await approve(b)).status_code == 422
        assert (await house.browser().get("/exceptions")).status_code == 303

    tell_hub(tmp_path, story)


def test_the_api_grants_changes_and_ends(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        headers = {"Authorization": f"Bearer {await token_of(house)}"}
        at = house.clock.at // 1
        new = {
            "where": "room:crewe/lab",
            "purpose": "CVs",
            "until": at + 3600,
            "bundles": ["facebook"],
        }
        dry = await b.post("/api/exceptions", json={**new, "dry_run": True}, headers=headers)
        assert dry.json()["audit_number"] is None and dry.json()["sentences"]
        done = await b.post("/api/exceptions", json=new, headers=headers)
        assert done.status_code == 200 and done.json()["subject"] == "exception:1"
        (one,) = (await b.get("/api/exceptions", headers=headers)).json()
        assert (one["opens"], one["state"], one["until"]) == (
            ["Facebook and Messenger"],
            "open",
            at + 3600,
        )
        more = {"until": at + 7200}
        answer = await b.post("/api/exceptions/1/until", json=more, headers=headers)
        assert answer.status_code == 200
        answer = await b.post("/api/exceptions/1/end", json={}, headers=headers)
        assert answer.status_code == 200 and await seen(house) == "blocked"
        assert (await b.get("/api/exceptions", headers=headers)).json() == []
        for wrong in ({"until": -1}, {"until": 1e300}, {"where": "venue:none"}, {"purpose": ""}):
            answer = await b.post("/api/exceptions", json={**new, **wrong}, headers=headers)
            assert answer.status_code == 422 and answer.json()["faults"]
        narrow = {"Authorization": f"Bearer {await token_of(house, ('read',))}"}
        assert (await b.post("/api/exceptions", json=new, headers=narrow)).status_code == 403
        assert unescape(one["approver"]) == "Ada Admin"

    tell_hub(tmp_path, story)
