#!/usr/bin/env python3
"""How long every page of the portal takes in a large organisation, as an administrator.

50,000 rules, 1,000 venues with a room each, 1,000 devices, 500 exceptions, and 1,000,000 events of
30 days. A real `lychgate portal` serves on loopback; every page without parameters in its address
that the application has is asked for at least 20 times over one connection, after a first time that
does not count; then the API with a token. CPU is that of the portal's process, for on a machine
that does other work the clock tells of that work too.

  .venv/bin/python bench/portal.py [--rules 50000] [--venues 1000] [--events 1000000] [--times 20]
  .venv/bin/python bench/portal.py --folder /tmp/large   # keep what was made for the next time
  .venv/bin/python bench/portal.py --folder /tmp/large --only /rules --profile  # where time goes
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import math
import os
import pstats
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import server
from large import document, record

sys.path.insert(0, str(server.ROOT))

import httpx  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from fastapi.routing import APIRoute  # noqa: E402

from lychgate.config import load  # noqa: E402
from lychgate.portal_serving import make_services  # noqa: E402
from policy.commands.command import Actor  # noqa: E402
from policy.store import Store  # noqa: E402
from policy.store.importing import replace_document  # noqa: E402
from portal.accounts.accounts import Accounts  # noqa: E402
from portal.accounts.sessions import Place  # noqa: E402
from portal.app import create_app  # noqa: E402
from portal.security import session_cookie  # noqa: E402

P95_MS_MAX = 100.0
DOWNLOAD_MS_MAX = 1_000.0
"""Of a file with ten thousand rows, which nobody waits for as for a page."""
SKIPPED = ("/static", "/healthz", "/sign-in/openid", "/api")
API = (
    "/api/names?name=site5.example5.com",
    "/api/rules",
    "/api/exceptions",
    "/api/requests",
    "/api/people",
    "/api/venues",
    "/api/devices",
    "/api/profiles",
    "/api/events",
    "/api/audit",
)
"""Besides those that are not there (any more), which are left out."""
SAMPLES_MIN = 20
PAGE_SECONDS_MAX = 20.0
"""For all samples of one page: a page that takes a second has said enough by then."""
ANSWER_SECONDS_MAX = 30.0
WARM_SECONDS = 5.0
"""Templates are compiled meanwhile."""
STOP_SECONDS_MAX = 10.0
DAY = 86_400.0
TICKS = os.sysconf("SC_CLK_TCK")
CONFIGURATION = """[server]
state_directory = "state"
[metrics]
listen = ""
[portal]
listen = "127.0.0.1:0"
"""


@dataclass(frozen=True)
class Row:
    """One page, as it was served."""

    path: str
    status: int
    octets: int
    median_ms: float
    p95_ms: float
    cpu_ms: float
    """Of the portal's process, for one request, on average."""


async def prepare(
    configuration: Path, rules: int, venues: int, *, fill: bool
) -> tuple[str, str, list[str], list[str]]:
    """Fill the store; the secrets of an administrator's session and token, all pages, the API."""
    chosen = load(configuration)
    store = await Store.open(chosen.store_url, create=True)
    try:
        if fill:
            async with store.writing() as writing:
                await replace_document(writing, document(rules, venues))
        services = await make_services(chosen, chosen.portal, store)
        cookie = await sign_in(services.accounts)
        now = time.time()
        token = await services.visits.make_token(
            Actor("ada", "Ada Admin", "portal", ()),
            title="bench", scopes=["read"], at=now, expires_at=now + DAY,
        )  # fmt: skip
        app = create_app(services)
        known = {path for path, _ in _routes(app.routes)}
        called = [path for path in API if path.partition("?")[0] in known]
        return cookie, token or "", pages_of(app), called
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


def measure(url: str, headers: dict[str, str], pages: list[str], times: int, pid: int) -> list[Row]:
    """Every page, the slowest first."""
    rows = []
    with httpx.Client(base_url=url, headers=headers, timeout=ANSWER_SECONDS_MAX) as client:
        for path in pages:
            spent: list[float] = []
            try:
                answer = client.get(path)
                used, first = cpu_seconds(pid), time.perf_counter()
                while len(spent) < times and time.perf_counter() - first < PAGE_SECONDS_MAX:
                    began = time.perf_counter()
                    answer = client.get(path)
                    spent.append((time.perf_counter() - began) * 1000)
                used = cpu_seconds(pid) - used
            except httpx.HTTPError as fault:
                print(f"{path}: {type(fault).__name__}", flush=True)
                rows.append(Row(path, 599, 0, math.inf, math.inf, math.inf))
                continue
            spent.sort()
            p95 = spent[math.ceil(0.95 * len(spent)) - 1]
            size, median = len(answer.content), spent[len(spent) // 2]
            row = Row(path, answer.status_code, size, median, p95, used / len(spent) * 1000)
            rows.append(row)
            print(f"{path}: {p95:.0f} ms, CPU {row.cpu_ms:.0f}", file=sys.stderr, flush=True)
    return sorted(rows, key=lambda row: -row.p95_ms)


def cpu_seconds(pid: int) -> float:
    """What a process has used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def show(rows: list[Row]) -> int:
    """The table, as Markdown; how many miss."""
    print("| page | status | KB | median, ms | p95, ms | CPU, ms | |")
    print("|---|---|---|---|---|---|---|")
    missed = 0
    for row in rows:
        most = DOWNLOAD_MS_MAX if row.path.endswith(".csv") else P95_MS_MAX
        late = row.p95_ms > most or row.status >= 500
        missed += late
        print(
            f"| {row.path} | {row.status} | {row.octets / 1000:.0f} | {row.median_ms:.1f} "
            f"| {row.p95_ms:.1f} | {row.cpu_ms:.0f} | {'MISSED' if late else ''} |"
        )
    bounds = f"{P95_MS_MAX:g} ms, downloads {DOWNLOAD_MS_MAX:g} ms"
    print(f"\n{len(rows) - missed} of {len(rows)} within bounds (p95 of {bounds})")
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
                pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    finally:
        await store.close()


@contextmanager
def portal(configuration: Path) -> Iterator[tuple[str, int]]:
    """A portal of its own: its address and process. It ends with this one, however this ends."""
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
        time.sleep(WARM_SECONDS)
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS_MAX)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", type=int, default=50_000)
    parser.add_argument("--venues", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=SAMPLES_MIN)
    parser.add_argument("--folder", type=Path, help="keep what is made here, and use it again")
    parser.add_argument("--only", action="append", default=[], help="these pages; may be repeated")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the portal ends too
    with tempfile.TemporaryDirectory(prefix="lychgate-bench-") as made:
        folder = given.folder or Path(made)
        configuration = folder / "lychgate.toml"
        fill = not configuration.exists()
        (folder / "state").mkdir(parents=True, exist_ok=True)
        if fill:
            configuration.write_text(CONFIGURATION)
        cookie, token, pages, api = asyncio.run(
            prepare(configuration, given.rules, given.venues, fill=fill)
        )
        recorded = asyncio.run(record(configuration, given.events)) if fill else given.events
        pages = given.only or pages
        print(f"{given.rules:,} rules, {given.venues:,} venues, {recorded:,} events", flush=True)
        if given.profile:
            asyncio.run(profile(configuration, cookie, pages))
            return 0
        with portal(configuration) as (url, pid):
            times = max(given.times, 1)
            rows = measure(url, {"Cookie": f"lychgate={cookie}"}, pages, times, pid)
            if not given.only:
                rows += measure(url, {"Authorization": f"Bearer {token}"}, api, times, pid)
            missed = show(rows)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
