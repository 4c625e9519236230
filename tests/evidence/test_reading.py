"""Questions to the telemetry database, in both kinds of it, against a slow but plain reference."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from categoriser import taxonomy
from evidence.pseudonyms import Identity
from evidence.reading import (
    Event,
    EventFilter,
    bypass_attempts,
    distinct_blocked_domains,
    events,
    popularity,
    recently_blocked,
    tallies,
    top_blocked,
    traffic,
)
from evidence.reading import events as events_of
from evidence.spool import Traffic
from evidence.store import EvidenceStore
from tests.evidence.happenings import batch, detail, fill, record

NOW = 1_795_259_307.0
"""21 November 2026, 11:08 in London."""
DAY = 86_400.0

Story = Callable[[EvidenceStore], Awaitable[None]]


def tell(url: str, story: Story) -> None:
    async def run() -> None:
        store = await EvidenceStore.open(url, create=True)
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(run())


async def everything(store: EvidenceStore, wanted: EventFilter, limit: int = 7) -> list[Event]:
    """All pages of a filter."""
    found: list[Event] = []
    before = None
    async with store.reading() as connection:
        for _ in range(1_000):
            page = await events_of(connection, wanted, before=before, limit=limit)
            found += page.events
            before = page.next
            if before is None:
                return found
    raise AssertionError("pages without end")


FILTERS: list[tuple[EventFilter, Callable[[Event], bool]]] = [
    (EventFilter(), lambda one: True),
    (EventFilter(venues=["crewe"]), lambda one: one.venue == "crewe"),
    (EventFilter(venues=[]), lambda one: False),
    (EventFilter(action="warn"), lambda one: one.action == "warn"),
    (EventFilter(categories=["gambling", "adult"]), lambda one: one.category in "gambling adult"),
    (EventFilter(room="library"), lambda one: one.room == "library"),
    (EventFilter(source="ut1:adult"), lambda one: "ut1:adult" in one.sources),
    (EventFilter(name_contains="BET"), lambda one: "bet" in one.name),
    (EventFilter(name_contains="%"), lambda one: False),
    (EventFilter(name_ends_with="bet365.com"), lambda one: one.domain == "bet365.com"),
    (EventFilter(name_ends_with="et365.com"), lambda one: False),
    (EventFilter(text="vpn"), lambda one: "vpn" in one.name),
    (EventFilter(since=NOW - 2 * DAY), lambda one: one.at >= NOW - 2 * DAY),
    (EventFilter(until=NOW - 2 * DAY), lambda one: one.at < NOW - 2 * DAY),
    (
        EventFilter(venues=["crewe"], categories=["gambling"], since=NOW - 3 * DAY, room="library"),
        lambda one: (one.room, one.category) == ("library", "gambling") and one.at >= NOW - 3 * DAY,
    ),
]


def test_filters_and_pages(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        await fill(store, NOW, events=120)
        whole = await everything(store, EventFilter(), 500)
        assert len(whole) == 120
        assert whole == sorted(whole, key=lambda one: -one.id)
        for wanted, is_so in FILTERS:
            expected = [one for one in whole if is_so(one)]
            assert await everything(store, wanted) == expected, wanted
        device = whole[0].pseudonym
        of_device = [one for one in whole if one.pseudonym == device]
        assert await everything(store, EventFilter(pseudonym=device[:8])) == of_device
        assert await everything(store, EventFilter(text=device[:8])) == of_device

    tell(evidence_url, story)


@pytest.mark.parametrize(("rare", "window"), [(0, 10), (5, 7), (10_000, 10_000)])
def test_however_they_are_found(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, rare: int, window: int
) -> None:
    """By an index, or going back in time, or both: the same events."""
    from evidence.reading import events as module

    async def story(store: EvidenceStore) -> None:
        await fill(store, NOW, events=100)
        whole = await everything(store, EventFilter(), 500)
        searching = __import__("sys").modules[module.__module__]
        monkeypatch.setattr(searching, "RARE_MAX", rare)
        monkeypatch.setattr(searching, "WINDOW_ROWS", window)
        for wanted, is_so in FILTERS:
            assert await everything(store, wanted) == [one for one in whole if is_so(one)], wanted

    tell(sqlite_url, story)


def test_an_empty_database(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        async with store.reading() as connection:
            for wanted, _ in FILTERS:
                assert (await events(connection, wanted)).events == ()
            assert (await popularity(connection, "bbc.co.uk", 0.0)).queries == 0
            assert await top_blocked(connection, 0.0, NOW) == []
            assert await tallies(connection, 0.0, NOW, by=["venue"]) == []
            assert await traffic(connection, "bbc.co.uk", 0.0, NOW) == []
            assert await bypass_attempts(connection, taxonomy.load(), 0.0, NOW) == []
            assert await distinct_blocked_domains(connection, 0.0, NOW) == 0
            assert await recently_blocked(connection, Identity(address="10.0.0.1"), 0.0) == []

    tell(evidence_url, story)


def test_figures_agree_with_the_events(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        await fill(store, NOW, events=150)
        whole = await everything(store, EventFilter(), 500)
        since, until = NOW - 10 * DAY, NOW + DAY
        blocked = [one for one in whole if one.action == "block"]
        async with store.reading() as connection:
            top = await top_blocked(connection, since, until, limit=3)
            expected = Counter(one.domain for one in blocked)
            assert [one.queries for one in top] == [n for _, n in expected.most_common(3)]
            for one in top:
                assert one.queries == expected[one.domain]
                asked = {other.pseudonym for other in blocked if other.domain == one.domain}
                assert one.devices == len(asked)
            crewe = await top_blocked(connection, since, until, ["crewe"], limit=200)
            assert sum(one.queries for one in crewe) == sum(one.venue == "crewe" for one in blocked)
            assert await distinct_blocked_domains(connection, since, until) == len(expected)
            known = await popularity(connection, "www.bet365.com", since)
            assert (known.domain, known.allowed) == ("bet365.com", 0)
            assert known.blocked == expected["bet365.com"]
            by_action = {
                figure.values[0]: figure.queries
                for figure in await tallies(connection, since, until, by=["action"])
            }
            assert by_action["block"] == len(blocked)
            open_site = await popularity(connection, "www.bbc.co.uk", since)
            days = await traffic(connection, "bbc.co.uk", since, until)
            hours = await traffic(connection, "bbc.co.uk", since, until, grain="hours")
            assert open_site.allowed == sum(one.queries for one in days) > 0
            assert sum(one.queries for one in hours) == open_site.allowed

    tell(evidence_url, story)


def test_the_grains_agree(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        await fill(store, NOW, events=60)
        async with store.reading() as connection:
            sums: list[dict[Any, int]] = []
            for grain in ("minutes", "hours", "days"):
                found = await tallies(
                    connection, NOW - 10 * DAY, NOW + DAY, by=["venue", "category"], grain=grain
                )
                sums.append({figure.values: figure.queries for figure in found})
            assert sums[0] == sums[1] == sums[2] != {}
            over_time = await tallies(connection, NOW - 2 * DAY, NOW, by=["time"], grain="days")
            instants = [float(figure.values[0]) for figure in over_time]
            assert instants == sorted(instants) and all(at % DAY == 0 for at in instants)

    tell(evidence_url, story)


def test_a_name_on_several_lists_counts_for_each(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        one = detail(NOW, sources=("starter:gambling", "ut1:gambling"))
        await record(store, batch("b", [one], at=NOW), at=NOW)
        async with store.reading() as connection:
            found = await tallies(connection, NOW - 60, NOW + 60, by=["source"])
        assert {figure.values: figure.queries for figure in found} == {
            ("starter:gambling",): 1,
            ("ut1:gambling",): 1,
        }

    tell(evidence_url, story)


def test_recently_blocked_on_this_device_and_no_other(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        told = [
            detail(NOW - 40, "first.example", address="10.0.0.1"),
            detail(NOW - 30, "other.example", address="10.0.0.2"),
            detail(NOW - 20, "second.example", address="10.0.0.9", device="laptop"),
            detail(NOW - 10, "watched.example", address="10.0.0.1", action="monitor"),
            detail(NOW - 999, "old.example", address="10.0.0.1"),
        ]
        await record(store, batch("b", told, at=NOW), at=NOW)
        async with store.reading() as connection:

            async def names(who: Identity) -> list[str]:
                return [one.name for one in await recently_blocked(connection, who, NOW - 300)]

            assert await names(Identity(address="10.0.0.1")) == ["first.example"]
            assert await names(Identity(device="laptop", address="10.0.0.9")) == ["second.example"]
            assert await names(Identity(address="10.0.0.9")) == []  # known by its device
            assert await names(Identity()) == []

    tell(evidence_url, story)


def test_a_host_name_of_ones_own_choice_shows_nobody_elses_queries(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        hers = detail(NOW - 40, "hers.example", address="10.0.0.1", hostname="iPhone")
        his = detail(NOW - 30, "his.example", address="10.0.0.2", hostname="iPhone")
        await record(store, batch("b", [hers, his], at=NOW), at=NOW)
        async with store.reading() as connection:
            for address, expected in (
                ("10.0.0.1", ["hers.example"]),
                ("10.0.0.2", ["his.example"]),
                ("10.0.0.3", []),
            ):
                who = Identity(hostname="iPhone", address=address)
                found = await recently_blocked(connection, who, NOW - 300)
                assert [one.name for one in found] == expected

    tell(evidence_url, story)


def test_attempts_to_get_round_the_filter(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        told = [
            detail(NOW - n, "nordvpn.com", address="10.0.0.1", category="circumvention-vpn")
            for n in range(4)
        ]
        told.append(detail(NOW, "dns.google", address="10.0.0.2", category="circumvention-doh"))
        told.append(detail(NOW, "bet365.com", address="10.0.0.2"))
        await record(store, batch("b", told, at=NOW), at=NOW)
        async with store.reading() as connection:
            found = await bypass_attempts(connection, taxonomy.load(), NOW - DAY, NOW + 1)
            assert [(one.queries, one.names) for one in found] == [
                (4, ("nordvpn.com",)),
                (1, ("dns.google",)),
            ]
            none = await bypass_attempts(connection, taxonomy.load(), NOW - DAY, NOW + 1, ["derby"])
            assert none == []

    tell(evidence_url, story)


HOSTILE = (
    "<script>alert(1)</script>.example",
    "\\000\\255.example",
    "=cmd|' /c calc'!a1.example",
    "%_\\092.example",
    "a" * 1_100,
    "xn--80ak6aa92e.com",
    ".",
    "",
)


def test_hostile_names(evidence_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        told = [detail(NOW + n, name, rule=name[:20]) for n, name in enumerate(HOSTILE)]
        assert (await record(store, batch("b", told, at=NOW), at=NOW)).details == len(HOSTILE)
        assert {one.name for one in await everything(store, EventFilter())} == {
            name[:1_024] for name in HOSTILE
        }
        for name in HOSTILE[:5]:
            found = await everything(store, EventFilter(name_contains=name[:100]))
            assert [one.name for one in found] == [name[:1_024]]
        for odd in ("'; DROP TABLE telemetry_events; --", "\x00", "%", "\\", "\ud800"):
            assert isinstance(await everything(store, EventFilter(text=odd)), list)

    tell(evidence_url, story)


def test_searches_use_their_indexes(sqlite_url: str) -> None:
    """Ask SQLite how it would do it: no search may walk through the whole table."""

    async def story(store: EvidenceStore) -> None:
        async with store.reading() as connection:
            for column in ("name_id", "pseudonym_id", "verdict_id", "origin_id"):
                plan = await connection.execute(
                    text(
                        "EXPLAIN QUERY PLAN SELECT id FROM telemetry_events "
                        f"WHERE {column} IN (1, 2, 3) AND id >= 5 AND id <= 99999999 LIMIT 4001"
                    )
                )
                told = " ".join(str(row[-1]) for row in plan)
                assert f"COVERING INDEX ix_telemetry_events_{column}" in told, told

    tell(sqlite_url, story)


def test_allowed_queries_are_counted_and_nothing_else_is_kept_of_them(sqlite_url: str) -> None:
    async def story(store: EvidenceStore) -> None:
        allowed = [(Traffic(int(NOW // 60), "crewe", "learners", "indeed.com"), 12)]
        await record(store, batch("b", allowed=allowed, at=NOW), at=NOW)
        async with store.reading() as connection:
            assert (await popularity(connection, "www.indeed.com", NOW - DAY)).allowed == 12
            for table in ("events", "names", "pseudonyms", "identities", "noted_devices"):
                count = await connection.scalar(text(f"SELECT count(*) FROM telemetry_{table}"))
                assert count == 0, table

    tell(sqlite_url, story)
