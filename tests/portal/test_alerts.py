"""Alerts in the portal: who sees them, what they do with them, and what hostile names do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from categoriser import taxonomy
from evidence.alerts.tables import groups
from evidence.alerts.taking import Taking
from evidence.alerts.themes import AlertSettings
from evidence.notices import NoticeSettings, Recipient
from policy.store.importing import replace_document
from portal.accounts import rows
from portal.accounts.accounts import actor_of
from tests.evidence.happenings import batch, detail, record
from tests.portal.visitors import CHEAP, PASSWORD, PEOPLE, SATURDAY, House, house

HOSTILE = "<script>alert(1)</script>"
WHY = "A learner may be at risk."
POLICY: dict[str, Any] = {
    "organisation": {
        "name": "Northshire Skills",
        "timezone": "Europe/London",
        "default_profile": "learners",
    },
    "profiles": {"learners": {"title": "Learners"}},
    "venues": {
        "crewe": {"title": "Crewe hub", "networks": ["10.20.0.0/16"]},
        "derby": {"title": "Derby hub", "networks": ["10.30.0.0/16"]},
    },
}
LEADS: dict[str, Any] = {
    "dora": {"name": "Dora Lead", "roles": [{"role": "safeguarding-lead"}]},
    "dan": {"name": "Dan Lead", "roles": [{"role": "safeguarding-lead", "venues": ["derby"]}]},
}
NOTICES = NoticeSettings((Recipient("email", "dsl@college.example"),))


async def furnish(made: House) -> None:
    """Two venues, two leads, two alerts (1 at Crewe, 2 at Derby), and something held back."""
    kept = CHEAP.hash(PASSWORD)
    async with made.services.store.writing() as writing:
        await replace_document(writing, {**POLICY, "people": {**PEOPLE, **LEADS}})
        for id in LEADS:
            await rows.add(writing.connection, id, kept, SATURDAY)
    hate = {"category": "extremism-right-wing", "sources": ("starter:extremism-right-wing",)}
    there = {"address": "10.30.1.9", "venue": "derby", "room": "", "category": "self-harm"}
    seen = [
        *(detail(SATURDAY - 600 + n * 20, HOSTILE, **hate) for n in range(4)),
        *(detail(SATURDAY - 500 + n * 20, "stormfront.org", **hate) for n in range(20)),
        *(detail(SATURDAY - 300 + n * 20, "harm.example", **there) for n in range(3)),
        detail(SATURDAY - 100, "once.example", address="10.20.3.99", **hate),
    ]
    evidence = made.services.evidence
    assert evidence is not None
    await record(evidence, batch("alerts", seen), at=SATURDAY)
    taking = Taking(taxonomy.load(), AlertSettings(), NOTICES, "Europe/London")
    async with evidence.changing() as connection:
        await taking.take(connection, SATURDAY)


def tell(folder: Path, story: Callable[[House], Awaitable[None]]) -> None:
    async def run() -> None:
        async with house(folder, evidence=True) as made:
            await furnish(made)
            await story(made)

    asyncio.run(asyncio.wait_for(run(), 60))


async def state(made: House, number: int) -> Any:
    assert made.services.evidence is not None
    async with made.services.evidence.reading() as connection:
        return (await connection.execute(select(groups).where(groups.c.id == number))).one()


def test_the_queue_shows_what_is_theirs(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        dora, dan, tom = made.browser(), made.browser(), made.browser()
        await dora.sign_in("dora")
        page = (await dora.see("/alerts")).text
        assert "Alert 1: Extremism" in page and "Suicide and self-harm" in page
        assert "2 new, 2 high" in page.replace("2 of them high", "2 high")
        assert page.count("<h1") == 1 and "Crewe hub" in page
        filtered = (await dora.see("/alerts?venue=derby&state=new&severity=high")).text
        assert "Alert 1: Extremism" not in filtered and "Suicide and self-harm" in filtered
        assert (await dora.see("/alerts?state=%00&theme=<b>&venue=x'")).status_code == 200
        await dan.sign_in("dan")
        mine = (await dan.see("/alerts")).text
        assert "Alert 1: Extremism" not in mine and "Suicide and self-harm" in mine
        for path in ("/alerts/id/1", "/alerts/id/1/export", "/alerts/id/1/export.json"):
            assert (await dan.see(path)).status_code == 404
        dan.csrf = dan.csrf or "x"
        await dan.see("/alerts/id/2")
        for deed in ("acknowledge", "close", "reveal", "access"):
            assert (await dan.submit(f"/alerts/id/1/{deed}", why=WHY)).status_code == 404
        await tom.sign_in("tom")
        assert (await tom.see("/alerts")).status_code == 403
        assert (await tom.see("/alerts/id/1")).status_code == 403

    tell(tmp_path, story)


def test_acknowledge_and_close(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        dora = made.browser()
        await dora.sign_in("dora")
        page = (await dora.see("/alerts/id/1")).text
        assert "<script>alert" not in page and "&lt;script&gt;" in page
        assert "I look after this" in page and "starter" not in page
        made.clock.at += 60
        answer = await dora.submit("/alerts/id/1/acknowledge")
        assert answer.status_code == 303
        assert "You look after this alert" in (await dora.see(answer.headers["location"])).text
        row = await state(made, 1)
        assert (row.state, row.acknowledged_by) == ("acknowledged", "dora")
        assert (await dora.submit("/alerts/id/1/acknowledge")).status_code == 422
        # A fault is beside the field, and what was typed is kept.
        wrong = await dora.submit("/alerts/id/1/close", note="Spoke with her.")
        assert wrong.status_code == 422 and "Choose what came of it" in wrong.text
        assert "Spoke with her." in wrong.text
        note = "Spoke with Ann.\n" + HOSTILE
        done = await dora.submit("/alerts/id/1/close", outcome="spoken", note=note)
        assert done.status_code == 303
        page = (await dora.see("/alerts/id/1")).text
        assert "Spoken with the learner" in page and "<script>alert" not in page
        row = await state(made, 1)
        assert (row.state, row.outcome, row.note) == ("closed", "spoken", note)
        audit = await made.audit()
        mine = [entry for entry in audit if entry[1] == "alert.handle"]
        assert mine == [("dora", "alert.handle", "alert:1", "done")] * 2
        assert not await _log_holds(made, "Ann", "stormfront", row.pseudonym, "10.20.3.7")

    tell(tmp_path, story)


async def _log_holds(made: House, *words: str) -> list[str]:
    from policy.commands.journal import entries

    async with made.services.store.reading() as connection:
        text = " ".join([str(entry) async for entry in entries(connection)])
    return [word for word in words if word in text]


def test_looking_behind_and_withdrawing_access(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        dora = made.browser()
        await dora.sign_in("dora")
        await dora.see("/alerts/id/1")
        silent = await dora.submit("/alerts/id/1/reveal", why=" ")
        assert silent.status_code == 422 and "10.20.3.7" not in silent.text
        seen = await dora.submit("/alerts/id/1/reveal", why=WHY)
        assert seen.status_code == 200 and "10.20.3.7" in seen.text
        assert "no-store" in seen.headers["cache-control"]
        assert "10.20.3.7" not in (await dora.see("/alerts/id/1")).text  # shown once
        wrong = await dora.submit("/alerts/id/1/access", address="10.20.3.7")
        assert wrong.status_code == 422
        assert (
            await dora.submit("/alerts/id/1/access", address="x", reason="y")
        ).status_code == 422
        done = await dora.submit(
            "/alerts/id/1/access", address="10.20.3.7", until="week", reason="While we talk."
        )
        assert done.status_code == 303 and "withdrawn_done" in done.headers["location"]
        seen = await dora.submit("/alerts/id/1/reveal", why=WHY)
        assert "Its access is withdrawn now" in seen.text
        back = await dora.submit(
            "/alerts/id/1/access", address="10.20.3.7", deed="back", reason="We talked."
        )
        assert back.status_code == 303
        actions = [(action, subject) for _, action, subject, _ in await made.audit()]
        assert ("device.withdraw", "device:at-10-20-3-7") in actions
        assert ("device.give-back", "device:at-10-20-3-7") in actions
        assert sum(action == "identity.reveal" for action, _ in actions) == 2

    tell(tmp_path, story)


def test_an_incident_is_exported_safely(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        dora = made.browser()
        await dora.sign_in("dora")
        page = (await dora.see("/alerts/id/1/export")).text
        assert "Incident 1" in page and "<script>alert" not in page and "stormfront.org" in page
        answer = await dora.see("/alerts/id/1/export.json")
        said = json.loads(answer.text)
        assert said["queries"] == 24 and "attachment" in answer.headers["content-disposition"]
        assert {site["site"] for site in said["sites"]} == {HOSTILE, "stormfront.org"}
        table = (await dora.see("/alerts/id/1/export.csv")).text
        assert table.count("\n") == 25 and "10.20.3.7" not in table + page + answer.text

    tell(tmp_path, story)


def test_what_is_held_back_and_how_notices_went_out(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        dora, dan = made.browser(), made.browser()
        await dora.sign_in("dora")
        held = (await dora.see("/alerts/held")).text
        assert "once.example" in held and "One look, nothing after it" in held
        notices = (await dora.see("/alerts/notices")).text
        assert "0 sent, 2 waiting" in notices and "dsl@college.example" in notices
        assert HOSTILE not in notices and "stormfront" not in notices
        await dan.sign_in("dan")
        assert "once.example" not in (await dan.see("/alerts/held")).text
        assert "0 sent, 1 waiting" in (await dan.see("/alerts/notices")).text

    tell(tmp_path, story)


def test_a_false_positive_offers_a_review(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        dora = made.browser()
        await dora.sign_in("dora")
        await dora.see("/alerts/id/2")
        await dora.submit("/alerts/id/2/close", outcome="false-positive")
        page = (await dora.see("/alerts/id/2")).text
        assert '/why?name=harm.example"' in page

    tell(tmp_path, story)


def test_programs(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        async def token(person: str, *scopes: str) -> dict[str, str]:
            found = await made.services.accounts.person(person)
            assert found is not None
            secret = await made.services.visits.make_token(
                actor_of(found), title="t", scopes=scopes, at=SATURDAY, expires_at=SATURDAY + 900
            )
            assert secret is not None
            return {"Authorization": f"Bearer {secret}"}

        api, dora = made.browser(), await token("dora", "read", "alert")
        found = (await api.get("/api/alerts", headers=dora)).json()
        assert {one["alert"] for one in found} == {1, 2}
        one = (await api.get("/api/alerts/1", headers=dora)).json()
        assert one["severity"] == "high" and one["device"] and "10.20.3.7" not in str(one)
        done = await api.post("/api/alerts/1/acknowledge", headers=dora)
        assert done.status_code == 200 and done.json()["subject"] == "alert:1"
        assert (await api.post("/api/alerts/1/acknowledge", headers=dora)).status_code == 422
        closed = await api.post("/api/alerts/1/close", headers=dora, json={"outcome": "technical"})
        assert closed.status_code == 200
        bad = await api.post("/api/alerts/2/close", headers=dora, json={"outcome": "gossip"})
        assert bad.status_code == 422
        dan = await token("dan", "read", "alert")
        assert (await api.get("/api/alerts/1", headers=dan)).status_code == 404
        assert [one["alert"] for one in (await api.get("/api/alerts", headers=dan)).json()] == [2]
        none = await token("dora", "rule")
        assert (await api.get("/api/alerts", headers=none)).status_code == 403
        assert (await api.post("/api/alerts/2/acknowledge", headers=none)).status_code == 403
        assert (await api.get("/api/alerts")).status_code == 401

    tell(tmp_path, story)
