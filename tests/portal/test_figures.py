"""The page of figures: what it says, to whom, of which venues; and that a month is read once."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from portal.reporting import keeping
from portal.reporting.periods import PeriodFault, choose, choose_term, terms_of, words
from tests.evidence.happenings import batch, detail, fill, record
from tests.portal.test_query_log import add_person, evidence_of
from tests.portal.visitors import SATURDAY, House, tell

HOSTILE = "<script>alert(1)</script>.example"
LONDON = ZoneInfo("Europe/London")
TERMS = [
    {"name": "Autumn", "from": "2026-09-01", "to": "2026-12-18"},
    {"name": "Summer", "from": "2026-04-13", "to": "2026-07-17"},
]


async def happen(house: House) -> None:
    """Six devices of Crewe at a hostile name, one at another; two queries in Derby."""
    told = [
        *(
            detail(SATURDAY - 60 - n, HOSTILE, address=f"10.0.0.{n}", rule=HOSTILE)
            for n in range(1, 7)
        ),
        detail(SATURDAY - 50, "one.example", address="10.0.0.1"),
        detail(SATURDAY - 40, "derby.example", venue="derby", room="", queries=2),
    ]
    await record(evidence_of(house), batch("f", told, at=SATURDAY), at=SATURDAY)


def figure(text: str, title: str) -> str:
    """The figure of a panel."""
    found = re.search(rf"{title}</h2>\s*<p class=\"lychgate-panel__figure\">([^<]*)", text)
    assert found, title
    return found[1]


def test_the_figures_and_what_good_looks_like(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await happen(house)
        for person in ("ada", "lea"):
            b = house.browser()
            await b.sign_in(person)
            page = await b.see("/figures?period=7")
            assert page.status_code == 200 and "<title>Too little or too much?" in page.text
            assert figure(page.text, "Share of queries blocked") == "100%"
            assert figure(page.text, "Sites to look at") == "1"
            assert page.text.count("What good looks like:") == 9
            assert "Of 9 queries 9 were blocked (100%)" in page.text
            # Six devices: named, and harmless. One device: counted, not named.
            assert "<script>alert" not in page.text and "&lt;/script&gt;.example" in page.text
            assert "one.example" not in page.text

    tell(tmp_path, story, evidence=True)


def test_a_reader_sees_the_venues_of_their_roles_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await happen(house)
        await add_person(house, "dora", "leadership", "derby")
        b = house.browser()
        await b.sign_in("dora")
        for query, queries in (("", 2), ("&venue=derby", 2), ("&venue=crewe", 0)):
            page = await b.see(f"/figures?period=30{query}")
            assert f"Of {queries} queries {queries} were blocked" in page.text
            assert "&lt;/script&gt;" not in page.text
            assert 'value="crewe"' not in page.text
        # What somebody else may see was kept meanwhile: it does not reach her.
        other = house.browser()
        await other.sign_in("lea")
        assert "Of 9 queries" in (await other.see("/figures?period=30")).text
        assert "Of 2 queries" in (await b.see("/figures?period=30")).text

    tell(tmp_path, story, evidence=True)


@pytest.mark.parametrize("person", ["tom", "mallory"])
def test_tutors_may_not(tmp_path: Path, person: str) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in(person)
        assert (await b.get("/figures")).status_code == 403

    tell(tmp_path, story, evidence=True)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("period=term", 422),  # no terms yet
        ("period=days", 422),
        ("period=days&since=2026-11-01&until=2026-11-20", 200),
        ("period=days&since=2026-11-20&until=2026-11-01", 422),
        ("period=days&since=2020-01-01&until=2026-11-01", 422),
        ("period=days&since=2027-01-01&until=2027-02-01", 422),
        ("period=days&since=0001-01-01&until=9999-12-31", 422),
        ("period=%00%3Cscript%3E&venue=%00", 422),
        ("venue=%3Cscript%3Ealert(1)%3C/script%3E", 200),
    ],
)
def test_odd_questions(tmp_path: Path, query: str, status: int) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see(f"/figures?{query}")
        assert page.status_code == status and "<script>alert" not in page.text
        assert ("There is a problem" in page.text) == (status == 422)

    tell(tmp_path, story, evidence=True)


def test_without_telemetry_what_people_decided_is_shown(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        b = house.browser()
        await b.sign_in("lea")
        page = await b.see("/figures")
        assert page.status_code == 200 and "Nothing is recorded" in page.text
        assert figure(page.text, "Decisions due for review") == "0"

    tell(tmp_path, story)


def test_the_same_question_is_answered_once_within_two_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT_MAX", 3)

    async def story(house: House) -> None:
        await happen(house)
        b = house.browser()
        await b.sign_in("ada")
        await b.see("/figures?period=7")
        late = detail(SATURDAY - 5, "late.example", queries=5)
        await record(evidence_of(house), batch("late", [late], at=SATURDAY), at=SATURDAY)
        assert "Of 9 queries" in (await b.see("/figures?period=7")).text
        house.clock.at += 121
        assert "Of 14 queries" in (await b.see("/figures?period=7")).text
        for number in range(1, 5):
            await b.see(f"/figures?period=days&since=2026-10-0{number}&until=2026-11-01")
        kept = house.services.kept["figures"]
        assert isinstance(kept, keeping.Keeping) and len(kept._found) == 3

    tell(tmp_path, story, evidence=True)


def test_periods() -> None:
    terms = terms_of(TERMS)
    assert words(terms, SATURDAY, LONDON) == ["term", "last-term", "7", "30", "days"]
    assert words([], SATURDAY, LONDON) == ["7", "30", "days"]
    now = choose("", "", "", terms, SATURDAY, LONDON)
    assert (now.term, str(now.first)) == ("Autumn", "2026-09-01")
    assert now.period.until == SATURDAY, "metrics count until now"
    assert choose("last-term", "", "", terms, SATURDAY, LONDON).term == "Summer"
    assert choose("", "", "", [], SATURDAY, LONDON).word == "30"
    assert choose_term("summer", terms, SATURDAY, LONDON).period.days == 96
    with pytest.raises(PeriodFault, match="Autumn"):
        choose_term("winter", terms, SATURDAY, LONDON)


def test_a_week_of_many_sites(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await fill(evidence_of(house), SATURDAY - 60, events=300)
        b = house.browser()
        await b.sign_in("ada")
        page = await b.see("/figures?period=7")
        assert "bet365.com" in page.text and 'id="chart-categories-title"' in page.text

    tell(tmp_path, story, evidence=True)
