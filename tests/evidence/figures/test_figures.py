"""Figures of two days with known numbers: in every part, for all venues and for one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from categoriser.taxonomy import load
from evidence.alerts.tables import groups
from evidence.figures import (
    ExceptionCount,
    Figures,
    Judged,
    ListBlocked,
    Period,
    due_for_review,
    read_figures,
)
from evidence.spool import Traffic
from evidence.store import EvidenceStore
from policy.commands.exceptions import EndException, GrantException
from policy.commands.requests import ANYBODY, AskForReview
from policy.commands.reviews import DecideRequest
from policy.requests import Said
from policy.store import Store
from tests.evidence.happenings import batch, detail, record
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import PAT, TUTOR, make_college, perform

PERIOD = Period(TUESDAY_10 - 3600, TUESDAY_10 + 86_400)
HERE = "ellesmere-port"
THERE = "partner"


async def happen(store: EvidenceStore) -> None:
    """Twelve blocked queries of six devices, one warning, attempts to get round, and 100 let
    through."""
    blocked = [
        *(detail(TUESDAY_10 + n, venue=HERE, address=f"10.0.0.{n}") for n in range(1, 7)),
        *(detail(TUESDAY_10 + 60 + n, venue=HERE, address=f"10.0.0.{n}") for n in range(1, 4)),
        detail(TUESDAY_10 + 70, "a.bet.example.com", venue=THERE, sources=("ut1:gambling", "own")),
        detail(
            TUESDAY_10 + 80,
            "nordvpn.com",
            venue=THERE,
            category="circumvention-vpn",
            sources=("starter:circumvention-vpn",),
        ),
        detail(TUESDAY_10 + 90, "nothing.example.org", venue=HERE, category="", sources=()),
    ]
    warned = detail(
        TUESDAY_10 + 95, "facebook.com", venue=HERE, action="warn", category="social-media"
    )
    before = detail(PERIOD.since - 2 * 86_400, "bwin.com", venue=HERE)
    allowed = [(Traffic(int(TUESDAY_10 // 60), HERE, "learners", "bbc.co.uk"), 100)]
    await record(store, batch("a", [*blocked, warned, before], allowed=allowed), at=TUESDAY_10)
    alert = {
        "pseudonym": "p" * 32,
        "theme": "extremism",
        "venue": HERE,
        "room": "",
        "severity": "high",
        "state": "closed",
        "rule": "",
        "first_at": TUESDAY_10,
        "last_at": TUESDAY_10,
        "queries": 3,
        "blocked": 3,
        "looks": 2,
        "body": "{}",
        "made_at": TUESDAY_10,
        "refers_to": None,
        "acknowledged_at": TUESDAY_10 + 600,
        "acknowledged_by": "dee",
        "closed_at": TUESDAY_10 + 900,
        "closed_by": "dee",
        "outcome": "spoken",
        "note": "",
    }
    waiting = {"state": "new", "outcome": "", "acknowledged_at": None, "venue": THERE}
    held = {"state": "held", "made_at": None, "outcome": ""}
    rows = [{"id": 1, **alert}, {"id": 2, **alert, **waiting}, {"id": 3, **alert, **held}]
    async with store.changing() as connection:
        await connection.execute(insert(groups), rows)


def decide(url: str) -> None:
    """Three requests (one upheld after 10 minutes, one kept after 50, one that waits), and two
    exceptions, of which one is ended early."""
    asyncio.run(make_college(url))
    gambling = Said("block", "gambling", "bet365.com", ("starter:gambling", "ut1:gambling"))
    asks = [
        AskForReview("open", "bet365.com", HERE, "", gambling),
        AskForReview("open", "bwin.com", HERE, "", replace(gambling, sources=("ut1:gambling",))),
        AskForReview("open", "nothing.example.org", HERE, "", Said("block")),
    ]
    for ask in asks:
        perform(url, ask, actor=ANYBODY)
    allow = DecideRequest(
        1, "allow", "It was listed wrongly.", scope=f"venue:{HERE}", review="2026-03-10"
    )
    perform(url, allow, at=TUESDAY_10 + 600)
    perform(url, DecideRequest(2, "keep", "It is gambling."), at=TUESDAY_10 + 3000)
    for where, actor in ((f"venue:{HERE}", TUTOR), ("organisation", PAT)):
        exception = GrantException(
            where=where, until=TUESDAY_10 + 3600, purpose="CV lesson", categories=("social-media",)
        )
        perform(url, exception, actor=actor)
    perform(url, EndException(1, reason="over"), actor=TUTOR, at=TUESDAY_10 + 60)


@pytest.fixture
def urls(tmp_path: Path) -> tuple[str, str]:
    """The telemetry and the decisions of those days."""
    happened, decided = (
        f"sqlite+aiosqlite:///{tmp_path}/{name}.db" for name in ("telemetry", "state")
    )

    async def fill() -> None:
        store = await EvidenceStore.open(happened, create=True)
        await happen(store)
        await store.close()

    asyncio.run(fill())
    decide(decided)
    return happened, decided


def read(urls: tuple[str, str], venues: frozenset[str] | None = None) -> Figures:
    async def run() -> Figures:
        evidence, store = await EvidenceStore.open(urls[0]), await Store.open(urls[1])
        try:
            async with evidence.reading() as happened, store.reading() as decided:
                at = TUESDAY_10 + 7200
                return await read_figures(
                    happened, decided, load(), PERIOD, venues, at, with_devices=True
                )
        finally:
            await evidence.close()
            await store.close()

    return asyncio.run(run())


def test_everything_for_everybody(urls: tuple[str, str]) -> None:
    found = read(urls)
    blocking = found.blocking
    assert (blocking.queries, blocking.blocked, blocking.warned) == (113, 12, 1)
    assert [
        (one.category, one.queries, one.sites, one.devices) for one in blocking.by_category
    ] == [
        ("gambling", 10, 2, 7),
        ("", 1, 1, 1),
        ("circumvention-vpn", 1, 1, 1),
    ]
    assert blocking.by_list[0] == ListBlocked("starter:gambling", 9)
    assert {one.source: one.queries for one in blocking.by_list}["own"] == 1
    assert blocking.by_venue == ((HERE, 111, 10), (THERE, 2, 2))
    assert (blocking.sites, blocking.bypass_queries, blocking.bypass_devices) == (4, 1, 1)
    assert blocking.top[0].domain == "bet365.com"
    reviews = found.reviews
    assert (reviews.asked, reviews.decided, reviews.waiting) == (3, 2, 1)
    assert reviews.upheld.ratio == 0.5
    assert reviews.by_list == (Judged("ut1:gambling", 2, 1), Judged("starter:gambling", 1, 1))
    assert reviews.by_category == (Judged("gambling", 2, 1),)
    assert (reviews.seconds_median, reviews.seconds_most) == (3000, 3000)
    assert reviews.oldest_seconds == 7200
    assert [(a.theme, a.state, a.outcome, a.alerts) for a in found.alerts.counts] == [
        ("extremism", "closed", "spoken", 1),
        ("extremism", "new", "", 1),
    ]
    assert (found.alerts.waiting, found.alerts.seconds_to_acknowledge) == (1, 600)
    assert {(one.venue, one.purpose, one.granted) for one in found.decided.exceptions} == {
        (HERE, "CV lesson", 1),
        ("", "CV lesson", 1),
    }
    assert found.decided.exceptions_ended_early == 1
    assert found.decided.ended_early == (ExceptionCount("", HERE, "CV lesson", 1),)
    # Who asked openly is named although they are few; sites that fewer than five devices asked for
    # and nobody asked about are not.
    assert [(one.site, one.devices, one.askers) for one in found.candidates] == [
        ("example.org", 0, 1),
        ("bet365.com", 6, 0),
    ]


def test_one_venue_sees_its_own(urls: tuple[str, str]) -> None:
    found = read(urls, frozenset({THERE}))
    assert (found.blocking.queries, found.blocking.blocked, found.blocking.sites) == (2, 2, 2)
    assert found.reviews.asked == found.reviews.waiting == 0
    assert found.alerts.total == 1 and found.decided.exceptions == ()
    assert found.decided.passes_open is None
    assert found.candidates == ()


def test_nothing_at_all(urls: tuple[str, str]) -> None:
    found = read(urls, frozenset())
    assert found.blocking.queries == 0 and found.blocking.share is None
    assert found.reviews.upheld.ratio is None and found.reviews.seconds_median is None


def test_what_is_due(urls: tuple[str, str]) -> None:
    async def due(day: date) -> list[str]:
        store = await Store.open(urls[1])
        async with store.reading() as connection:
            found = await due_for_review(connection, day)
        await store.close()
        return [one.target for one in found]

    assert "bet365.com" not in asyncio.run(due(date(2026, 3, 9)))
    assert "bet365.com" in asyncio.run(due(date(2026, 3, 10)))


def test_periods_follow_the_clock_on_the_wall() -> None:
    zone = ZoneInfo("Europe/London")
    spring = Period.of_days(date(2026, 3, 28), date(2026, 3, 29), zone)
    assert spring.until - spring.since == 47 * 3600
    with pytest.raises(ValueError, match="allowed"):
        Period.of_days(date(2026, 3, 2), date(2026, 3, 1), zone)
