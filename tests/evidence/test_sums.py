"""What is kept added up answers exactly as the rows it was made of, after any history."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from sqlalchemy import select

from categoriser import taxonomy
from evidence import tables
from evidence.ingesting import Ingesting
from evidence.instants import first_id, instant_of
from evidence.reading import (
    Bypass,
    TopBlocked,
    bypass_attempts,
    distinct_blocked_domains,
    popularity,
    top_blocked,
)
from evidence.reading.blocked import bypass_categories
from evidence.retention import Pruning, Retention
from evidence.store import EvidenceStore
from tests.evidence.happenings import CLOSED, batch, detail

DAY = 86_400.0
START = 1_795_219_200.0
DAYS = 12
VENUES = ("crewe", "derby", "stoke")
QUESTIONS = 12


@pytest.mark.parametrize("seed", range(4))
def test_every_answer_is_that_of_the_rows(evidence_url: str, seed: int) -> None:
    asyncio.run(_live_and_ask(evidence_url, seed))


async def _live_and_ask(url: str, seed: int) -> None:
    chance = random.Random(seed)
    store = await EvidenceStore.open(url, create=True)
    try:
        # Pseudonyms of a day or of more than the whole time: spans within and around questions.
        ingesting = Ingesting(taxonomy.load(), (40, 1, 3, 40)[seed] * DAY)
        for day in range(DAYS):
            at = START + (day + 1) * DAY
            told = batch(f"b{day}", [_detail(chance, at) for _ in range(25)], at=at)
            async with store.changing() as connection:
                await ingesting.take(connection, [told], at)
                assert (await ingesting.take(connection, [told], at)).batches == 0
            if chance.random() < 0.3:
                ingesting.forget()
            if day == 8:
                await _prune(store, chance, at)
                ingesting.forget()
            if day in (5, 8, DAYS - 1):
                await _compare(store, chance)
    finally:
        await store.close()


def _detail(chance: random.Random, at: float) -> Any:
    name, action, category, rule, sources = chance.choice(CLOSED)
    late = chance.choice((0.2, 1.0, 6.0)) * DAY * chance.random()  # a spool that had to wait
    return detail(
        at - late,
        f"{chance.choice(('', 'cdn.'))}{name}",
        address=f"10.20.1.{chance.randrange(6)}",
        venue=chance.choice(VENUES),
        room=chance.choice(("", "library")),
        queries=chance.randrange(1, 4),
        action=action,
        category=category,
        rule=rule,
        sources=sources,
    )


async def _prune(store: EvidenceStore, chance: random.Random, at: float) -> None:
    kept = Retention(detail_days=4, safeguarding_days=5, day_days=chance.choice((6, 800)))
    pruning = Pruning(kept, taxonomy.load(), at)
    while not pruning.is_over:
        async with store.changing() as connection:
            await pruning.step(connection)


async def _compare(store: EvidenceStore, chance: random.Random) -> None:
    async with store.reading() as connection:

        async def rows(table: Any) -> list[Any]:
            return list(await connection.execute(select(table)))

        kept = {
            name: await rows(getattr(tables, name))
            for name in ("noted_days", "noted_devices", "noted_sums", "noted_spans", "events")
        }
        kept |= {name: await rows(getattr(tables, name)) for name in ("origins", "verdicts")}
        words = {row.id: row.domain for row in await rows(tables.domains)}
        names = {row.id: words[row.domain_id] for row in await rows(tables.names)}
        devices = {row.id: row.pseudonym for row in await rows(tables.pseudonyms)}
        _the_sums_are_sums(kept)
        for _ in range(QUESTIONS):
            since = START + chance.uniform(-9, DAYS) * DAY
            until = since + chance.choice((0.5, 1, 2, 7, 30)) * DAY
            venues = chance.choice((None, ["crewe"], ["derby", "stoke"], []))
            plain = _Plain(kept, words, names, devices, since, until, venues)
            limit = chance.choice((2, 50))
            top = await top_blocked(connection, since, until, venues, limit=limit)
            # Domains asked for equally often may change places.
            expected = plain.top()
            assert [one.queries for one in top] == [one.queries for one in expected[:limit]]
            assert {*top} <= {*expected}
            distinct = await distinct_blocked_domains(connection, since, until, venues)
            assert distinct == len(expected)
            known = await popularity(connection, "bet365.com", since, until=until, venues=venues)
            assert known.devices == plain.devices("bet365.com")
            tried = await bypass_attempts(connection, taxonomy.load(), since, until, venues)
            assert tried == plain.bypass()


def _the_sums_are_sums(kept: dict[str, list[Any]]) -> None:
    sums: Counter[tuple[int, int, int]] = Counter()
    for row in kept["noted_days"]:
        sums[row.at, row.domain_id, row.verdict_id] += row.queries
    assert {(r.at, r.domain_id, r.verdict_id): r.queries for r in kept["noted_sums"]} == sums
    days: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in kept["noted_devices"]:
        days[row.domain_id, row.pseudonym_id].append(row.at)
    spans = {(r.domain_id, r.pseudonym_id): (r.first_at, r.last_at) for r in kept["noted_spans"]}
    assert spans == {key: (min(found), max(found)) for key, found in days.items()}


class _Plain:
    """The same questions, asked of every row by itself."""

    def __init__(
        self,
        kept: dict[str, list[Any]],
        words: dict[int, str],
        names: dict[int, str],
        devices: dict[int, str],
        since: float,
        until: float,
        venues: list[str] | None,
    ) -> None:
        self._kept, self._words, self._names, self._devices = kept, words, names, devices
        self._since, self._until, self._venues = since, until, venues
        self._origins = {row.id: row for row in kept["origins"]}
        self._verdicts = {row.id: row for row in kept["verdicts"]}

    def _inside(self, row: Any) -> bool:
        begins = row.at * 60.0
        touched = begins + DAY > self._since and begins < self._until
        return touched and self._is_mine(row.venue_id)

    def _is_mine(self, origin: int) -> bool:
        return self._venues is None or self._origins[origin].venue in self._venues

    def top(self) -> list[TopBlocked]:
        sums: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self._kept["noted_days"]:
            verdict = self._verdicts[row.verdict_id]
            if verdict.action == "block" and self._inside(row):
                sums[self._words[row.domain_id]][verdict.category] += row.queries
        found = [
            TopBlocked(domain, by.most_common(1)[0][0], sum(by.values()), self.devices(domain))
            for domain, by in sums.items()
        ]
        return sorted(found, key=lambda one: -one.queries)

    def devices(self, domain: str) -> int:
        seen = self._kept["noted_devices"]
        asked = [row for row in seen if self._words[row.domain_id] == domain]
        return len({row.pseudonym_id for row in asked if self._inside(row)})

    def bypass(self) -> list[Bypass]:
        ways = bypass_categories(taxonomy.load())
        groups: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
        for row in sorted(self._kept["events"], key=lambda row: -row.id):
            origin = self._origins[row.origin_id]
            between = first_id(self._since) <= row.id < first_id(self._until)
            way = self._verdicts[row.verdict_id].category in ways
            if way and between and self._is_mine(row.origin_id):
                groups[self._devices[row.pseudonym_id], origin.venue, origin.room].append(row)
        found = [
            Bypass(
                *key,
                tuple(sorted({self._verdicts[row.verdict_id].category for row in group})),
                tuple(dict.fromkeys(self._names[row.name_id] for row in group)),
                sum(row.queries for row in group),
                instant_of(group[-1].id),
                instant_of(group[0].id),
                group[0].id,
            )
            for key, group in groups.items()
        ]
        return sorted(found, key=lambda one: (-one.queries, -one.last_event))[:50]
