"""The query log: what is shown, to whom, and what is never shown."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from evidence.store import EvidenceStore
from tests.evidence.happenings import batch, detail, fill, record
from tests.portal.test_api import token_of
from tests.portal.visitors import CHEAP, PASSWORD, SATURDAY, House, tell

HOSTILE = "<script>alert(1)</script>.example"
FORMULA = "=cmd|calc.example"


def evidence_of(house: House) -> EvidenceStore:
    assert house.services.evidence is not None
    return house.services.evidence


async def add_person(house: House, id: str, role: str, *venues: str) -> None:
    from portal.accounts import rows

    async with house.services.store.writing() as writing:
        grant = {"role": role, **({"venues": list(venues)} if venues else {})}
        for venue in venues:
            body = {"title": venue.title(), "networks": ["203.0.113.0/24"]}
            await writing.put("venues", venue, body)
        await writing.put("people", id, {"name": id.title(), "roles": [grant]})
        await rows.add(writing.connection, id, CHEAP.hash(PASSWORD), SATURDAY)


async def happen(house: House) -> None:
    told = [
        detail(SATURDAY - 60, "www.bet365.com", address="10.9.8.7", hostname="annas-laptop"),
        detail(SATURDAY - 50, "derby.example", venue="derby", room="", rule="derby.example"),
        detail(SATURDAY - 40, HOSTILE, action="warn", category="social-media", queries=3),
        detail(SATURDAY - 30, FORMULA, rule="+1", action="monitor", category="streaming"),
    ]
    await record(evidence_of(house), batch("b", told, at=SATURDAY), at=SATURDAY)


def test_the_newest_first_without_anybody_named(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await happen(house)
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/query-log")
        assert page.status_code == 200
        assert "<title>Query log" in page.text
        order = [page.text.index(word) for word in ("cmd|calc", "derby.example", "www.bet365.com")]
        assert order == sorted(order)
        assert "10.9.8" not in page.text and "annas-laptop" not in page.text
        assert "<script>alert" not in page.text and "&lt;script&gt;alert(1)" in page.text
        assert "3 times" in page.text
        codes = re.findall(r"device=([0-9a-f]+)\"", page.text)
        assert codes and all(len(code) == 8 for code in codes)
        of_device = await b.see(f"/query-log?device={codes[-1]}")
        assert "www.bet365.com" in of_device.text and "derby.example" not in of_device.text

    tell(tmp_path, story, evidence=True)


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("name=BET365", "www.bet365.com", "derby.example"),
        ("category=gambling", "derby.example", "cmd|calc"),
        ("action=monitor", "cmd|calc", "derby.example"),
        ("venue=derby", "derby.example", "bet365.com"),
        ("room=it-suite", "www.bet365.com", "derby.example"),
        ("since=2026-11-21", "www.bet365.com", "No query is like that"),
        ("until=2026-11-20", "No query is like that", "www.bet365.com"),
        ("since=2026-99-99", "Enter a date as in", "Traceback"),
        ("name=%00%25&before=zzz", "No query is like that", "www.bet365.com"),
    ],
)
def test_filters(tmp_path: Path, query: str, there: str, absent: str) -> None:
    async def story(house: House) -> None:
        await happen(house)
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see(f"/query-log?{query}")
        table = page.text[page.text.index("</form>") :] if "Enter" not in there else page.text
        assert there in table and absent not in table
        assert page.status_code == (422 if "Enter" in there else 200)

    tell(tmp_path, story, evidence=True)


def test_a_reader_sees_the_venues_of_their_roles_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await happen(house)
        await add_person(house, "dora", "safeguarding-lead", "derby")
        b = house.browser()
        await b.sign_in("dora")
        for query in ("", "?venue=crewe", "?venue=derby", "?name=e"):
            page = await b.see(f"/query-log{query}")
            assert page.status_code == 200
            assert "bet365" not in page.text and "cmd|calc" not in page.text
            assert ("derby.example" in page.text) == (query != "?venue=crewe")
        export = await b.get("/query-log/export.csv")
        assert "derby.example" in export.text and "bet365" not in export.text

    tell(tmp_path, story, evidence=True)


@pytest.mark.parametrize("person", ["tom", "lea", "mallory"])
def test_tutors_and_leadership_may_not(tmp_path: Path, person: str) -> None:
    async def story(house: House) -> None:
        await happen(house)
        b = house.browser()
        await b.sign_in(person)
        for path in ("/query-log", "/query-log/export.csv"):
            answer = await b.get(path)
            assert answer.status_code == 403
            assert "bet365" not in answer.text
        assert "/query-log" not in (await b.see("/")).text

    tell(tmp_path, story, evidence=True)


def test_pages(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await fill(evidence_of(house), SATURDAY, events=130)
        b = house.browser()
        await b.sign_in("ada")
        seen: list[int] = []
        path = "/query-log?category=&venue="
        for _ in range(4):
            page = await b.see(path)
            rows = page.text.count('<th scope="row"')
            seen.append(rows)
            found = re.search(r'href="(/query-log\?[^"]*before=[^"]*)" rel="next"', page.text)
            if found is None:
                break
            path = found[1].replace("&amp;", "&")
        assert seen == [50, 50, 30]

    tell(tmp_path, story, evidence=True)


def test_a_spreadsheet_without_formulas(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await happen(house)
        b = house.browser()
        await b.sign_in("ada")
        answer = await b.get("/query-log/export.csv?action=monitor")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        header, row = list(csv.reader(io.StringIO(answer.text)))
        told = dict(zip(header, row, strict=True))
        assert told["Name"] == f"'{FORMULA}" and told["Entry"] == "'+1"
        assert "10.20.3.7" not in answer.text

    tell(tmp_path, story, evidence=True)


def test_a_check_is_told_from_people(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        evidence = evidence_of(house)
        asked = [
            detail(SATURDAY, f"{word}.bet365.com", transport=word) for word in ("check", "udp")
        ]
        await record(evidence, batch("check", asked), at=SATURDAY)
        b = house.browser()
        await b.sign_in("ada")
        page = (await b.see("/query-log")).text
        assert page.count("asked by a filter check; not counted") == 1
        rows = list(csv.DictReader(io.StringIO((await b.get("/query-log/export.csv")).text)))
        told = {row["Name"]: row["Filter check"] for row in rows}
        assert told["check.bet365.com"] and not told["udp.bet365.com"]

    tell(tmp_path, story, evidence=True)


def test_without_telemetry_and_without_a_database(tmp_path: Path) -> None:
    async def off(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/query-log")
        assert page.status_code == 200 and "telemetry is switched off" in page.text

    async def gone(house: House) -> None:
        for path in house_files(tmp_path):
            path.unlink()
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/query-log")
        assert page.status_code == 200 and "cannot be read now" in page.text

    tell(tmp_path, off)
    (tmp_path / "gone").mkdir()
    tell(tmp_path / "gone", gone, evidence=True)


def house_files(folder: Path) -> list[Path]:
    return list((folder / "gone").glob("telemetry.db*"))


def test_the_api(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await happen(house)
        token = await token_of(house.services)
        headers = {"Authorization": f"Bearer {token}"}
        program = house.browser()
        answer = await program.get("/api/events?limit=3", headers=headers)
        assert answer.status_code == 200
        told = answer.json()
        assert [one["name"] for one in told["events"]] == [FORMULA, HOSTILE, "derby.example"]
        more = await program.get(f"/api/events?before={told['next']}", headers=headers)
        assert [one["name"] for one in more.json()["events"]] == ["www.bet365.com"]
        assert more.json()["next"] is None
        assert "10.9.8" not in answer.text + more.text
        for query in ("limit=0", "before=-1", "since=nan", "before=99999999999999999999"):
            wrong = await program.get(f"/api/events?{query}", headers=headers)
            assert wrong.status_code == 422, query
        assert (await program.get("/api/events")).status_code == 401

    tell(tmp_path, story, evidence=True)
