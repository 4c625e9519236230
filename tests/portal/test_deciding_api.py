"""The JSON API for deciding: the same commands, the same permissions, documented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from policy.commands.command import Actor
from policy.types import Grant
from tests.portal.test_lists import ID, publish, refresh, with_lists
from tests.portal.test_rules import HOSTILE, furnish, rule, stored
from tests.portal.test_suggestions import asked
from tests.portal.test_why import explain
from tests.portal.visitors import House, tell


class Program(httpx.AsyncClient):
    """Something that has a token."""

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.request(method, f"/api{path}", **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


async def program(house: House, person: str, *scopes: str) -> Program:
    """A program that acts for a person."""
    actor = Actor(person, person, "portal", (Grant("administrator"),))
    at = house.clock.at
    secret = await house.services.visits.make_token(
        actor, title="test", scopes=scopes, at=at, expires_at=at + 86_400
    )
    transport = httpx.ASGITransport(house.app, raise_app_exceptions=False)
    return Program(
        transport=transport,
        base_url="http://portal.example",
        headers={"Authorization": f"Bearer {secret}"},
    )


def test_rules(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("old.example", review="2026-01-02"))
        p = await program(house, "ada", "read", "rule")
        new = [
            {"action": "deny", "pattern": "one.example", "scope": "venue:crewe"},
            {"action": "allow", "pattern": "two.example", "review": "2027-01-31"},
        ]
        given = {"rules": new, "reason": HOSTILE}
        dry = await p.ask("POST", "/rules", 201, json={**given, "dry_run": True})
        assert dry["audit_number"] is None and "Crewe: one.example is denied." in dry["sentences"]
        done = await p.ask("POST", "/rules", 201, json=given)
        assert done["subject"] == "rules:2-3"
        page = await p.ask("GET", "/rules?limit=2")
        assert [one["pattern"] for one in page["rules"]] == ["two.example", "one.example"]
        assert page["rules"][0]["reason"] == HOSTILE
        page = await p.ask("GET", f"/rules?before={page['next_before']}")
        assert [one["id"] for one in page["rules"]] == [1] and page["next_before"] is None
        assert [one["id"] for one in await p.ask("GET", "/rules/review")] == [1]
        change = {"changes": {"review": None, "pattern": "three.example"}}
        await p.ask("PATCH", "/rules/3", json=change)
        found = await p.ask("GET", "/rules/3")
        assert (found["pattern"], found["review"]) == ("three.example", None)
        removed = await p.ask("DELETE", "/rules/3", params={"reason": "over"})
        await p.ask("GET", "/rules/3", 404)
        await p.ask("POST", f"/undo/{removed['audit_number']}", json={"reason": "oh"})
        assert (await p.ask("GET", "/rules/3"))["pattern"] == "three.example"
        assert (await house.audit())[-1] == ("ada", "rule.undo", "rule:3", "done")

    tell(tmp_path, story)


def test_rules_that_cannot_be(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        p = await program(house, "ada", "read", "rule")
        new = [{"action": "deny", "pattern": "good.example"}, {"action": "deny", "pattern": "uk"}]
        told = await p.ask("POST", "/rules", 422, json={"rules": new, "reason": "x"})
        assert told["faults"][0].startswith("rule.add: rules[1].pattern: ")
        for given in (
            {"rules": [{"action": "explode", "pattern": "x.example"}], "reason": "x"},
            {"rules": [{"action": "deny", "pattern": "x.example", "more": 1}], "reason": "x"},
            {"rules": "x", "reason": "x"},
            {"rules": [], "reason": "x"},
            {},
        ):
            assert (await p.ask("POST", "/rules", 422, json=given))["faults"]
        await p.ask("GET", f"/rules/{2**70}", 422)
        await p.ask("GET", "/rules?limit=9999", 422)
        await p.ask("DELETE", "/rules/99", 422)
        assert await stored(house) == []

    tell(tmp_path, story)


def test_scopes_of_tokens_and_roles(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house, rule("old.example"))
        given = {"rules": [{"action": "deny", "pattern": "x.example"}], "reason": "x"}
        reader = await program(house, "ada", "read")
        told = await reader.ask("POST", "/rules", 403, json=given)
        assert "the token has the scopes read" in told["faults"][0]
        await reader.ask("DELETE", "/rules/1", 403)
        await reader.ask("GET", "/audit")
        tutor = await program(house, "tom", "read", "rule", "list", "essential")
        await tutor.ask("POST", "/rules", 403, json=given)
        await tutor.ask("GET", "/rules")
        await tutor.ask("GET", "/audit", 403)
        await tutor.ask("GET", "/audit/verify", 403)
        essential = {"site": "x.example", "reason": "x"}
        await tutor.ask("POST", "/essentials", 403, json=essential)
        partner = await program(house, "pat", "read", "rule")
        await partner.ask("POST", "/rules", 403, json=given)
        given["rules"] = [{"action": "deny", "pattern": "x.example", "scope": "venue:crewe"}]
        await partner.ask("POST", "/rules", 201, json=given)
        writer = await program(house, "ada", "rule")
        await writer.ask("GET", "/rules", 403)
        nobody = httpx.AsyncClient(
            transport=httpx.ASGITransport(house.app), base_url="http://portal.example"
        )
        assert (await nobody.get("/api/rules")).status_code == 401
        assert len(await stored(house)) == 2

    tell(tmp_path, story)


def test_essentials_bundles_and_the_log(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        p = await program(house, "ada", "read", "essential", "bundle")
        await p.ask("POST", "/essentials", 201, json={"site": "moodle.example", "reason": "x"})
        assert (await p.ask("GET", "/essentials"))[0]["site"] == "moodle.example"
        await p.ask("DELETE", "/essentials", params={"site": "moodle.example"})
        await p.ask("DELETE", "/essentials", 422, params={"site": "moodle.example"})
        new = {"id": "moodle", "title": "Moodle", "sites": ["moodle.example"]}
        await p.ask("POST", "/bundles", 201, json=new)
        await p.ask("PATCH", "/bundles", json={"id": "moodle", "title": HOSTILE})
        own = next(one for one in await p.ask("GET", "/bundles") if one["id"] == "moodle")
        assert (own["title"], own["shipped"]) == (HOSTILE, False)
        await p.ask("DELETE", "/bundles", params={"id": "moodle"})
        page = await p.ask("GET", "/audit?action=bundle&limit=2")
        assert [one["action"] for one in page["entries"]] == ["bundle.remove", "bundle.change"]
        assert page["entries"][0]["before"]["title"] == HOSTILE
        page = await p.ask("GET", f"/audit?action=bundle&before={page['next_before']}")
        assert [one["action"] for one in page["entries"]] == ["bundle.add"]
        number = page["entries"][0]["number"]
        assert (await p.ask("GET", f"/audit/{number}"))["via"] == "api"
        await p.ask("GET", "/audit/99999", 404)
        assert (await p.ask("GET", "/audit/verify"))["whole"]
        assert not (await p.ask("GET", "/audit/verify", params={"digest": "f" * 64}))["whole"]

    tell(tmp_path, story)


def test_explaining(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        p = await program(house, "tom", "read")
        found = await p.ask("GET", "/explain?name=www.bet365.com&place=room:crewe/lab")
        assert found["happens"] == "blocked"
        assert found["client"]["room"] == "lab"
        assert found["lists"][0]["line"] == 4711
        found = await p.ask("GET", "/explain?name=bet365.com&client=8.8.8.8")
        assert found["happens"] == "refused"
        told = await p.ask("GET", "/explain?name=a..b", 422)
        assert "empty label" in told["faults"][0]
        await p.ask("GET", "/explain", 422)

    explain(tmp_path, story)


def test_lists(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        p = await program(house, "ada", "read", "list")
        (status,) = await p.ask("GET", "/lists")
        assert (status["id"], status["entries"]) == (ID, {"games": 300})
        assert len(await p.ask("GET", "/lists/catalogue")) > 10
        publish(tmp_path, [*(f"game-{n}.example" for n in range(20)), "new.example"])
        refresh(tmp_path, house.clock.at + 60)
        found = await p.ask("GET", "/lists/difference", params={"id": ID})
        assert (found["held"], found["added"], found["removed"]) == (True, 1, 280)
        assert found["categories"][0]["added_first"] == [{"rule": "new.example", "asked": 0}]
        await p.ask("POST", "/lists", 422, json={"id": ID, "act": "accept", "reason": ""})
        done = await p.ask("POST", "/lists", json={"id": ID, "act": "accept", "reason": "seen"})
        assert done["index_fault"] == "" and done["audit_number"]
        await p.ask("POST", "/lists", 422, json={"id": ID, "act": "accept", "reason": "twice"})
        await p.ask("POST", "/lists", 422, json={"id": "x:y", "act": "enable", "reason": "x"})
        await p.ask("GET", "/lists/difference", 404, params={"id": "x:y"})
        reader = await program(house, "ada", "read")
        await reader.ask("POST", "/lists", 403, json={"id": ID, "act": "disable", "reason": "x"})

    with_lists(tmp_path, story)


def test_suggestions(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        p = await program(house, "ada", "read", "list")
        (one,) = await p.ask("GET", "/suggestions")
        assert (one["name"], one["evidence"][0]["what"]) == ("lucky-casino.com", "casino")
        given = {"name": "lucky-casino.com", "act": "dismiss", "reason": "a pub"}
        await p.ask("POST", "/suggestions", 204, json=given)
        assert await p.ask("GET", "/suggestions") == []
        await p.ask("POST", "/suggestions", 422, json={**given, "name": "com"})

    asked(tmp_path, story, lucky_casino=40)


def test_all_of_it_is_documented(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = house.app.openapi()
        mine = (
            "explain",
            "rules",
            "undo",
            "lists",
            "essentials",
            "bundles",
            "suggestions",
            "audit",
        )
        found = {
            f"{method} {path}": one
            for path, methods in document["paths"].items()
            if path.split("/")[2] in mine
            for method, one in methods.items()
        }
        assert len(found) >= 24
        for where, one in found.items():
            assert one.get("description"), where
            assert one["responses"], where

    tell(tmp_path, story)
