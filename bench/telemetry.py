#!/usr/bin/env python3
"""What keeping what happened costs: CPU in the resolver and the recorder, octets, and reading.

A busy site of 10 venues and 3,000 devices asks 1,000 queries a second: visits of Zipf-distributed
sites, three queries each (A, AAAA, HTTPS), 7 % of them blocked, four of five out of the memo. The
resolver's recording and the recorder are the real ones, on one thread after the other, so that the
CPU seconds of each are told apart; the clock is simulated. An hour of a day is played
(`--minutes`). What is kept by the minute grows evenly; of the tables of hours the day has 24, each
as large as that of a whole hour; whatever else is taken to go on growing as in the second half of
what was played, which is too much.

Then pages are asked of a database of 1,000,000 events, each question several times.

  .venv/bin/python bench/telemetry.py [--minutes 60] [--events 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from categoriser import taxonomy  # noqa: E402
from categoriser.names import from_text  # noqa: E402
from evidence.ingesting import Ingesting  # noqa: E402
from evidence.pseudonyms import Identity  # noqa: E402
from evidence.reading import (  # noqa: E402
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
from evidence.recorder import Recorder, RecorderSettings  # noqa: E402
from evidence.spool import VERSION, Batch, Detail, Tally, waiting  # noqa: E402
from evidence.store import EvidenceStore  # noqa: E402
from policy.types import Client, Decision  # noqa: E402
from resolver.telemetry.recording import Recording  # noqa: E402

RATE = 1_000
QUERIES_EACH = 3
BLOCKED = 0.07
REMEMBERED = 0.8
VENUES, ROOMS, DEVICES = 10, 4, 3_000
OPEN_NAMES, CLOSED_NAMES = 30_000, 3_000
START = 1_795_219_200.0
DAY = 86_400.0
OCTETS_A_DAY_MAX = 1_000_000_000
CORE_MAX = 0.02
READ_MS_MAX = 50.0
TIMES = 40
CATEGORIES = (
    "gambling", "adult", "social-media", "circumvention-vpn", "streaming", "malware", "payday",
    "self-harm", "games", "shopping",
)  # fmt: skip


class Site:
    """Everything that asks and is asked for; things are what recording looks at of them."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.open_decision = Decision("allow", "default")
        self.open_names = [from_text(f"www.site{n}.com") for n in range(OPEN_NAMES)]
        self.closed_names = [from_text(f"www.closed{n}.net") for n in range(CLOSED_NAMES)]
        self.decisions = [
            Decision(
                "block", "category", CATEGORIES[n % len(CATEGORIES)], f"closed{n}.net",
                (f"ut1:{CATEGORIES[n % len(CATEGORIES)]}",),
            )
            for n in range(CLOSED_NAMES)
        ]  # fmt: skip
        self.open_weights = list(accumulate(1 / (n + 1) for n in range(OPEN_NAMES)))
        self.closed_weights = list(accumulate(1 / (n + 1) for n in range(CLOSED_NAMES)))
        audiences = [
            _Thing(perspective=SimpleNamespace(client=Client(f"v{v}", f"r{r}", None, f"p{r % 3}")))
            for v in range(VENUES)
            for r in range(ROOMS)
        ]
        self.records = [
            SimpleNamespace(
                address=f"10.{n % VENUES}.{n // 250}.{n % 250}",
                hostname="",
                audience=audiences[n % len(audiences)],
            )
            for n in range(DEVICES)
        ]
        self.answers: dict[tuple[bytes, int], Any] = {}

    def second(self, at: float) -> tuple[Counter[Any], list[Any], list[Any]]:
        """What a resolver has counted after a second: remembered answers, hits, events."""
        hits: list[Any] = []
        resolved: list[Any] = []
        for _ in range(RATE // QUERIES_EACH):
            record = self.chance.choice(self.records)
            name, decision = self._site()
            for qtype in (1, 28, 65):
                answer = self._answer(name, qtype, decision)
                if self.chance.random() < REMEMBERED:
                    hits.append((at, record, answer))
                else:
                    resolved.append((at, record, answer.query, answer.outcome, "udp", 0.001))
        remembered = Counter((record.audience, answer) for _, record, answer in hits)
        return remembered, hits, resolved

    def _site(self) -> tuple[bytes, Decision]:
        if self.chance.random() < BLOCKED:
            (n,) = self.chance.choices(range(CLOSED_NAMES), cum_weights=self.closed_weights)
            return self.closed_names[n], self.decisions[n]
        (n,) = self.chance.choices(range(OPEN_NAMES), cum_weights=self.open_weights)
        return self.open_names[n], self.open_decision

    def _answer(self, name: bytes, qtype: int, decision: Decision) -> Any:
        answer = self.answers.get((name, qtype))
        if answer is None:
            outcome = SimpleNamespace(decision=decision)
            query = SimpleNamespace(name=name, qtype=qtype)
            answer = self.answers[name, qtype] = _Thing(query=query, outcome=outcome)
        return answer


class _Thing:
    """Told apart by identity, as audiences and answers are."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=int, default=60)
    arguments.add_argument("--events", type=int, default=1_000_000)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        good = asyncio.run(record(Path(folder), chosen.minutes))
    with tempfile.TemporaryDirectory() as folder:
        good &= asyncio.run(read(Path(folder), chosen.events))
    sys.exit(not good)


async def record(folder: Path, minutes: int) -> bool:
    """Play some minutes; whether a whole day keeps within bounds."""
    site, kinds = Site(), taxonomy.load()
    recording = Recording(folder / "spool", kinds)
    now = [START]
    settings = RecorderSettings(
        spool=folder / "spool",
        url=f"sqlite+aiosqlite:///{folder}/telemetry.db",
        file=folder / "telemetry.db",
        standing=folder / "recorder.json",
        state_directory=folder,
        decisions_url="",
    )
    recorder = Recorder(settings, kinds, lambda: now[0], [])
    await recorder.step()
    empty = sizes(folder / "telemetry.db")
    noting = flushing = recorded = 0.0
    spooled = seconds = 0
    due = START
    half: dict[str, int] = {}
    for second in range(minutes * 60):
        at = now[0] = START + second
        if second == minutes * 30:  # From here on names repeat, as they do for most of a day.
            await recorder.close()
            half = sizes(folder / "telemetry.db")
        remembered, hits, resolved = site.second(at)
        began = time.process_time()
        recording.note(remembered, hits, resolved, at)
        noted = time.process_time()
        recording.flush(recording.take(), at)
        flushed = time.process_time()
        written = waiting(folder / "spool", 100)[-1:]
        spooled += written[0].stat().st_size if written else 0
        measured = time.process_time()
        if at >= due:
            await recorder.step()
            due += recorder.pause
        noting += noted - began
        flushing += flushed - noted
        recorded += time.process_time() - measured
        seconds += 1
    details = recorder.standing.details
    await recorder.close()
    whole = sizes(folder / "telemetry.db")
    grown = Counter(
        {
            table: of_a_day(table, whole[table] - empty.get(table, 0), half.get(table, 0), seconds)
            for table in whole
        }
    )
    a_day = sum(grown.values())
    core = (noting + flushing + recorded) / seconds
    rows = [
        ("played", f"{seconds} s at {RATE} queries/s, {details} events kept singly"),
        ("resolver, on the loop", f"{noting / seconds / RATE * 1e6:.2f} us a query"),
        ("resolver, in the thread", f"{flushing / seconds / RATE * 1e6:.2f} us a query"),
        ("recorder", f"{recorded / seconds / RATE * 1e6:.2f} us a query"),
        ("together", f"{core:.2%} of a core (at most {CORE_MAX:.0%})"),
        ("spool written", f"{spooled * DAY / seconds / 1e6:.0f} MB a day"),
        ("database", f"{a_day / 1e6:.0f} MB a day (at most {OCTETS_A_DAY_MAX / 1e6:.0f})"),
        *((f"of that {table}", f"{octets / 1e6:.0f} MB") for table, octets in grown.most_common(8)),
        ("lost", f"{recording.lost} queries"),
    ]
    show("What keeping costs", rows)
    return core <= CORE_MAX and a_day <= OCTETS_A_DAY_MAX and not recording.lost


def sizes(database: Path) -> dict[str, int]:
    """Octets of each table with its indexes."""
    connection = sqlite3.connect(database)
    try:
        asked = (
            "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY 1"
        )
        return {
            name.removeprefix("telemetry_"): octets for name, octets in connection.execute(asked)
        }
    finally:
        connection.close()


def of_a_day(table: str, octets: int, half: int, seconds: int) -> float:
    """What a table that has so many octets now, and had `half` of them in the middle, grows in a
    day.
    """
    if table.endswith("_minutes") or table in ("events", "ingested", "alert_inbox"):
        return octets * DAY / seconds
    if table.endswith("_hours"):
        return octets * DAY / max(seconds, 3600)
    return octets + max(octets - half, 0) * (DAY - seconds) / (seconds / 2)


async def read(folder: Path, count: int) -> bool:
    """Fill a database with events of 30 days, and ask; whether pages wait for less than bound."""
    site, kinds = Site(), taxonomy.load()
    store = await EvidenceStore.open(f"sqlite+aiosqlite:///{folder}/telemetry.db", create=True)
    ingesting = Ingesting(kinds, 7 * DAY)
    step = 20_000
    for start in range(0, count, step):
        details = [_detail(site, START + 30 * DAY * n / count) for n in range(start, start + step)]
        tallied = Counter(
            Tally(int(d.at // 60), d.venue, d.profile, d.action, d.reason, d.category, d.sources)
            for d in details
        )
        batch = Batch(VERSION, str(start), 0.0, details, list(tallied.items()), [])
        async with store.changing() as connection:
            await ingesting.take(connection, [batch], details[-1].at)
    end = START + 30 * DAY
    gc.freeze()  # as the portal does: no question waits for a walk through what is kept
    rows, worst = [], 0.0
    for name, ask in questions(site, kinds, end).items():
        times, used = [], time.process_time()
        for _ in range(TIMES):
            began = time.perf_counter()
            async with store.reading() as connection:
                await ask(connection)
            times.append((time.perf_counter() - began) * 1e3)
        p95 = statistics.quantiles(times, n=20)[-1]
        worst = max(worst, p95)
        cpu = (time.process_time() - used) / TIMES * 1e3
        told = f"{statistics.median(times):.1f} ms, p95 {p95:.1f} ms, CPU {cpu:.1f} ms"
        rows.append((name, told))
    size = await store.octets()
    await store.close()
    rows.append(("database", f"{size / 1e6:.0f} MB for {count} events of 30 days"))
    show(f"Reading {count} events (p95 at most {READ_MS_MAX:.0f} ms)", rows)
    return worst <= READ_MS_MAX


def questions(site: Site, kinds: Any, end: float) -> dict[str, Callable[[Any], Awaitable[Any]]]:
    """What pages ask; each time about something else."""
    chance = site.chance
    month = end - 30 * DAY

    def any_name() -> str:
        return f"closed{chance.randrange(CLOSED_NAMES)}."

    return {
        "newest page": lambda c: events(c),
        "one venue": lambda c: events(c, EventFilter(venues=[f"v{chance.randrange(VENUES)}"])),
        "rare category, all time": lambda c: events(c, EventFilter(categories=["self-harm"])),
        "venue and category": lambda c: events(
            c, EventFilter(venues=["v3"], categories=["gambling"], since=month)
        ),
        "part of a name": lambda c: events(c, EventFilter(name_contains=any_name())),
        "end of a name": lambda c: events(c, EventFilter(name_ends_with=any_name() + "net")),
        "nothing like it": lambda c: events(c, EventFilter(room="r0", reason="locked")),
        "deep page": lambda c: events(c, EventFilter(until=month + 5 * DAY)),
        "recently blocked": lambda c: recently_blocked(
            c, Identity(address=chance.choice(site.records).address), end - 3600
        ),
        "popularity, 30 days": lambda c: popularity(c, any_name() + "net", month),
        "top blocked, 1 day": lambda c: top_blocked(c, end - DAY, end),
        "top blocked, 30 days": lambda c: top_blocked(c, month, end),
        "top blocked, 30 days, venue": lambda c: top_blocked(c, month, end, ["v1"]),
        "different domains, 30 days": lambda c: distinct_blocked_domains(c, month, end),
        "tallies by category, 30 days": lambda c: tallies(c, month, end, by=["category"]),
        "tallies by hour, 7 days": lambda c: tallies(c, end - 7 * DAY, end, by=["time"]),
        "traffic of a domain": lambda c: traffic(c, "site1.com", month, end),
        "attempts to get round, 1 day": lambda c: bypass_attempts(c, kinds, end - DAY, end),
    }


def _detail(site: Site, at: float) -> Detail:
    (n,) = site.chance.choices(range(CLOSED_NAMES), cum_weights=site.closed_weights)
    record, decision = site.chance.choice(site.records), site.decisions[n]
    client = record.audience.perspective.client
    return Detail(
        at, record.address, "", "", client.venue, client.room, client.profile,
        f"www.closed{n}.net", 1, decision.action, decision.reason, decision.category,
        decision.rule, decision.sources, (), "udp",
    )  # fmt: skip


def show(title: str, rows: list[tuple[str, str]]) -> None:
    print(f"\n{title}\n")
    for name, value in rows:
        print(f"  {name:32} {value}")


if __name__ == "__main__":
    main()
