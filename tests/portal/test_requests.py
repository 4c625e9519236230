"""The review queue: evidence, whose it is, decisions that act, the spreadsheet, the API."""

from __future__ import annotations

import csv
import dataclasses
import io
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from blocklists.tracing import Trace
from policy.commands.requests import ANYBODY, AskForReview
from policy.requests import Said
from portal.spreadsheets import safe_cell
from tests.portal.hub import HOSTILE, LEARNER, At, tell_hub, token_of
from tests.portal.test_checking import said
from tests.portal.test_exceptions import seen
from tests.portal.test_here import code_in, send
from tests.portal.visitors import Browser, House, NoLists

KEEP = {"verdict": "keep", "reason": "It is for breaks."}


class Traced(NoLists):
    """Lists of which one, with a hostile title, has every name."""

    def trace(self, name: str) -> list[Any]:
        title, day = f"Games {HOSTILE}", date(2026, 3, 1)
        return [
            Trace("ut1:x", title, "games", name, 4711, day, "v1", "filters", False, "", ""),
        ]


async def asked(house: House, site: str = "facebook.com", **more: Any) -> AskForReview:
    command = AskForReview(
        more.pop("kind", "open"),
        site,
        more.pop("venue", "crewe"),
        more.pop("why", ""),
        more.pop("said", Said("block", "social-media", site, ("starter:social-media",))),
    )
    await house.services.desk.perform(ANYBODY, command, at=house.clock.at)
    return command


async def signed_in(house: House, person: str) -> Browser:
    b = house.browser()
    await b.sign_in(person)
    return b


async def decide(b: Browser, number: int = 1, **fields: str) -> Any:
    """The page, what would happen, and then the decision."""
    path = f"/requests/id/{number}"
    await b.see(path)
    page = await b.submit(path, **fields)
    if page.status_code != 200 or "confirmed" not in page.text:
        return page
    return await b.submit(path, **fields, confirmed="yes")


def test_the_evidence(tmp_path: Path) -> None:
    async def popular(names: Any) -> dict[str, int]:
        return dict.fromkeys(names, 4321)

    async def story(house: House) -> None:
        learner = At(house, LEARNER)
        await send(learner, site="casino-news.example", why=f"My essay {HOSTILE}")
        await send(At(house, "10.30.3.8"), site="casino-news.example")
        b = await signed_in(house, "cy")
        text = said(await b.see("/requests"))
        assert "casino-news.example" in text and "Crewe" in text
        page = await b.see("/requests/id/1")
        text = said(page)
        assert HOSTILE not in page.text and HOSTILE in unescape(page.text)
        for part in (
            "2 people, first 21 November 2026, 11:08",
            "gambling: casino",  # the keyword in its name
            "4321 times lately",
            "2026-03-01",
            "My essay",
            "open; no category",
        ):
            assert part in text, part
        await asked(house, "fbcdn.net")
        text = said(await b.see("/requests/id/2"))
        assert "Part of" in text and "Facebook and Messenger" in text

    tell_hub(tmp_path, story, lists=Traced(), asked=popular)


