"""Pages for everybody at a venue: what is blocked, asking, the answer by code, floods."""

from __future__ import annotations

import dataclasses
import re
from html import unescape
from pathlib import Path
from typing import Any

from policy.commands.reviews import DecideRequest
from policy.requests import ALPHABET
from policy.store import requests as kept
from portal import asking
from portal.accounts.accounts import actor_of
from portal.limiting import Limiter, network_of, plain_address
from tests.portal.hub import ELSEWHERE, HOSTILE, LEARNER, At, tell_hub
from tests.portal.visitors import House

PUBLIC = ("/here", "/here/ask", "/here/ask?kind=close", "/here/answer", "/here/help")


async def waiting(house: House) -> list[Any]:
    async with house.services.store.reading() as connection:
        return await kept.queue(connection, house.clock.at)


async def send(b: At, **fields: str) -> Any:
    await b.see("/here/ask")
    return await b.submit("/here/ask", **{"kind": "open", "site": "bet365.com", **fields})


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("state.db*"))


def code_in(text: str) -> str:
    found = re.search(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", text)
    assert found is not None
    return found[0]


def test_what_is_blocked_here_and_what_changes_next(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        page = await At(house, LEARNER).see("/here")
        text = unescape(page.text)
        assert page.status_code == 200
        assert "You are at Crewe, in Lab." in text and "“Adult learners”" in text
        assert "Betting, casinos, bingo" in text
        assert "Opens at 21 November 2026, 12:00" in text  # social media, at lunch
        assert "Blocked for everyone, always." in text
        assert "What is blocked here – Lychgate" in text
        house.clock.at += 60 * 60
        text = unescape((await At(house, f"::ffff:{LEARNER}").see("/here")).text)
        assert "You are at Crewe, in Lab." in text
        assert "Opens at" not in text
        text = unescape((await At(house, "203.0.113.7").see("/here")).text)
        assert "You are at Partner library." in text and "“Guests”" in text
        for address in (ELSEWHERE, "", "nonsense"):
            text = unescape((await At(house, address).see("/here")).text)
            assert "cannot tell which venue" in text

    tell_hub(tmp_path, story)


def test_what_is_open_now_is_told_without_names_of_staff(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        from policy.commands.exceptions import GrantException

        tom = await house.services.accounts.person("tom")
        assert tom is not None
        until = house.clock.at + 3600
        command = GrantException("room:crewe/lab", "CVs", until, bundles=["facebook"])
        await house.services.desk.perform(actor_of(tom), command, at=house.clock.at)
        text = unescape((await At(house, LEARNER).see("/here")).text)
        assert "Facebook and Messenger: open until 21 November 2026, 12:08" in text
        assert "Tom Tutor" not in text
        assert "Facebook and" not in (await At(house, "10.30.4.1").see("/here")).text

    tell_hub(tmp_path, story)


def test_asking_and_seeing_the_answer(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = At(house, LEARNER)
        page = await send(b, site="https://www.bet365.com/x?me=jo", why="For\na project")
        assert page.status_code == 200
        code = code_in(page.text)
        (one,) = await waiting(house)
        assert (one.site, one.venue, one.said.category, one.said.action, one.said.profile) == (
            "bet365.com",
            "crewe",
            "gambling",
            "block",
            "learners",
        )
        assert one.said.sources == ("starter:gambling",)
        other = At(house, ELSEWHERE)  # at home, with the code
        await other.see("/here/answer")
        typed = f" {code.lower().replace('-', ' ')} "
        page = await other.submit("/here/answer", code=typed)
        assert "Nobody has decided yet" in page.text and "bet365.com" in page.text
        ada = await house.services.accounts.person("ada")
        assert ada is not None
        command = DecideRequest(one.number, "keep", f"It is gambling. {HOSTILE}")
        await house.services.desk.perform(actor_of(ada), command, at=house.clock.at + 5)
        page = await other.submit("/here/answer", code=code)
        assert "The site stays blocked." in page.text
        assert HOSTILE not in page.text and HOSTILE in unescape(page.text)
        assert "Ada" not in page.text
        page = await other.submit("/here/answer", code="2222-2222")
        assert page.status_code == 422 and "There is no request with this code" in page.text
        page = await other.submit("/here/answer", code="'; DROP TABLE x--")
        assert page.status_code == 422

    tell_hub(tmp_path, story)


def test_two_askers_are_joined_and_no_address_is_kept(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        first = code_in((await send(At(house, LEARNER))).text)
        second = code_in((await send(At(house, "10.30.3.8"), site="www.bet365.com")).text)
        assert first != second
        (one,) = await waiting(house)
        assert one.askers == 2
        octets = on_disk(tmp_path)
        assert b"bet365.com" in octets
        assert LEARNER.encode() not in octets and b"10.30.3.8" not in octets
        assert first.replace("-", "").encode() not in octets

    tell_hub(tmp_path, story)


def test_reports_and_unknown_places(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        page = await send(At(house, ELSEWHERE), kind="close", site="nasty.example")
        assert "Close the page if it upsets you" in unescape(page.text)
        (one,) = await waiting(house)
        assert (one.kind, one.venue, one.said.action) == ("close", "unknown", "allow")

    tell_hub(tmp_path, story)


def test_a_hostile_site_or_text_is_told_beside_the_field(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = At(house, LEARNER)
        for site in ("", HOSTILE, "co.uk", "http://[::1]/", "javascript:alert(1)", "\u202e.com"):
            page = await send(b, site=site, why=HOSTILE, kind="explode")
            assert page.status_code == 422
            assert HOSTILE not in page.text
            assert "There is a problem" in page.text and HOSTILE in unescape(page.text)
        assert await waiting(house) == []
        page = await b.see(f"/here/ask?kind=x&site={HOSTILE}")
        assert page.status_code == 200 and HOSTILE not in page.text
        page = await b.see("/here/ask?site=https://www.bet365.com/secret-page")
        assert 'value="bet365.com"' in page.text and "secret-page" not in page.text
        # Only now one that is a site: faults cost nothing, so the limit is not met.
        assert (await send(b, why=HOSTILE)).status_code == 200
        async with house.services.store.reading() as connection:
            (reason,) = await kept.reasons(connection, 1)
        assert reason.why == HOSTILE

    tell_hub(tmp_path, story)


def test_a_forged_form_is_refused(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = At(house, LEARNER)
        fields = {"kind": "open", "site": "bet365.com"}
        assert (await b.post("/here/ask", data=fields)).status_code == 403
        await b.see("/here/ask")
        headers = {"Origin": "https://evil.example"}
        data = {**fields, "csrf": b.csrf}
        assert (await b.post("/here/ask", data=data, headers=headers)).status_code == 403
        assert await waiting(house) == []

    tell_hub(tmp_path, story)


def test_floods_and_guesses_are_slowed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = At(house, LEARNER)
        for number in range(asking.ASKS_MAX):
            assert (await send(b, site=f"s{number}.example")).status_code == 200
        page = await send(b, site="late.example")
        assert page.status_code == 429 and "within the last hour" in page.text
        assert "late.example" in page.text  # what was typed stays
        # Another address at the same venue goes on, until the venue has had its share.
        others = [await send(At(house, "10.30.9.9"), site=f"t{n}.example") for n in range(11)]
        assert [page.status_code for page in others] == [200] * 10 + [429]
        assert (await send(At(house, "203.0.113.7"))).status_code == 200
        house.clock.at += 3600
        assert (await send(b, site="late.example")).status_code == 200
        await b.see("/here/answer")
        tries = [await b.submit("/here/answer", code="22222222") for _ in range(31)]
        assert [page.status_code for page in tries] == [422] * 30 + [429]
        house.clock.at += 600
        assert (await b.submit("/here/answer", code="22222222")).status_code == 422

    tell_hub(tmp_path, story)


def test_every_page_is_there_without_signing_in_and_has_a_title_of_its_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = At(house, LEARNER)
        titles = set()
        for path in PUBLIC:
            page = await b.see(path)
            assert page.status_code == 200 and str(page.url).endswith(path)
            titles.add(re.findall("<title>(.*?)</title>", page.text)[0])
        assert len(titles) == 4  # asking and reporting are one page
        text = unescape((await b.see("/here/help")).text)
        assert "Ask at the desk, or ring 01234 567890." in text
        assert "National Gambling Helpline" in text
        assert "/here" in (await b.see("/sign-in")).text

    tell_hub(tmp_path, story)


def test_it_works_when_nobody_can_explain(tmp_path: Path) -> None:
    async def fail(name: str, client: str, at: str | None, *, place: str = "") -> Any:
        raise ValueError("no policy")

    async def story(house: House) -> None:
        assert dataclasses.is_dataclass(house.services)
        b = At(house, LEARNER)
        assert (await b.see("/here")).status_code == 200
        assert (await send(b)).status_code == 200
        (one,) = await waiting(house)
        assert one.said.action == ""

    async def with_failing(house: House) -> None:
        from portal.app import create_app

        house.services = dataclasses.replace(house.services, explain=fail)
        house.app = create_app(house.services)
        await story(house)

    tell_hub(tmp_path, with_failing)


def test_addresses_count_by_network_and_are_forgotten() -> None:
    assert plain_address("::ffff:10.0.0.1") == "10.0.0.1"
    assert plain_address("testclient") == ""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") == "2001:db8::/64"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    limiter = Limiter(2, 10.0)
    assert [limiter.may("10.0.0.1", 0.0) for _ in range(3)] == [True, True, False]
    assert limiter.may("10.0.0.2", 0.0)
    assert limiter.may("10.0.0.1", 10.0)
