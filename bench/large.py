"""The large organisation that pages are measured in: its policy, and a month of events."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import server

sys.path.insert(0, str(server.ROOT))

from categoriser import taxonomy  # noqa: E402
from evidence.ingesting import Ingesting  # noqa: E402
from evidence.instants import IN_A_MILLISECOND_MAX  # noqa: E402
from evidence.store import EvidenceStore  # noqa: E402
from lychgate.config import load  # noqa: E402
from tests.evidence.happenings import batch, detail  # noqa: E402

DAY = 86_400.0
DAYS = 30


def document(rules: int, venues: int) -> dict[str, Any]:
    """The raw document of a large organisation."""
    scopes = [("organisation", f"venue:v{n % venues}", f"room:v{n % venues}/r0") for n in range(97)]
    return {
        "organisation": {"name": "Large", "default_profile": "learners"},
        "profiles": {"learners": {"answer": "nxdomain"}, "staff": {"answer": "nxdomain"}},
        "people": {
            "ada": {"name": "Ada Admin", "roles": [{"role": "administrator"}]},
            **{
                f"tutor-{n}": {"name": f"Tutor {n}", "roles": [{"role": "tutor"}]}
                for n in range(500)
            },
        },
        "venues": {
            f"v{n}": {
                "title": f"Venue {n}",
                "networks": [f"10.{n // 250}.{n % 250}.0/24"],
                "rooms": {"r0": {"networks": [f"10.{n // 250}.{n % 250}.0/26"]}},
            }
            for n in range(venues)
        },
        "devices": {
            f"d{n}": {"addresses": [f"10.{n // 250}.{n % 250}.9"], "profile": "staff"}
            for n in range(venues)
        },
        "rules": [
            {
                "action": "deny" if n % 4 else "allow",
                "pattern": f"site{n}.example{n % 997}.com",
                "scope": scopes[n % 97][n % 3],
                "reason": f"asked for in ticket {n}",
                "author": "Jo Admin",
                "review": "2098-12-31",
            }
            for n in range(rules)
        ],
        "exceptions": [
            {
                "sites": [f"open{n}.example"],
                "where": f"room:v{n % venues}/r0",
                "purpose": "a lesson",
                "approver": "Sam Tutor",
                "until": "2099-01-01",
            }
            for n in range(500)
        ],
    }


async def record(configuration: Path, events: int) -> int:
    """Events of a month; how many. The last day is written as the recorder does, and the days
    before it are copies of that one. 0 where nothing records.
    """
    chosen = load(configuration)
    if not events or chosen.spool_directory is None:
        return 0
    store = await EvidenceStore.open(chosen.telemetry_url, create=True)
    each, chance, now = events // DAYS, random.Random(1), time.time()
    ingesting = Ingesting(taxonomy.load(), 7 * DAY)
    categories = ("gambling", "adult", "payday", "circumvention-vpn", "streaming", "games")
    weights = [1 / (n + 1) for n in range(3_000)]
    names = chance.choices(range(3_000), weights, k=each)
    details = [
        detail(
            now - DAY * (1 - n / each),
            f"www.site{name}.net",
            venue=f"v{chance.randrange(50)}",
            room="r0",
            category=categories[name % len(categories)],
            address=f"10.0.{chance.randrange(12)}.{chance.randrange(250)}",
        )
        for n, name in enumerate(names)
    ]
    try:
        for start in range(0, each, 5_000):
            made = batch(f"b{start}", details[start : start + 5_000], at=now)
            async with store.changing() as connection:
                await ingesting.take(connection, [made], now)
    finally:
        await store.close()
    copy_days(configuration.parent / "state" / "telemetry.db")
    return each * DAYS


def copy_days(database: Path) -> None:
    """Make a month of the day that is there, in all tables that know of days."""
    connection = sqlite3.connect(database)
    copied = {
        "telemetry_events": ("id", int(DAY * 1000) * IN_A_MILLISECOND_MAX),
        **{
            name: ("at", 1440)
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND"
                " (name LIKE 'telemetry_noted%' OR name LIKE 'telemetry_tallies%')"
            )
        },
    }
    with connection:
        for table, (key, step) in copied.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            if key not in columns:
                continue
            chosen = ", ".join(f"{key} - {step} * ?" if one == key else one for one in columns)
            connection.execute(f"CREATE TEMP TABLE a_day AS SELECT * FROM {table}")
            for back in range(1, DAYS):
                connection.execute(
                    f"INSERT OR IGNORE INTO {table} ({', '.join(columns)})"
                    f" SELECT {chosen} FROM a_day",
                    (back,),
                )
            connection.execute("DROP TABLE a_day")
        spans = "UPDATE telemetry_noted_spans SET first_at = first_at - 1440 * ?"
        connection.execute(spans, (DAYS - 1,))
    connection.execute("PRAGMA optimize")
    connection.close()
