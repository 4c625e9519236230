"""Hostile names and texts in the portal, on the block page, in exports and in the API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from portal.block_page.app import BlockPage, BlockPageSettings
from tests.lychgate.hostile.conftest import ENDING, Place
from tests.lychgate.hostile.material import (
    EXTREMISM,
    GAMBLING,
    LABELS,
    NAME,
    TYPED,
    is_page,
    is_plain,
    is_table,
    written,
)

ALERTS_MAX = 20
OURS = "blocked.lychgate.internal"


def names_in(found: Any) -> list[str]:
    """Every value of a key that holds names, however deep."""
    if isinstance(found, list):
        return [name for one in found for name in names_in(one)]
    if not isinstance(found, dict):
        return []
    own = [found[key] for key in ("name", "domain", "site") if isinstance(found.get(key), str)]
    return own + [name for one in found.values() for name in names_in(one)]


def test_the_query_log(place: Place) -> None:
    async def story() -> None:
        async with place.visit("ada") as browser:
            assert ENDING in is_page(await browser.see("/query-log"))
            for label in (r"\060script\062", "-2\\0433"):
                typed = await browser.see("/query-log", params={"name": label})
                assert label in is_page(typed)
            for text in TYPED:
                params = {"name": text, "device": text}
                is_page(await browser.see("/query-log", params=params), typed=True)
            found = is_table(await browser.get("/query-log/export.csv"), 2 * len(LABELS))
            column = found[0].index("Name")
            assert "'-2\\0433.bet365.com" in {row[column] for row in found}
            for page in ("/", "/figures", "/rules", "/rules/suggestions", "/checks"):
                is_page(await browser.see(page))

    asyncio.run(story())


def test_alerts(place: Place) -> None:
    async def story() -> None:
        async with place.visit("dora") as browser:
            for page in ("/alerts", "/alerts/held", "/alerts/notices"):
                is_page(await browser.see(page))
            seen = ""
            for number in range(1, ALERTS_MAX):
                path = f"/alerts/id/{number}"
                answer = await browser.see(path)
                if answer.status_code == 404:
                    break
                seen += is_page(answer)
                is_page(await browser.see(f"{path}/export"))
                seen += str(is_table(await browser.get(f"{path}/export.csv")))
                told = await browser.get(f"{path}/export.json")
                is_plain(told.text)
                assert told.status_code == 200 and names_in(told.json())
            assert f"\\060script\\062alert\\0401\\041\\060\\047script\\062.{EXTREMISM}" in seen

    asyncio.run(story())


def test_why_and_check(place: Place) -> None:
    async def story() -> None:
        async with place.visit("ada") as browser:
            for name in map(written, LABELS):
                page = is_page(await browser.see("/why", params={"name": name}))
                assert "starter:gambling" in page
            for text in TYPED:
                for field in ("name", "client", "at", "place"):
                    params = {"name": "bet365.com", field: text}
                    is_page(await browser.see("/why", params=params), typed=True)
                await browser.see("/check", params={"site": text, "place": text})
                sent = await browser.submit("/check", site=text, place=text)
                is_page(sent, typed=True)
            sent = await browser.submit("/check", site=written(LABELS[3]), place="organisation")
            is_page(sent, typed=True)

    asyncio.run(story())


def test_requests_and_decisions(place: Place) -> None:
    async def story() -> None:
        async with place.visit("ada") as browser:
            for number, text in enumerate(TYPED):
                await browser.see("/here/ask")
                refused = await browser.submit("/here/ask", kind="open", site=text, why=text)
                is_page(refused, typed=True)
                site = f"n{number}.bet365.com"
                is_page(await browser.submit("/here/ask", kind="open", site=site, why=text))
                is_page(await browser.see("/here/ask", params={"site": text}), typed=True)
                code = await browser.submit("/here/answer", code=text)
                is_page(code, typed=True)
            for page in ("/here", "/here/help", "/requests", "/requests?state=all"):
                is_page(await browser.see(page))
            for number in range(1, len(TYPED) + 1):
                assert "bet365.com" in is_page(await browser.see(f"/requests/id/{number}"))
            is_table(await browser.get("/requests/export"))
            for text in TYPED:
                params = {"actor": text, "subject": text}
                is_page(await browser.see("/audit", params=params), typed=True)
            is_page(await browser.see("/audit"))
            is_table(await browser.get("/audit/export.csv"))

    asyncio.run(story())


def test_the_block_page(place: Place) -> None:
    async def story() -> None:
        async with place.portal() as services:
            page = BlockPage(services, BlockPageSettings(OURS))
            client = httpx.ASGITransport(page, client=("127.0.0.1", 1))
            accept = {"accept": "text/html,*/*;q=0.8"}
            statuses = (200, 400, 403, 404)
            async with httpx.AsyncClient(transport=client, headers=accept) as learner:
                for label in LABELS:
                    name = written(label)
                    for host in (label + b".bet365.com", name.encode()):
                        answer = await learner.get("http://placeholder/", headers=[(b"host", host)])
                        is_page(answer, statuses=statuses)
                    answer = await learner.get(f"http://{OURS}/", params={"name": name})
                    is_page(answer, statuses=statuses)
                recent = is_page(await learner.get(f"http://{OURS}/"))
                # Of its own: a browser cannot have asked for any of the others.
                assert EXTREMISM in recent or GAMBLING in recent

    asyncio.run(story())


def test_the_api(place: Place) -> None:
    async def story() -> None:
        async with place.program() as program:
            seen: set[str] = set()
            for path in ("events?limit=500", "alerts", "requests", "audit", "suggestions", "rules"):
                answer = await program.get(f"/api/{path}")
                assert answer.status_code == 200, (path, answer.text)
                is_plain(answer.text)
                if not path.startswith(("audit", "rules")):
                    seen |= set(names_in(answer.json()))
            assert all(NAME.fullmatch(name) for name in seen)
            assert {written(label) for label in LABELS} <= seen
            for name in map(written, LABELS[3:9]):
                answer = await program.get("/api/explain", params={"name": name})
                is_plain(answer.text)
                assert answer.json()["name"] == name
            for text in TYPED:
                for params in ({"name": text}, {"name": "bet365.com", "client": text}):
                    answer = await program.get("/api/explain", params=params)
                    is_plain(answer.text)
                    assert answer.status_code in (200, 422) and json.loads(answer.text)

    asyncio.run(story())
