"""Why is this blocked: the whole explanation in words, with the real resolver's own decision."""

from __future__ import annotations

import dataclasses
from html import unescape
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

from blocklists.tracing import Standing, Trace
from lychgate.config import load
from lychgate.explaining import Happens
from lychgate.live_explaining import Explaining
from policy.commands.command import Via
from policy.types import Reason
from portal.app import create_app
from portal.words import texts
from tests.portal.test_rules import HOSTILE, furnish, rule
from tests.portal.visitors import House, NoLists, Story, tell


class Traced(NoLists):
    """Lists of which one, with a hostile title, has bet365.com."""

    def trace(self, name: str) -> list[Any]:
        from datetime import date

        if not name.endswith("bet365.com"):
            return []
        title = f"Games {HOSTILE}"
        day = date(2026, 3, 1)
        return [
            Trace("ut1:gambling", title, "gambling", "bet365.com", 4711, day, "v1", "filters",
                  False, "", ""),
        ]  # fmt: skip


def explain(folder: Path, story: Story, *rules: dict[str, Any]) -> None:
    """A portal that explains as the real one does, on its own store."""

    async def told(house: House) -> None:
        await furnish(house, *rules)
        (folder / "lychgate.toml").write_text('server.state_directory = "."\n')
        explaining = Explaining(load(folder / "lychgate.toml"), house.clock)
        house.services = dataclasses.replace(house.services, explain=explaining, lists=Traced())
        house.app = create_app(house.services)
        try:
            await story(house)
        finally:
            explaining.close()

    tell(folder, told)


def test_the_whole_explanation_and_one_click_to_allow(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/why")
        assert "Ask what happens to a site" in page.text
        assert 'value="room:crewe/lab"' in page.text
        page = await b.see("/why?name=https://www.bet365.com/x&place=venue:crewe")
        text = unescape(page.text)
        assert page.status_code == 200
        for said in (
            "Why: www.bet365.com",
            "Blocked",
            "Gambling is blocked for Learners at Crewe.",
            "Betting, casinos, bingo",
            "The profile's action for the category",
            "bet365.*",
            "starter:gambling",
            "No exception: gambling cannot be exempted.",
            "4711",
            "2026-03-01",
        ):
            assert said in text, said
        assert HOSTILE not in page.text and HOSTILE in text
        link = next(part for part in text.split('"') if part.startswith("/rules/add?"))
        assert parse_qs(urlsplit(link).query) == {
            "action": ["allow"],
            "names": ["www.bet365.com"],
            "scope": ["venue:crewe"],
        }
        form = await b.see(link)
        assert "www.bet365.com</textarea>" in form.text
        assert '<option value="venue:crewe" selected>' in form.text

    explain(tmp_path, story)


def test_an_address_a_time_and_what_is_open(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/why?name=one.example&client=10.20.9.7&at=2026-11-21T12:30")
        text = unescape(page.text)
        for said in (
            "Why: one.example",
            "10.20.9.7",
            "Lab, Crewe",
            "21 November 2026, 12:30",
            "A rule of yours",
        ):
            assert said in text, said
        page = await b.see("/why?name=two.example&client=10.20.9.7")
        assert "Block this site" in page.text and "Allow this site" not in page.text
        async with house.services.store.writing() as writing:
            await writing.put("rules", None, rule("two.example"))
        page = await b.see("/why?name=two.example")  # what was just decided is seen at once
        assert "Allow this site" in page.text
        page = await b.see("/why?name=two.example&client=8.8.8.8")
        assert "not among those that are served" in page.text

    explain(tmp_path, story, rule("one.example", scope="room:crewe/lab"))


def test_questions_that_cannot_be_are_told_beside_the_field(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("tom")
        for query, told in (
            ("name=", "Enter the name of a site"),
            ("name=a..b", "an empty label"),
            ("name=one.example&client=nobody", "is not an IP address"),
            ("name=one.example&place=venue:gone", "is not there"),
            ("name=one.example&at=yesterday", "is not a time"),
            ("name=%3Cscript%3Ealert(1)%3C/script%3E", "in a name"),
        ):
            page = await b.see(f"/why?{query}")
            assert page.status_code == 422, query
            assert told in unescape(page.text), query
            assert "<script>alert" not in page.text
            assert "one.example" in page.text or "one.example" not in query
        page = await b.see("/why?name=bet365.com")
        assert "Blocked" in page.text
        assert "Allow this site" not in page.text  # a tutor does not decide about names

    explain(tmp_path, story)


def test_nobody_without_a_role_asks(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        page = await house.browser().see("/why?name=bet365.com")
        assert page.url.path == "/sign-in"

    explain(tmp_path, story)


def test_everything_that_may_happen_has_words() -> None:
    assert {f"why.reason_{reason}" for reason in get_args(Reason)} <= texts().keys()
    happens = {word.replace(" ", "_") for word in get_args(Happens)}
    assert {f"why.happens_{word}" for word in happens} <= texts().keys()
    assert {f"why.standing_{word}" for word in get_args(Standing)} <= texts().keys()
    assert {f"audit.via_{word}" for word in get_args(Via)} <= texts().keys()
