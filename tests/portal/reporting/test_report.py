"""The report on a page and as files: what it says, to whom, and what it never says."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from policy.commands.rules import AddRules
from portal.accounts.accounts import actor_of
from portal.reporting import printing
from tests.evidence.happenings import batch, detail, record
from tests.portal.test_api import token_of
from tests.portal.test_checks import HOSTILE as CHECKED
from tests.portal.test_checks import furnish
from tests.portal.test_query_log import add_person, evidence_of
from tests.portal.visitors import SATURDAY, Browser, House, house

HOSTILE = "<script>alert(1)</script>.example"
FORMULA = '=HYPERLINK("http://evil.example";"look")'
SECTIONS = (
    "At a glance",
    "Policy in force",
    "Changes of the policy, with reasons",
    "Exceptions",
    "Over-blocking",
    "What was blocked",
    "Warnings, and ways round the filter",
    "Safeguarding alerts",
    "Checks that the filter works",
    "Where category knowledge comes from",
    "Decisions due for review",
)


async def happen(made: House) -> None:
    """Six devices at a hostile name in Crewe, one at another; a rule whose reason is a formula."""
    told = [
        *(
            detail(SATURDAY - 60 - n, HOSTILE, address=f"10.0.0.{n}", hostname="jos-laptop")
            for n in range(1, 7)
        ),
        detail(SATURDAY - 50, "only-jo.example", address="10.0.0.1", hostname="jos-laptop"),
        detail(SATURDAY - 40, "derby.example", venue="derby", room="", queries=2),
    ]
    await record(evidence_of(made), batch("r", told, at=SATURDAY), at=SATURDAY)
    ada = await made.services.accounts.person("ada")
    assert ada is not None
    rule = {"action": "deny", "pattern": "essays.example", "review": "2026-11-20"}
    command = AddRules((rule,), reason=FORMULA)
    await made.services.desk.perform(actor_of(ada), command, at=SATURDAY - 600)


def tell(folder: Path, story: Callable[[House], Awaitable[None]]) -> None:
    """Run a story in a portal with two venues, checks, and a few minutes behind it."""

    async def run() -> None:
        async with house(folder, evidence=True) as made:
            await furnish(made)
            await happen(made)
            await story(made)

    asyncio.run(run())


async def see_as(made: House, person: str, path: str = "/report?period=30") -> tuple[Browser, str]:
    """Somebody's browser and the page they see."""
    b = made.browser()
    await b.sign_in(person)
    page = await b.see(path)
    assert page.status_code == 200, page.text[:500]
    return b, page.text


def rows_of(text: str, section: str) -> list[list[str]]:
    """The records of a section of the CSV."""
    return [row for row in csv.reader(io.StringIO(text)) if row[0] == section]


