"""The page in the place of a blocked site: what it says, to whom, and that hostile requests cost
nothing. Decisions are real: they come from the store, by the same way as the portal's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.store import EvidenceStore
from lychgate import config
from lychgate.live_explaining import Explaining
from lychgate.office import Office
from lychgate.portal_serving import make_services
from policy.commands.command import Actor
from policy.commands.exceptions import GrantException
from policy.commands.pages import SetPage
from policy.commands.profiles import AddPeriod, ChangeProfile, SetActions
from policy.store import Store
from policy.types import Grant
from portal.block_page.app import BlockPage, BlockPageSettings
from portal.block_page.asked import name_of, read_request
from portal.block_page.tokens import TOKEN_SECONDS, Tokens
from tests.evidence.happenings import batch, detail, record
from tests.portal.visitors import SATURDAY, Clock

OURS = "blocked.lychgate.internal"
LEARNER, OTHER, ABROAD = "10.20.1.5", "10.20.1.6", "8.8.8.8"
BETS, SHOP = "www.bet365.com", "www.amazon.co.uk"
ADA = Actor("ada", "Ada Admin", "portal", (Grant("administrator"),))
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class Told:
    """A block page on a store of its own."""

    page: BlockPage
    services: Any
    clock: Clock

    def learner(self, address: str = LEARNER) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.page, client=(address, 1))
        return httpx.AsyncClient(transport=transport, headers=PAGE)

    async def see(self, url: str, address: str = LEARNER, **more: Any) -> httpx.Response:
        async with self.learner(address) as browser:
            return await browser.get(url, **more)

    async def send(
        self, url: str, page: httpx.Response, address: str = LEARNER, **fields: str
    ) -> httpx.Response:
        """Send a form of a page to its address."""
        found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        data = {name: unescape(value) for name, value in found.items()} | fields
        async with self.learner(address) as browser:
            return await browser.post(url, data=data)

    async def change(self, *commands: Any) -> None:
        for command in commands:
            await self.services.desk.perform(ADA, command, at=self.clock.at)


def tell(folder: Path, story: Callable[[Told], Awaitable[None]], **settings: Any) -> None:
    """Run a story."""

    async def run() -> None:
        file = folder / "lychgate.toml"
        file.write_text('server.state_directory = "."\n')
        configuration = config.load(file)
        store = await Store.open(configuration.store_url, create=True)
        clock = Clock()
        explaining = Explaining(configuration, clock)
        try:
            made = await make_services(configuration, configuration.portal, store)
            services = _with(made, clock=clock, explain=explaining)
            page = BlockPage(services, BlockPageSettings(OURS, **settings))
            await story(Told(page, services, clock))
        finally:
            explaining.close()
            await store.close()

    asyncio.run(run())


def _with(services: Any, **more: Any) -> Any:
    from dataclasses import replace

    return replace(services, **more)


def plain(page: httpx.Response) -> str:
    """The text of a page as people read it."""
    text = re.sub(r"<(style|title|svg).*?</\1>", " ", page.text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_why_and_where_help_is(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        ours = {"title": "Maya <b>upstairs</b>", "url": "tel:+441270000000"}
        await told.change(SetPage("gambling", "Ask Jo at the desk.", "N13", [ours]))
        page = await told.see(f"http://{BETS}/in-play?sport=1")
        said = plain(page)
        assert page.status_code == 403
        assert f"{BETS} is blocked here" in said
        assert "Gambling is blocked for Learners at Our venue." in said
        assert "Betting, casinos, bingo" in said
        assert "Ask Jo at the desk." in said and "From Our organisation" in said
        assert "bet365.com" in said and "starter:gambling" in said
        assert "https://www.gamcare.org.uk" in page.text
        assert 0 < page.text.index('href="tel:+441270000000"') < page.text.index("gamcare")
        assert "Maya &lt;b&gt;upstairs" in page.text
        assert "continue" not in page.text, "a hard block cannot be passed"
        assert "tutor" not in said, "and nobody can approve gambling"
        assert "set-cookie" not in page.headers
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["connection"] == "close"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.text

    tell(tmp_path, story)


def test_a_tutor_can_approve_social_media_and_when_it_opens(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        period = {
            "name": "Saturday lunch",
            "days": ["sat"],
            "from": "12:00",
            "to": "13:00",
            "actions": {"social-media": "allow"},
        }
        await told.change(AddPeriod("learners", period))
        page = await told.see("http://www.facebook.com/")
        assert "A tutor can open it" in plain(page)
        assert "21 November 2026, 12:00, by itself" in plain(page)
        told.clock.at += 3600
        page = await told.see("http://www.facebook.com/groups")
        assert page.status_code == 403 and "is open" in plain(page)
        assert 'href="http://www.facebook.com/groups"' in page.text

    tell(tmp_path, story)


def test_going_on_past_a_warning(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        page = await told.see(f"http://{SHOP}/basket?id=7")
        assert page.status_code == 403
        assert "Think first" in plain(page) and "for 15 minutes" in plain(page)
        on = await told.send(f"http://{SHOP}/.lychgate/continue", page)
        assert on.status_code == 200
        assert "Wait about 10 seconds" in plain(on) and "until 11:23" in plain(on)
        assert f'href="http://{SHOP}/basket?id=7"' in on.text
        again = await told.see(f"http://{SHOP}/")
        assert "is open" in plain(again) and "until 11:23" in plain(again)
        other = await told.see(f"http://{SHOP}/", OTHER)
        assert "Think first" in plain(other), "nobody else went past it"
        told.clock.at += 901
        assert "Think first" in plain(await told.see(f"http://{SHOP}/"))

    tell(tmp_path, story)


def test_where_a_warning_cannot_be_passed(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        await told.change(ChangeProfile("learners", {"warn_minutes": 0}))
        page = await told.see(f"http://{SHOP}/")
        assert "Warnings cannot be passed here" in plain(page)
        assert ".lychgate/continue" not in page.text

    tell(tmp_path, story)


def test_forms_that_did_not_come_from_the_page(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        url = f"http://{SHOP}/.lychgate/continue"
        page = await told.see(f"http://{SHOP}/")
        for address, fields in (
            (OTHER, {}),
            (LEARNER, {"name": "www.ebay.co.uk"}),
            (LEARNER, {"token": ""}),
            (LEARNER, {"token": "9" * 5000}),
            (LEARNER, {"token": "9.\u00e9"}),
        ):
            answer = await told.send(url, page, address, **fields)
            assert answer.status_code == 403 and "run out" in plain(answer)
        async with told.learner() as browser:
            origin = {"origin": "http://evil.example"}
            answer = await browser.post(url, data={"name": SHOP}, headers=origin)
            assert answer.status_code == 403
        told.clock.at += TOKEN_SECONDS
        assert (await told.send(url, page)).status_code == 403
        assert (await told.services.store.document()).raw.get("passes") is None

    tell(tmp_path, story)


def test_a_warning_that_became_a_block(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        page = await told.see(f"http://{SHOP}/")
        await told.change(SetActions("learners", {"shopping": "block"}))
        answer = await told.send(f"http://{SHOP}/.lychgate/continue", page)
        assert answer.status_code == 422
        assert "nothing to go past" in plain(answer) and "is blocked here" in plain(answer)

    tell(tmp_path, story)


def test_asking_for_a_review(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        page = await told.see(f"http://{BETS}/")
        url = f"http://{BETS}/.lychgate/review"
        answer = await told.send(url, page, why="Homework on odds <b>")
        code = re.search(r"Your code is ([0-9A-Z]{4}-?\s?[0-9A-Z]{4})", plain(answer))
        assert answer.status_code == 200 and code
        assert "https://portal.example/here/answer" in answer.text
        from policy.store import requests

        async with told.services.store.reading() as connection:
            (waiting,) = await requests.queue(connection, told.clock.at)
        assert (waiting.site, waiting.venue, waiting.said.category) == (
            "bet365.com",
            "here",
            "gambling",
        )
        for _ in range(25):
            answer = await told.send(url, page)
        assert answer.status_code == 429 and "within the last hour" in plain(answer)

    tell(tmp_path, story, portal_url="https://portal.example")


def test_an_exception_that_was_just_granted(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        told.clock.at = time()  # the store's past is told by the clock on the wall
        assert "is blocked" in plain(await told.see("http://www.facebook.com/"))
        until = told.clock.at + 3600
        lesson = GrantException("venue:here", "a lesson", until, sites=["facebook.com"])
        await told.change(lesson)
        assert "is open" in plain(await told.see("http://www.facebook.com/"))

    tell(tmp_path, story)


def test_what_is_no_page_costs_nothing(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        asked: list[str] = []

        async def explain(name: str, *_: Any, **__: Any) -> Any:
            asked.append(name)
            raise ValueError

        page = BlockPage(_with(told.services, explain=explain), BlockPageSettings(OURS))
        quiet = Told(page, told.services, told.clock)
        for accept, more in (
            ("image/avif,image/webp,*/*", {}),
            ("*/*", {}),
            ("text/css,*/*;q=0.1", {}),
            ("text/html", {"sec-fetch-dest": "iframe"}),
            ("text/html", {"sec-fetch-dest": "image"}),
        ):
            answer = await quiet.see(f"http://{BETS}/x", headers={"accept": accept, **more})
            assert (answer.status_code, answer.content) == (403, b"")
        async with quiet.learner() as browser:
            for method, status in (("HEAD", 403), ("PUT", 405), ("TRACE", 405), ("BREW", 405)):
                answer = await browser.request(method, f"http://{BETS}/")
                assert (answer.status_code, answer.content) == (status, b"")
        assert asked == []
        unknown = await quiet.see(f"http://{BETS}/")
        assert unknown.status_code == 503 and asked == [BETS]

    tell(tmp_path, story)


def test_forms_too_long_and_posts_to_the_site_itself(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        url = f"http://{SHOP}/.lychgate/continue"
        async with told.learner() as browser:
            answer = await browser.post(url, data={"name": "x" * 100_000})
            assert answer.status_code == 413
            answer = await browser.post(url, data={f"f{n}": "x" for n in range(50)})
            assert answer.status_code == 403
            answer = await browser.post(f"http://{SHOP}/login", data={"password": "secret"})
            assert answer.status_code == 403 and "secret" not in answer.text

    tell(tmp_path, story)


def test_too_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.block_page import app

    monkeypatch.setattr(app, "PAGES_MAX", 3)

    async def story(told: Told) -> None:
        codes = [(await told.see(f"http://{BETS}/")).status_code for _ in range(5)]
        assert codes == [403, 403, 403, 429, 429]
        assert (await told.see(f"http://{BETS}/", OTHER)).status_code == 403
        told.clock.at += app.PAGES_SECONDS
        assert (await told.see(f"http://{BETS}/")).status_code == 403

    tell(tmp_path, story)


def test_our_own_name(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        home = await told.see(f"http://{OURS}/")
        assert home.status_code == 200 and "What was blocked here" in plain(home)
        assert "not known here" in plain(home), "nobody keeps events in this test"
        page = await told.see(f"http://{OURS}/", params={"name": BETS})
        assert page.status_code == 200 and f"{BETS} is blocked here" in plain(page)
        odd = await told.see(f"http://{OURS}/", params={"name": "<script>alert(1)</script>"})
        assert odd.status_code == 200 and "<script" not in odd.text
        by_number = await told.see("http://192.0.2.80/")
        assert "What was blocked here" in plain(by_number)
        shop = await told.see(f"http://{OURS}/", params={"name": SHOP})
        on = await told.send(f"http://{OURS}/.lychgate/continue", shop)
        assert on.status_code == 200 and f'href="http://{SHOP}/"' in on.text

    tell(tmp_path, story)


def test_what_was_blocked_lately(tmp_path: Path) -> None:
    """From a real telemetry database; each address sees its own, and of that the last minutes."""

    async def story(told: Told) -> None:
        evidence = await EvidenceStore.open(
            f"sqlite+aiosqlite:///{tmp_path / 'seen.db'}", create=True
        )
        now = told.clock.at
        happened = [
            detail(now - 60, BETS, address=LEARNER),
            detail(now - 30, BETS, address=LEARNER),
            detail(now - 90, "dates.example", address=LEARNER, action="warn", category="dating"),
            detail(now - 60, "monitored.example", address=LEARNER, action="monitor"),
            detail(now - 3600, "old.example", address=LEARNER),
            detail(now - 60, "others.example", address=OTHER),
            detail(now - 60, "<b>hostile</b>.example", address=LEARNER),
        ]
        await record(evidence, batch("one", happened, at=now), at=now)
        services = _with(told.services, evidence=evidence)
        seeing = Told(BlockPage(services, BlockPageSettings(OURS)), services, told.clock)
        page = await seeing.see(f"http://{OURS}/")
        listed = re.findall(r'href="/\?name=([^"]+)"', page.text)
        assert listed == [BETS, "dates.example"]
        assert re.search(r"Gambling 11:0[78]", plain(page))
        assert "<b>" not in page.text and "others" not in page.text
        nobody = await seeing.see(f"http://{OURS}/", "10.20.1.7")
        assert "Nothing was blocked" in plain(nobody)
        await evidence.close()

    tell(tmp_path, story)


def test_networks_that_are_not_served(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        page = await told.see(f"http://{BETS}/", ABROAD)
        assert page.status_code == 403 and "its own networks only" in plain(page)

    tell(tmp_path, story)


def test_style_sheets_under_any_name(tmp_path: Path) -> None:
    async def story(told: Told) -> None:
        page = await told.see(f"http://{BETS}/")
        for path in re.findall(r'href="(/\.lychgate/[^"]+)"', page.text):
            found = await told.see(f"http://{BETS}{path}", headers={"accept": "text/css"})
            assert found.status_code == 200 and found.content
        for path in ("../../etc/passwd", "%2e%2e/app.py", "htmx.js", "lychgate.css/"):
            found = await told.see(f"http://{BETS}/.lychgate/{path}")
            assert found.status_code in (403, 404) and b"root" not in found.content

    tell(tmp_path, story)


HOSTILE = [
    "",
    "a" * 5000,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "bet365.com\x00.example",
    "..",
    "-",
    "192.0.2.1:80",
    "[2001:db8::1]:80",
    "xn--\u00e9.com",
    "a b.example",
    "javascript:alert(1)",
    "user:password@bet365.com",
    "\\046.example",
]


@pytest.mark.parametrize("host", HOSTILE)
def test_hosts_that_are_no_names(tmp_path: Path, host: str) -> None:
    async def story(told: Told) -> None:
        scope = _scope(host.encode("utf-8"))
        status, body = await _call(told.page, scope)
        assert status in (200, 403)
        assert b"<script" not in body and b"onerror" not in body

    tell(tmp_path, story)


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=100))
def test_no_octets_raise(host: bytes, path: bytes, accept: bytes) -> None:
    scope = _scope(host)
    scope["raw_path"] = path
    scope["headers"].append((b"accept", accept))
    asked = read_request(scope)
    assert asked.name == "" or name_of(asked.name) == asked.name
    link = asked.link()
    assert re.fullmatch(r"http://[a-z0-9._-]*/[!-~]*", link), link


@given(st.text(max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_tokens_that_were_never_made(token: str, address: str, name: str) -> None:
    tokens = Tokens()
    assert not tokens.holds(token, address, name, SATURDAY)
    made = tokens.make(address, name, SATURDAY)
    assert tokens.holds(made, address, name, SATURDAY + TOKEN_SECONDS - 1)
    assert not tokens.holds(made, address, name, SATURDAY + TOKEN_SECONDS)
    assert not tokens.holds(made, address + "x", name, SATURDAY)
    assert not Tokens().holds(made, address, name, SATURDAY)


def _scope(host: bytes) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "raw_path": b"/",
        "query_string": b"",
        "client": (LEARNER, 1),
        "headers": [(b"host", host), (b"accept", b"text/html")],
    }


async def _call(page: BlockPage, scope: dict[str, Any]) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await page(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


def test_the_office_knows_what_the_resolver_knows() -> None:
    """`TakePass` asks the office's lists; the page asks the resolver's."""
    office = Office(config.Configuration())
    assert "shopping" in office.knowledge.categories_of(SHOP)
