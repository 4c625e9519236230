"""Allow and deny lists: searched, pasted into, changed with what would happen shown, undone."""

from __future__ import annotations

import time
from html import unescape
from pathlib import Path
from typing import Any

from portal.deciding.pasted import read_pasted
from tests.portal.visitors import House, tell

CREWE = {"title": "Crewe", "networks": ["10.20.0.0/16"]}
CHESTER = {"title": "Chester <b>", "networks": ["10.30.0.0/16"]}
PAT = {"name": "Pat Partner", "roles": [{"role": "partner-administrator", "venues": ["crewe"]}]}
HOSTILE = "<img src=x onerror=alert(1)>"


async def furnish(house: House, *rules: dict[str, Any]) -> None:
    """Venues, a partner administrator, and rules past the commands."""
    from portal.accounts import rows
    from tests.portal.visitors import CHEAP, PASSWORD, SATURDAY

    async with house.services.store.writing() as writing:
        await writing.put("venues", "here", {"title": "Here", "networks": ["192.168.50.0/24"]})
        await writing.put("venues", "crewe", CREWE)
        await writing.put("rooms", "crewe/lab", {"title": "Lab", "networks": ["10.20.9.0/24"]})
        await writing.put("venues", "chester", CHESTER)
        await writing.put("people", "pat", PAT)
        await rows.add(writing.connection, "pat", CHEAP.hash(PASSWORD), SATURDAY)
        await writing.put_many("rules", [(None, body) for body in rules])


async def stored(house: House) -> list[dict[str, Any]]:
    async with house.services.store.writing() as writing:
        return [{"id": id, **body} for id, body in (await writing.all("rules")).items()]


def rule(pattern: str, **more: Any) -> dict[str, Any]:
    return {"action": "deny", "pattern": pattern, "reason": "Test", "author": "Ada", **more}


def test_pasted_lines() -> None:
    text = (
        "# from the old filter\n0.0.0.0 bad.example other.example\n"
        "https://www.shop.example:8443/path?q=1#top\nplain.example. ! why\n"
        "shop.example/basket\n||ads.example^$third-party\n192.0.2.0/24\n2001:db8::/32\n"
        "*.wild.example, =exact.example\nbad.example\nhost.example:443\n"
    )
    found = read_pasted(text)
    assert [(one.line, one.text) for one in found] == [
        (2, "bad.example"),
        (2, "other.example"),
        (3, "www.shop.example"),
        (4, "plain.example"),
        (5, "shop.example"),
        (6, "ads.example"),
        (7, "192.0.2.0/24"),
        (8, "2001:db8::/32"),
        (9, "*.wild.example"),
        (9, "=exact.example"),
        (11, "host.example"),
    ]
    assert [one.text for one in found if one.is_network] == ["192.0.2.0/24", "2001:db8::/32"]


def test_many_are_added_after_what_would_happen_was_shown(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("bad.example", action="allow"))
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/rules/add?action=deny&names=bad.example&scope=venue:crewe")
        assert '<option value="venue:crewe" selected>' in page.text
        fields = {
            "action": "deny",
            "names": "0.0.0.0 bad.example\nhttps://two.example/x",
            "scope": "venue:crewe",
            "reason": HOSTILE,
            "review": "2027-01-31",
        }
        page = await b.submit("/rules/add", **fields)
        text = unescape(page.text)
        assert page.status_code == 200
        assert "Crewe: bad.example is denied" in text
        assert "look" in text and HOSTILE not in page.text
        assert len(await stored(house)) == 1
        done = await b.submit("/rules/add", **fields, confirmed="yes")
        assert (done.status_code, done.headers["location"]) == (
            303,
            "/rules?done=rules.added_done",
        )
        first, second = (await stored(house))[1:]
        assert first == {
            "id": 2,
            "action": "deny",
            "pattern": "bad.example",
            "scope": "venue:crewe",
            "reason": HOSTILE,
            "author": "Ada Admin",
            "review": "2027-01-31",
        }
        assert second["pattern"] == "two.example"
        page = await b.see("/rules?done=rules.added_done")
        assert "hold within a second" in page.text
        assert HOSTILE not in page.text
        assert HOSTILE in unescape(page.text)
        assert (await house.audit())[-1] == ("ada", "rule.add", "rules:2-3", "done")

    tell(tmp_path, story)


