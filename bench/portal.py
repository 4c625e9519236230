#!/usr/bin/env python3
"""How long every page of the portal takes in a large organisation, as an administrator.

50,000 rules, 1,000 venues with a room each, 1,000 devices, and, where there is a telemetry
database, 1,000,000 events. A real `lychgate portal` serves on loopback; every page without
parameters in its address that the application has is asked for, many times, over one connection.

  .venv/bin/python bench/portal.py [--rules 50000] [--venues 1000] [--events 1000000] [--times 30]
  .venv/bin/python bench/portal.py --only /rules --profile      # where the time goes
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import math
import os
import pstats
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import server

sys.path.insert(0, str(server.ROOT))

import httpx  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from fastapi.routing import APIRoute  # noqa: E402

from categoriser import taxonomy  # noqa: E402
from evidence.ingesting import Ingesting  # noqa: E402
from evidence.store import EvidenceStore  # noqa: E402
from lychgate.config import load  # noqa: E402
from lychgate.portal_serving import make_services  # noqa: E402
from policy.store import Store  # noqa: E402
from policy.store.importing import replace_document  # noqa: E402
from portal.accounts.accounts import Accounts  # noqa: E402
from portal.accounts.sessions import Place  # noqa: E402
from portal.app import create_app  # noqa: E402
from portal.security import session_cookie  # noqa: E402
from tests.evidence.happenings import batch, detail  # noqa: E402

P95_MS_MAX = 100.0
SKIPPED = ("/static", "/healthz", "/sign-in/openid")
START_SECONDS_MAX = 60.0
DAY = 86_400.0
EVENTS_AT_ONCE = 5_000


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


async def prepare(configuration: Path, rules: int, venues: int) -> tuple[str, list[str]]:
    """Fill the store; the secret of an administrator's session, and every page there is."""
    chosen = load(configuration)
    store = await Store.open(chosen.store_url, create=True)
    try:
        async with store.writing() as writing:
            await replace_document(writing, document(rules, venues))
        services = await make_services(chosen, chosen.portal, store)
        return await sign_in(services.accounts), pages_of(create_app(services))
    finally:
        await store.close()


async def sign_in(accounts: Accounts) -> str:
    """A session of the administrator."""
    person = await accounts.person("ada")
    assert person is not None
    return await accounts.welcome(
        person, place=Place("127.0.0.1", "bench"), at=time.time(), method="oidc"
    )


def pages_of(app: FastAPI) -> list[str]:
    """Every address without parameters that GET answers."""
    return sorted(
        {
            path
            for path, methods in _routes(app.routes)
            if "GET" in methods and "{" not in path and not path.startswith(SKIPPED)
        }
    )


def _routes(routes: Any) -> list[tuple[str, set[str]]]:
    found = []
    for route in routes:
        if isinstance(route, APIRoute):
            found.append((route.path, set(route.methods)))
        elif hasattr(route, "effective_route_contexts"):  # a router that is part of the app
            for context in route.effective_route_contexts():
                found.append((context.path, set(context.methods or ())))
    return found


async def record(configuration: Path, events: int) -> int:
    """A week of events, as the recorder writes them; how many. 0 where nothing records."""
    chosen = load(configuration)
    if not events or chosen.spool_directory is None:
        return 0
    store = await EvidenceStore.open(chosen.telemetry_url, create=True)
    names = [f"www.site{n}.example" for n in range(5_000)]
    chance = random.Random(1)
    try:
        ingesting = Ingesting(taxonomy.load(), 7 * DAY)
        now, done = time.time(), 0
        while done < events:
            many = min(EVENTS_AT_ONCE, events - done)
            details = [
                detail(
                    now - 7 * DAY * (1 - (done + n) / events),
                    chance.choice(names),
                    venue=f"v{chance.randrange(100)}",
                    room="r0",
                    address=f"10.0.{chance.randrange(250)}.{chance.randrange(250)}",
                )
                for n in range(many)
            ]
            async with store.changing() as connection:
                await ingesting.take(connection, [batch(f"b{done}", details, at=now)], now)
            done += many
    finally:
        await store.close()
    return done


def measure(url: str, cookie: str, pages: list[str], times: int) -> list[tuple[str, Any]]:
    """For every page: status, size, median and p95 in milliseconds; the slowest first."""
    rows = []
    with httpx.Client(base_url=url, cookies={"lychgate": cookie}, timeout=10) as client:
        for path in pages:
            try:
                answer = client.get(path)
            except httpx.HTTPError as fault:
                print(f"{path}: {type(fault).__name__}", flush=True)
                rows.append((path, (599, 0, math.inf, math.inf)))
                continue
            spent = []
            for _ in range(times):
                began = time.perf_counter()
                client.get(path)
                spent.append((time.perf_counter() - began) * 1000)
                if sum(spent) > 5_000:  # a page that takes seconds has said enough
                    break
            spent.sort()
            p95 = spent[math.ceil(0.95 * len(spent)) - 1]
            median = spent[len(spent) // 2]
            rows.append((path, (answer.status_code, len(answer.content), median, p95)))
            print(f"{path}: {p95:.0f} ms", file=sys.stderr, flush=True)
    return sorted(rows, key=lambda row: -row[1][3])


def show(rows: list[tuple[str, Any]]) -> int:
    """The table, as Markdown; how many miss."""
    print("| page | status | KB | median, ms | p95, ms | |")
    print("|---|---|---|---|---|---|")
    missed = 0
    for path, (status, octets, median, p95) in rows:
        late = p95 > P95_MS_MAX or status >= 500
        missed += late
        word = "MISSED" if late else ""
        print(f"| {path} | {status} | {octets / 1000:.0f} | {median:.1f} | {p95:.1f} | {word} |")
    print(f"\n{len(rows) - missed} of {len(rows)} pages within {P95_MS_MAX:g} ms (p95)")
    return missed


async def profile(configuration: Path, cookie: str, pages: list[str]) -> None:
    """Where the time goes, inside this process."""
    chosen = load(configuration)
    store = await Store.open(chosen.store_url)
    try:
        services = await make_services(chosen, chosen.portal, store)
        transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
        name = session_cookie(services.settings)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies={name: cookie}
        ) as client:
            for path in pages:
                await client.get(path)
                profiler = cProfile.Profile()
                profiler.enable()
                await client.get(path)
                profiler.disable()
                print(f"\n== {path}")
                pstats.Stats(profiler).sort_stats("cumulative").print_stats(35)
    finally:
        await store.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", type=int, default=50_000)
    parser.add_argument("--venues", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--only", action="append", default=[], help="these pages; may be repeated")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lychgate-bench-") as folder:
        configuration = Path(folder) / "lychgate.toml"
        configuration.write_text(
            '[server]\nstate_directory = "state"\n[metrics]\nlisten = ""\n'
            '[portal]\nlisten = "127.0.0.1:0"\n'
        )
        (Path(folder) / "state").mkdir()
        cookie, pages = asyncio.run(prepare(configuration, given.rules, given.venues))
        recorded = asyncio.run(record(configuration, given.events))
        pages = given.only or pages
        print(f"{given.rules:,} rules, {given.venues:,} venues, {recorded:,} events")
        if given.profile:
            asyncio.run(profile(configuration, cookie, pages))
            return 0
        process = subprocess.Popen(
            server.command("portal", "--config", str(configuration)),
            cwd=server.ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(server.ROOT)},
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            missed = show(measure(url, cookie, pages, given.times))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_SECONDS_MAX)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