def test_the_page_has_every_section_and_names_nobody(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        for person in ("lea", "ada"):
            _, text = await see_as(made, person)
            assert [*re.findall(r"<h2 class=\"govuk-heading-m\">([^<]+)</h2>", text)] == [*SECTIONS]
            assert "<title>Filtering report" in text and 'href="/report"' in text
            assert "Of 9 queries 9 were blocked (100%)" in text
            assert "Checks made: 2. With nothing wrong: 1." in text and "Failed" in text
            assert "Added rules" in text and "Block essays.example" in text
            assert "Rules to be looked at again: 1." in text
            assert "<script>alert" not in text and "&lt;script&gt;alert" in text
            for secret in ("10.0.0.1", "jos-laptop", "only-jo.example"):
                assert secret not in text

    tell(tmp_path, story)


@pytest.mark.parametrize("person", ["tom", "mallory"])
def test_tutors_may_not(tmp_path: Path, person: str) -> None:
    async def story(made: House) -> None:
        b = made.browser()
        await b.sign_in(person)
        for path in ("/report", "/report/download?format=csv"):
            assert (await b.get(path)).status_code == 403
        assert 'href="/report"' not in (await b.see("/")).text

    tell(tmp_path, story)


def test_a_reader_of_one_venue_sees_its_own_and_no_audit_log(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        await add_person(made, "dana", "leadership", "derby")
        b, text = await see_as(made, "dana")
        assert "Of 2 queries 2 were blocked" in text and "Crewe" not in text
        assert "Changes of the policy" not in text and "digest" not in text
        assert "Checks made: 1. With nothing wrong: 1." in text and CHECKED not in text
        kept = (await b.get("/report/download?period=30&venue=crewe&format=csv")).text
        assert "Of 0 queries 0 were blocked" in kept and "script" not in kept

    tell(tmp_path, story)


def test_the_files(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        b, _ = await see_as(made, "lea")
        html = await b.get("/report/download?period=30&format=html")
        name = "lychgate-report-2026-10-23-to-2026-11-21"
        assert html.headers["content-disposition"] == f'attachment; filename="{name}.html"'
        assert html.text.count("<section") == len(SECTIONS)
        assert "<script" not in html.text and "src=" not in html.text and "url(" not in html.text
        table = await b.get("/report/download?period=30&format=csv")
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        records = list(csv.reader(io.StringIO(table.text)))
        assert len({len(row) for row in records}) == 1
        assert {row[0] for row in records} >= {*SECTIONS}
        changes = rows_of(table.text, SECTIONS[2])
        (change,) = [row for row in changes if "Block essays.example" in row]
        assert change[5] == f"'{FORMULA}" and change[6] == "Ada Admin"
        assert not any(cell[:1] in ("=", "+", "-", "@") for row in records for cell in row)
        for text in (html.text, table.text):
            for secret in ("10.0.0.1", "jos-laptop", "only-jo.example"):
                assert secret not in text

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("format=docx", "Choose HTML, PDF or CSV"),
        ("", "Choose HTML, PDF or CSV"),
        ("format=csv&period=days&since=2026-11-20&until=2026-11-01", "There is a problem"),
        ("format=csv&period=%3Cscript%3E", "There is a problem"),
    ],
)
def test_odd_downloads(tmp_path: Path, query: str, said: str) -> None:
    async def story(made: House) -> None:
        b, _ = await see_as(made, "lea", "/report")
        page = await b.get(f"/report/download?{query}")
        assert page.status_code == 422 and said in page.text and "<script>" not in page.text

    tell(tmp_path, story)


def test_where_nothing_makes_pdfs_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "find_spec", lambda _: None)

    async def story(made: House) -> None:
        b, text = await see_as(made, "lea")
        assert "Download as PDF" not in text and "WeasyPrint is not installed" in text
        page = await b.get("/report/download?format=pdf")
        assert page.status_code == 503 and "The HTML file prints as well" in page.text

    tell(tmp_path, story)


def test_programs_get_the_same(tmp_path: Path) -> None:
    async def story(made: House) -> None:
        b = made.browser()
        bearer = {"Authorization": f"Bearer {await token_of(made.services, ('read',))}"}
        report = (await b.get("/api/report?period=30", headers=bearer)).json()
        assert [one["title"] for one in report["sections"]] == [*SECTIONS]
        figures = (await b.get("/api/figures?period=30", headers=bearer)).json()
        assert figures["blocking"]["blocked"] == 9 and figures["decided"]["rules_deny"] == 1
        assert [(one["venue"], one["well"]) for one in figures["checks"]] == [
            ("crewe", 0),
            ("derby", 1),
        ]
        one = (await b.get("/api/figures?period=30&venue=derby", headers=bearer)).json()
        assert one["blocking"]["blocked"] == 2
        wrong = await b.get("/api/figures?period=days&since=x&until=2026-11-01", headers=bearer)
        assert wrong.status_code == 422
        assert wrong.json()["faults"] == ["since: 'x'; allowed: a day as in 2026-11-21"]

    tell(tmp_path, story)


def test_without_telemetry_what_people_decided_is_there(tmp_path: Path) -> None:
    async def run() -> None:
        async with house(tmp_path) as made:
            b = made.browser()
            await b.sign_in("lea")
            page = await b.see("/report")
            assert "Nothing is recorded" in page.text and "What was blocked" not in page.text
            assert "Policy in force" in page.text and "Decisions due for review" in page.text

    asyncio.run(run())