def test_each_fault_is_told_with_its_line_and_nothing_is_half_added(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        b = house.browser()
        await b.sign_in("ada")
        await b.see("/rules/add")
        page = await b.submit(
            "/rules/add",
            action="deny",
            names=f"good.example\nuk\n\nexa mple..com\n{HOSTILE}",
            scope="venue:nowhere",
            reason="Because",
            review="soon",
        )
        text = unescape(page.text)
        assert page.status_code == 422
        assert 'Line 2: "uk" is a single label' in text
        assert "Line 4: " in text
        assert '"soon" is not a date' in text
        assert "nowhere" in text
        assert "good.example" in text and HOSTILE not in page.text
        assert await stored(house) == []
        page = await b.submit("/rules/add", names="", reason="", scope="organisation")
        for told in ("Enter at least one site", "Say why", "Say whether to allow or to deny"):
            assert told in page.text

    tell(tmp_path, story)


def test_what_reaches_too_far_can_be_overridden(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/rules/add")
        assert 'name="override"' not in page.text
        fields = {"action": "deny", "names": "*.bet", "scope": "organisation", "reason": "Betting"}
        page = await b.submit("/rules/add", **fields)
        assert page.status_code == 422
        assert "Line 1: *.bet is everything below the public suffix bet" in page.text
        assert 'name="override"' in page.text
        page = await b.submit("/rules/add", **fields, override="yes")
        assert page.status_code == 200
        assert '<input type="hidden" name="override" value="yes">' in page.text
        await b.submit("/rules/add", **fields, override="yes", confirmed="yes")
        assert (await stored(house))[0]["pattern"] == "*.bet"

    tell(tmp_path, story)


def test_a_rule_is_changed_and_removed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("one.example", scope="venue:chester"))
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/rules/1")
        assert "Chester &lt;b&gt;" in page.text
        fields = {
            "target": "https://two.example/",
            "scope": "room:crewe/lab",
            "reason": "Other",
            "review": "",
            "expires": "2027-02-01T16:00",
        }
        page = await b.submit("/rules/1", **fields)
        assert "Lab, Crewe: two.example is denied until 16:00" in unescape(page.text)
        done = await b.submit("/rules/1", **fields, confirmed="yes")
        assert done.status_code == 303
        (now,) = await stored(house)
        assert (now["pattern"], now["scope"]) == ("two.example", "room:crewe/lab")
        assert now["author"] == "Ada Admin"
        page = await b.submit("/rules/1", **{**fields, "target": "co.uk"})
        assert page.status_code == 422
        assert "public suffix" in page.text
        page = await b.see("/rules/1/remove")
        assert "no longer denies two.example" in unescape(page.text)
        done = await b.submit("/rules/1/remove", confirmed="yes", reason="Not needed")
        assert done.headers["location"] == "/rules?done=rules.removed_done"
        assert await stored(house) == []
        assert (await b.see("/rules/1")).status_code == 404

    tell(tmp_path, story)


def test_the_last_change_is_undone_and_the_undo_too(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("one.example"))
        b = house.browser()
        await b.sign_in("ada")
        await b.see("/rules/1/remove")
        await b.submit("/rules/1/remove", confirmed="yes")
        number = len(await house.audit())
        page = await b.see("/rules")
        assert f"/undo/{number}" in page.text
        page = await b.see(f"/undo/{number}")
        assert "Everyone: one.example is again denied by rule 1." in unescape(page.text)
        done = await b.submit(f"/undo/{number}", confirmed="yes", reason="A mistake")
        assert done.headers["location"] == "/rules?done=undo.undone_done"
        assert await stored(house) == [{"id": 1, **rule("one.example")}]
        assert (await house.audit())[-1] == ("ada", "rule.undo", "rule:1", "done")
        await b.see(f"/undo/{number + 1}")
        await b.submit(f"/undo/{number + 1}", confirmed="yes")
        assert await stored(house) == []
        again = await b.see(f"/undo/{number + 1}")  # it is not as that entry left it
        assert again.status_code == 422
        assert "was changed since" in again.text

    tell(tmp_path, story)


def test_many_that_were_added_go_together(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("kept.example"))
        b = house.browser()
        await b.sign_in("ada")
        await b.see("/rules/add")
        await b.submit(
            "/rules/add",
            action="allow",
            names="one.example\ntwo.example",
            scope="organisation",
            reason="Test",
            confirmed="yes",
        )
        number = len(await house.audit())
        assert len(await stored(house)) == 3
        page = await b.see(f"/undo/{number}")
        assert "two.example is no longer allowed by rule 3" in unescape(page.text)
        await b.submit(f"/undo/{number}", confirmed="yes")
        assert [one["pattern"] for one in await stored(house)] == ["kept.example"]

    tell(tmp_path, story)


def test_a_partner_administrator_acts_in_their_venues_only(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("all.example"), rule("there.example", scope="venue:chester"))
        b = house.browser()
        await b.sign_in("pat")
        page = await b.see("/rules/add")
        assert 'value="venue:crewe"' in page.text
        assert 'value="organisation"' not in page.text
        assert "venue:chester" not in page.text
        fields = {"action": "deny", "names": "x.example", "reason": "Test"}
        await b.submit("/rules/add", **fields, scope="room:crewe/lab", confirmed="yes")
        assert (await stored(house))[-1]["author"] == "Pat Partner"
        for scope in ("organisation", "venue:chester", "profile:learners"):
            page = await b.submit("/rules/add", **fields, scope=scope, confirmed="yes")
            assert page.status_code == 403, scope
        for path in ("/rules/1/remove", "/rules/2/remove"):
            assert (await b.submit(path, confirmed="yes")).status_code == 403
        assert len(await stored(house)) == 3
        assert (await b.see("/audit")).status_code == 403
        number = next(n for n, entry in enumerate(await house.audit(), 1) if entry[1] == "rule.add")
        await b.see(f"/undo/{number}")  # one's own, without the right to read the log
        await b.submit(f"/undo/{number}", confirmed="yes")
        assert len(await stored(house)) == 2

    tell(tmp_path, story)


def test_wrong_roles_are_told_who_can(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("one.example"))
        b = house.browser()
        await b.sign_in("tom")
        page = await b.see("/rules")
        assert page.status_code == 200
        assert "/rules/add" not in page.text
        page = await b.see("/rules/add")
        assert page.status_code == 403
        assert "partner administrator" in page.text
        page = await b.see("/rules/1")
        assert "one.example" in page.text and "Remove this rule" not in page.text
        assert (await b.submit("/rules/1/remove", confirmed="yes")).status_code == 403
        number = len(await house.audit())
        assert (await b.see(f"/undo/{number}")).status_code in (403, 422)
        assert len(await stored(house)) == 1

    tell(tmp_path, story)


def test_search(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(
            house,
            rule("facebook.com", action="allow", scope="venue:crewe", reason='A "lesson"'),
            rule("*.ads.example", author="Grace", reason="Grace says so"),
            rule("other.example", author="Mallory", reason="Grace period", scope="room:crewe/lab"),
            rule("100%.example".replace("%", "-"), scope="profile:learners"),
        )
        b = house.browser()
        await b.sign_in("lea")

        async def found(query: str) -> list[str]:
            text = (await b.see(f"/rules?{query}")).text
            names = ("facebook.com", "*.ads.example", "other.example", "100-.example")
            return [name for name in names if f">{name}</a>" in text]

        assert await found("name=www.facebook.com") == ["facebook.com"]
        assert await found("name=track.ads.example") == ["*.ads.example"]
        assert await found("name=ads.example") == ["*.ads.example"]
        assert await found("name=example") == ["*.ads.example", "other.example", "100-.example"]
        assert await found("name=%25") == []
        assert await found("author=grace") == ["*.ads.example"]
        assert await found("text=grace") == ["*.ads.example", "other.example"]
        assert await found("text=%22lesson%22") == ["facebook.com"]
        assert await found("scope=venue:crewe") == ["facebook.com"]
        assert await found("scope=room:crewe/lab") == ["other.example"]
        assert await found("scope=organisation") == ["*.ads.example"]
        assert await found("scope=profile:learners") == ["100-.example"]
        assert await found("action=allow") == ["facebook.com"]
        page = await b.see("/rules?name=%3Cscript%3Ealert(1)%3C/script%3E&scope=x%22%3E")
        assert page.status_code == 200
        assert "<script>alert" not in page.text

    tell(tmp_path, story)


def test_pages_of_many_rules_are_quick(tmp_path: Path) -> None:
    many = 50_000

    async def story(house: House) -> None:
        await furnish(house, *(rule(f"n{n}.example", reason=f"Reason {n}") for n in range(many)))
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/rules")
        assert "Rules: 50,000" in page.text
        assert "n49999.example" in page.text
        page = await b.see("/rules?before=49951")
        assert "n49949.example" in page.text and "n49999.example" not in page.text
        took = []
        for query in ("", "name=n7.example", "text=reason+123", "before=25000", "author=nobody"):
            for _ in range(4):
                began = time.perf_counter()
                assert (await b.get(f"/rules?{query}")).status_code == 200
                took.append((time.perf_counter() - began, query))
        print("slowest pages:", [(round(t * 1000), q) for t, q in sorted(took)[-3:]])
        # 100 ms is what is promised; a machine that does other things may take thrice as long.
        assert sorted(took)[-2][0] < 0.3

    tell(tmp_path, story)


def test_decisions_awaiting_review(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(
            house,
            rule("late.example", review="2026-01-02", reason=HOSTILE),
            rule("later.example", review="2026-11-21"),
            rule("future.example", review="2026-11-22"),
            rule("never.example"),
        )
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/rules/review")
        assert page.text.index("late.example") < page.text.index("later.example")
        assert "future.example" not in page.text and "never.example" not in page.text
        assert HOSTILE not in page.text
        assert "2 rules await review" in (await b.see("/rules")).text
        house.clock.at += 86_400
        await b.sign_in("ada")
        assert "future.example" in (await b.see("/rules/review")).text
        assert (await b.see("/rules/review?page=99")).status_code == 200

    tell(tmp_path, story)