def test_without_counting_there_is_no_row(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await asked(house)
        b = await signed_in(house, "cy")
        assert "How often it is asked for" not in said(await b.see("/requests/id/1"))

    tell_hub(tmp_path, story)


def test_a_tutor_opens_it_and_the_asker_sees_that(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        learner = At(house, LEARNER)
        code = code_in((await send(learner, site="facebook.com")).text)
        b = await signed_in(house, "cy")
        page = await b.see("/requests/id/1")
        assert 'value="open"' in page.text and 'value="keep"' in page.text
        assert 'value="allow"' not in page.text  # a rule is not a tutor's
        fields = {
            "verdict": "open",
            "reason": "CV workshop",
            "place": "room:crewe/lab",
            "bundle": "facebook",
            "until": "60",
        }
        preview = await b.submit("/requests/id/1", **fields)
        assert "Facebook and Messenger opens until 12:08" in said(preview)
        assert await seen(house) == "blocked"
        answer = await b.submit("/requests/id/1", **fields, confirmed="yes")
        assert answer.headers["location"] == "/requests?done=requests.decided_done"
        assert await seen(house) == "forwarded"
        await learner.see("/here/answer")
        assert "opened for a while" in said(await learner.submit("/here/answer", code=code))
        text = said(await b.see("/requests/id/1"))
        assert "Opened for a while" in text and "exception:1" in text
        assert 'name="verdict"' not in (await b.see("/requests/id/1")).text
        actions = [(who, what) for who, what, *_ in await house.audit()]
        assert ("cy", "exception.grant") in actions and ("cy", "request.decide") in actions

    tell_hub(tmp_path, story)


def test_an_administrator_allows_or_blocks_by_a_rule(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await asked(house)
        await asked(house, "nasty.example", kind="close", said=Said("allow"))
        b = await signed_in(house, "ada")
        rule = {"reason": "Listed wrongly", "scope": "venue:crewe", "review": "2027-03-01"}
        assert (await decide(b, 1, verdict="allow", **rule)).status_code == 303
        assert await seen(house) == "forwarded"
        page = await b.see("/requests/id/2")
        assert 'value="deny"' in page.text and 'value="open"' not in page.text
        fields = {**rule, "scope": "profile:learners"}
        assert (await decide(b, 2, verdict="deny", **fields)).status_code == 303
        assert await seen(house, "nasty.example") == "blocked"
        await asked(house, "www.nasty.example", venue="partner")
        text = said(await b.see("/requests/id/3"))
        assert "Rule 2: deny nasty.example" in text
        assert "asked on 21 November 2026: Blocked by a rule" in text
        assert "ada: Added rules" in text
        assert "Added rules" not in said(
            await (await signed_in(house, "tom")).see("/requests/id/3")
        )

    tell_hub(tmp_path, story)


def test_passing_on_keeps_it_waiting(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await asked(house)
        b = await signed_in(house, "cy")
        fields = {"verdict": "forward", "reason": "Please look", "source": "starter:social-media"}
        answer = await decide(b, **fields)
        assert answer.headers["location"] == "/requests?done=requests.forwarded_done"
        assert "Passed on" in said(await b.see("/requests"))
        text = said(await b.see("/requests/id/1"))
        assert "To list:starter:social-media: Please look" in text
        assert (await decide(b, **KEEP)).status_code == 303
        assert "Kept as it was" in said(await b.see("/requests"))

    tell_hub(tmp_path, story)


def test_faults_are_beside_the_field(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await asked(house)
        await asked(house, "bet365.com", said=Said("block", "gambling"))
        ada = await signed_in(house, "ada")
        rule = {"verdict": "allow", "scope": "venue:crewe", "review": "2027-03-01", "reason": "x"}
        opening = {"verdict": "open", "place": "venue:crewe", "until": "60", "reason": "x"}
        for number, fields, field in (
            (1, {"verdict": "", "reason": "x"}, "verdict"),
            (1, {"verdict": "explode", "reason": "x"}, "verdict"),
            (1, {"verdict": "keep", "reason": " "}, "reason"),
            (1, {**rule, "review": "soon"}, "review"),
            (1, {**rule, "scope": "venue:none"}, "scope"),
            (1, {**rule, "scope": HOSTILE}, "scope"),
            (1, {**opening, "until": ""}, "until"),
            (1, {**opening, "until": "other", "end_time": "x"}, "end_time"),
            (1, {**opening, "bundle": "none"}, "bundle"),
            (2, opening, "verdict"),  # gambling cannot be exempted
        ):
            page = await decide(ada, number, **fields)
            assert page.status_code == 422, fields
            assert HOSTILE not in page.text
            wrong = f'id="{field}-error"' in page.text or f'href="#{field}"' in page.text
            assert wrong or "There is a problem" in page.text, fields

    tell_hub(tmp_path, story)


def test_whose_requests_are_whose(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await asked(house)
        await asked(house, "partner.example", venue="partner")
        await asked(house, "nowhere.example", venue="unknown")
        for person, sites in (
            ("cy", {"facebook.com"}),
            ("pia", {"partner.example"}),
            ("tom", {"facebook.com", "partner.example"}),
            ("lea", {"facebook.com", "partner.example", "nowhere.example"}),
            ("ada", {"facebook.com", "partner.example", "nowhere.example"}),
        ):
            b = await signed_in(house, person)
            text = said(await b.see("/requests"))
            every = {"facebook.com", "partner.example", "nowhere.example"}
            assert {site for site in every if site in text} == sites, person
            table = (await b.get("/requests/export")).text
            assert {site for site in every if site in table} == sites, person
        cy = await signed_in(house, "cy")
        assert (await cy.see("/requests/id/2")).status_code == 404
        assert (await cy.submit("/requests/id/2", **KEEP)).status_code == 404
        assert (await cy.see("/requests/id/999")).status_code == 404
        assert (await cy.see(f"/requests/id/{10**30}")).status_code in (404, 422)
        lea = await signed_in(house, "lea")
        assert "Somebody else decides" in said(await lea.see("/requests/id/1"))
        assert (await lea.submit("/requests/id/1", **KEEP, confirmed="yes")).status_code == 403
        assert (await house.browser().get("/requests")).status_code == 303

    tell_hub(tmp_path, story)


def test_nothing_of_other_venues_is_beside_a_request(tmp_path: Path) -> None:
    """Neither what others asked about the same site, nor figures of everybody."""

    async def story(house: House) -> None:
        await asked(house)
        await asked(house, venue="partner")
        ada = await signed_in(house, "ada")
        await decide(ada, 1, verdict="keep", reason="A matter of Crewe alone.")
        assert "A matter of Crewe alone." in said(await ada.see("/requests/id/2"))
        assert "In the last 30 days 1 were decided" in said(await ada.see("/requests"))
        pia = await signed_in(house, "pia")
        page = await pia.see("/requests/id/2")
        assert page.status_code == 200
        assert "A matter of Crewe" not in page.text and "/requests/id/1" not in page.text
        # Everything that waits is hers; what was decided is not.
        assert "In the last 30 days 1 were decided" not in said(await pia.see("/requests"))

    tell_hub(tmp_path, story)


def test_the_spreadsheet_holds_no_formula(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        rule = "=HYPERLINK(0)"
        await asked(house, "-evil.example", said=Said("block", "games", rule, ("@list", "+x")))
        ada = await signed_in(house, "ada")
        assert (await decide(ada, verdict="keep", reason='=cmd|"/c calc"!A1')).status_code == 303
        answer = await ada.get("/requests/export")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["content-disposition"]
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert (row["site"], row["entry"], row["lists"], row["answer"]) == (
            "'-evil.example",
            "'=HYPERLINK(0)",
            "'@list +x",
            '\'=cmd|"/c calc"!A1',
        )
        assert (row["outcome"], row["decided by"], row["seconds"]) == ("kept", "ada", "0")

    tell_hub(tmp_path, story)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d"])
def test_a_cell_is_no_formula(start: str) -> None:
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"
    assert safe_cell("plain") == "plain"
    assert safe_cell(-5) == "-5" and safe_cell(None) == ""


def test_the_api(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await asked(house)
        await asked(house, "b.example")
        b = house.browser()
        headers = {"Authorization": f"Bearer {await token_of(house)}"}
        found = (await b.get("/api/requests", headers=headers)).json()
        assert [(one["site"], one["waits"]) for one in found] == [
            ("facebook.com", True),
            ("b.example", True),
        ]
        house.clock.at += 100
        body = {"verdict": "keep", "reason": "For breaks", "dry_run": True}
        url = "/api/requests/1/decision"
        assert (await b.post(url, json=body, headers=headers)).json()["audit_number"] is None
        body["dry_run"] = False
        done = await b.post(url, json=body, headers=headers)
        assert done.status_code == 200 and done.json()["subject"] == "request:1"
        assert (await b.post(url, json=body, headers=headers)).status_code == 422
        one = (await b.get("/api/requests/1", headers=headers)).json()
        assert (one["outcome"], one["answer"], one["decided_by"]) == ("kept", "For breaks", "ada")
        every = (await b.get("/api/requests?state=all", headers=headers)).json()
        assert len(every) == 2
        query = {"since": house.clock.at - 200, "until": house.clock.at + 1}
        figures = await b.get("/api/requests/figures", params=query, headers=headers)
        assert figures.json() == {
            "outcomes": {"open:kept": 1},
            "by_category": {"social-media": {"decided": 1, "upheld": 0, "ratio": 0.0}},
            "by_source": {"starter:social-media": {"decided": 1, "upheld": 0, "ratio": 0.0}},
            "decided": 1,
            "seconds_median": 100.0,
            "seconds_90_percent": 100.0,
        }
        assert (await b.get("/api/requests/9", headers=headers)).status_code == 404
        narrow = {"Authorization": f"Bearer {await token_of(house, ('read',))}"}
        url = "/api/requests/2/decision"
        assert (await b.post(url, json=body, headers=narrow)).status_code == 403

    tell_hub(tmp_path, story)


def test_a_telemetry_store_that_counted_nothing_says_so_and_a_lost_one_nothing(
    tmp_path: Path,
) -> None:
    from evidence.store import EvidenceStore

    async def story(house: House) -> None:
        await asked(house)
        b = await signed_in(house, "cy")
        for folder, there in (("", True), ("gone", False)):
            url = f"sqlite+aiosqlite:///{tmp_path / folder / 'telemetry.db'}"
            evidence = (
                await EvidenceStore.open(url, create=True) if there else EvidenceStore.at(url)
            )
            house.app.state.services = dataclasses.replace(house.services, evidence=evidence)
            text = said(await b.see("/requests/id/1"))
            assert ("How often it is asked for 0 times lately" in text) is there
            assert "Facebook and Messenger" in text
            await evidence.close()

    tell_hub(tmp_path, story)
