"""The audit log: found, read as differences, verified, and exported without formulas."""

from __future__ import annotations

import csv
import io
from html import unescape
from pathlib import Path

import pytest

from policy.commands import journal
from policy.commands.command import Actor
from policy.commands.venues import SHIPPED
from portal.accounts import rows
from portal.deciding.audit_log import safe_cell
from portal.deciding.differences import Difference, differences
from tests.portal.test_rules import HOSTILE, furnish
from tests.portal.visitors import CHEAP, PASSWORD, SATURDAY, House, tell

MALLORY = Actor("mallory", "<script>alert(1)</script>", "api")


async def enter(house: House, number: int, **more: object) -> None:
    given = {
        "at": SATURDAY + number * 60,
        "action": "rule.add",
        "subject": f"rule:{number}",
        "reason": "Test",
        **more,
    }
    async with house.services.store.writing() as writing:
        await journal.append(writing.connection, MALLORY, **given)  # type: ignore[arg-type]


def test_found_by_who_what_about_outcome_and_day(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for number in range(60):
            await enter(house, number)
        await enter(house, 99, action="venue.change", subject="venue:crewe", outcome="refused")
        await enter(house, 3000, action="rule.remove", subject=HOSTILE, reason="=1+1")
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/audit?actor=mallory")
        assert page.text.count('href="/audit/') >= 50
        assert "Older entries" in page.text
        assert HOSTILE not in page.text and HOSTILE in unescape(page.text)
        older = unescape(page.text).split('href="/audit?')[1].split('"')[0]
        page = await b.see(f"/audit?{older}")
        assert "rule:1<" in page.text and "venue:crewe" not in page.text
        page = await b.see("/audit?action=venue&outcome=refused")
        assert "Refused: Changed a venue" in page.text and "rule:1<" not in page.text
        page = await b.see("/audit?action=rule&subject=rule:57")
        assert "rule:57<" in page.text and "rule:1<" not in page.text
        page = await b.see("/audit?since=2026-11-22&until=2026-11-23")
        assert "rule.remove" in page.text and "rule:1<" not in page.text
        page = await b.see("/audit?since=tomorrow")
        assert page.status_code == 422 and "Enter a date" in page.text
        assert 'value="tomorrow"' in page.text
        page = await b.see('/audit?actor="><script>alert(2)</script>&before=9e9')
        assert "<script>alert(2)" not in page.text

    tell(tmp_path, story)


def test_one_entry_shows_what_it_changed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await enter(
            house,
            1,
            before={"title": "Old", "networks": ["10.0.0.0/8"], "same": 1},
            after={"title": HOSTILE, "networks": ["10.0.0.0/8"], "same": 1},
        )
        b = house.browser()
        await b.sign_in("lea")
        text = (await b.see("/audit/1")).text
        assert "<del>Old</del>" in text
        assert HOSTILE not in text and f"<ins>{HOSTILE}</ins>" in unescape(text)
        assert "10.0.0.0/8" not in text  # what stayed is no difference
        assert (await b.see("/audit/999")).status_code == 404
        assert (await b.see("/audit/999999999999999999999999")).status_code in (404, 422)

    tell(tmp_path, story)


def test_the_chain_is_verified(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await enter(house, 1)
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/audit/verify")
        assert "none altered, removed or slipped in" in page.text
        page = await b.see("/audit/verify?digest=" + "0" * 64)
        assert "Broken" in page.text and "without the digest that was noted" in page.text

    tell(tmp_path, story)


def test_csv_holds_no_formulas(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        await enter(house, 1, reason='=HYPERLINK("http://evil.example","x")', subject='@x,\n"y"')
        b = house.browser()
        await b.sign_in("ada")
        answer = await b.get("/audit/export.csv?actor=mallory")
        assert answer.headers["content-type"].startswith("text/csv")
        assert "attachment" in answer.headers["content-disposition"]
        head, row = csv.reader(io.StringIO(answer.text))
        found = dict(zip(head, row, strict=True))
        assert found["reason"] == '\'=HYPERLINK("http://evil.example","x")'
        assert found["subject"] == '\'@x,\n"y"'
        assert (found["actor"], found["time"]) == ("mallory", "2026-11-21T11:09:27+00:00")
        tutor = house.browser()
        await tutor.sign_in("tom")
        for path in ("/audit", "/audit/1", "/audit/export.csv", "/audit/verify"):
            answer = await tutor.see(path)
            assert answer.status_code == 403
            assert "safeguarding lead" in answer.text

    tell(tmp_path, story)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "|x"])
def test_cells(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_plain_cells_stay() -> None:
    assert [safe_cell(text) for text in ("rule.add", None, 17, "a=b")] == [
        "rule.add",
        "",
        "17",
        "a=b",
    ]


def test_differences() -> None:
    assert differences('{"a": {"b": 1, "c": true}}', '{"a": {"b": 2, "c": true}, "d": [1, 2]}') == [
        Difference("a.b", "1", "2"),
        Difference("d", "", "1, 2"),
    ]
    assert differences(None, '[{"id": 7, "x": 1}]') == [
        Difference("[7].id", "", "7"),
        Difference("[7].x", "", "1"),
    ]
    assert differences("no json", None) == [Difference("", "no json", "")]


def test_the_log_of_everywhere_is_not_for_roles_at_some_venues(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.services.store.writing() as writing:
            for role in ("administrator", "safeguarding-lead"):
                body = {"name": role, "roles": [{"role": role, "venues": [SHIPPED]}]}
                await writing.put("people", role, body)
                await rows.add(writing.connection, role, CHEAP.hash(PASSWORD), SATURDAY)
        await enter(house, 1, reason="A secret of another venue")
        for person in ("administrator", "safeguarding-lead"):
            b = house.browser()
            assert (await b.sign_in(person)).status_code == 303
            for path in ("/audit", "/audit/1", "/audit/export.csv", "/audit/verify", "/undo/1"):
                assert (await b.get(path)).status_code == 403, path
            page = await b.see("/")
            assert page.status_code == 200 and 'href="/audit"' not in page.text
            assert "A secret of another venue" not in page.text
        b = house.browser()
        await b.sign_in("ada")
        assert (await b.see("/audit/1")).status_code == 200

    tell(tmp_path, story)
