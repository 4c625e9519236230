#!/usr/bin/env python3
"""A large organisation's policy in a store: how long it takes to build, and who waits meanwhile.

100 venues, 1,000 rooms, 50,000 rules, 500 exceptions that are active. First without load: reading
and building from nothing, after one exception, after one rule, and the decision about a name. Then
a real resolver under 10,000 queries a second, in three rounds: nothing changes; an exception is
granted every few seconds; a rule is added every few seconds, and all are filed anew. A clerk in a
process of its own commits, and asks until the answer is the new one.

  .venv/bin/python bench/policy.py [--rules 50000] [--seconds 12] [--rate 10000] [--alone]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import server

sys.path.insert(0, str(server.ROOT))

import swap  # noqa: E402

from categoriser.names import from_text, spell  # noqa: E402
from lychgate.composition import SnapshotBuilder  # noqa: E402
from lychgate.config import load  # noqa: E402
from policy.decision import decide  # noqa: E402
from policy.store import Kind, Store  # noqa: E402
from policy.store.importing import replace_document  # noqa: E402
from resolver.setup import Built  # noqa: E402
from resolver.snapshot import verify  # noqa: E402

VENUES, ROOMS_EACH, RULES, EXCEPTIONS = 100, 10, 50_000, 500
COLD_SECONDS_MAX = 2.0
DECISION_US_MAX = 5.0
LIVE_SECONDS_MAX = 1.0
CHANGE_SECONDS = 3.0
"""Between two commits of the clerk."""
DECISIONS = 100_000
ROUNDS = 3
_UNTIL = "2099-01-01"


def document(rules: int) -> dict[str, Any]:
    """The raw document of a large organisation."""
    scopes = [
        ("organisation", f"venue:v{n % VENUES}", f"room:v{n % VENUES}/r{n % ROOMS_EACH}")[n % 3]
        for n in range(rules)
    ]
    return {
        "organisation": {"name": "Large", "default_profile": "learners"},
        "profiles": {"learners": {"answer": "nxdomain"}, "staff": {"answer": "nxdomain"}},
        "venues": {"here": {"networks": ["127.0.0.0/8"]}}
        | {
            f"v{venue}": {
                "title": f"Venue {venue}",
                "networks": [f"10.{venue}.0.0/16"],
                "rooms": {
                    f"r{room}": {"networks": [f"10.{venue}.{room}.0/24"]}
                    for room in range(ROOMS_EACH)
                },
            }
            for venue in range(VENUES)
        },
        "rules": [
            {
                "action": "deny" if n % 4 else "allow",
                "pattern": f"site{n}.example{n % 997}.com",
                "scope": scopes[n],
                "reason": f"asked for in ticket {n}",
                "author": "Jo Admin",
                "review": "2098-12-31",
            }
            for n in range(rules)
        ],
        "exceptions": [
            {
                "sites": [f"open{n}.example"],
                "categories": ["social-media"] if n % 2 else ["streaming"],
                "where": f"room:v{n % VENUES}/r{n // VENUES}",
                "purpose": "a lesson",
                "approver": "Sam Tutor",
                "until": _UNTIL,
            }
            for n in range(EXCEPTIONS)
        ],
    }


def exception(name: str) -> tuple[Kind, dict[str, Any]]:
    """An exception for a name at the venue of this machine."""
    body = {"sites": [name], "where": "venue:here", "purpose": "bench", "approver": "bench"}
    return "exceptions", body | {"until": _UNTIL}


def rule(name: str) -> tuple[Kind, dict[str, Any]]:
    """A rule that allows a name."""
    return "rules", {"action": "allow", "pattern": name, "reason": "bench", "author": "bench"}


async def commit(url: str, kind: Kind, body: dict[str, Any]) -> None:
    """One decision."""
    store = await Store.open(url)
    async with store.writing() as writing:
        await writing.put(kind, None, body)
    await store.close()


async def fill(url: str, rules: int) -> None:
    """A new store that holds the large organisation."""
    store = await Store.open(url, create=True)
    async with store.writing() as writing:
        await replace_document(writing, document(rules))
    await store.close()


def measure_alone(configuration: Path, rules: int) -> bool:
    """Without load: building and deciding."""
    chosen = load(configuration)
    gc.collect()
    gc.disable()  # as in the resolver

    def seconds_of(builder: SnapshotBuilder) -> tuple[Built, float]:
        began = time.perf_counter()
        built = builder.build()
        verify(built.snapshot, time.time())
        return built, time.perf_counter() - began

    builder = SnapshotBuilder(chosen)
    SnapshotBuilder(chosen).build()  # the lists are read once in a process, at its start
    built, cold = seconds_of(builder)
    asyncio.run(commit(chosen.store_url, *exception("one.example")))
    _, warm = seconds_of(builder)
    asyncio.run(commit(chosen.store_url, *rule("two.example")))
    built, filed = seconds_of(builder)
    began = time.perf_counter()
    built.settle()
    kept = time.perf_counter() - began
    decision = _decision_us(built)
    gc.enable()
    print(f"{VENUES} venues, {VENUES * ROOMS_EACH:,} rooms, {rules:,} rules, ", end="")
    print(f"{EXCEPTIONS} exceptions; without load\n")
    print("| what | took | at most |\n|---|---|---|")
    print(f"| read and build from nothing | {cold:.2f} s | {COLD_SECONDS_MAX:g} s |")
    print(f"| after one exception | {warm:.3f} s | |")
    print(f"| after one rule | {filed:.2f} s | {COLD_SECONDS_MAX:g} s |")
    print(f"| write policy.last.json | {kept:.2f} s | |")
    print(f"| a decision, warm | {decision:.2f} us | {DECISION_US_MAX:g} us |\n", flush=True)
    return max(cold, filed) <= COLD_SECONDS_MAX and decision <= DECISION_US_MAX


def _decision_us(built: Built) -> float:
    """The median of a few rounds: names with a rule, an exception, a category, or nothing."""
    snapshot = built.snapshot
    view = snapshot.perspective(bytes((10, 7, 3, 9)), time.time()).view
    names = [f"www.site{n * 7}.example{n * 7 % 997}.com" for n in range(400)]
    names += [f"open{n}.example" for n in range(100)]
    names += [f"w{n}.facebook.com" for n in range(100)] + [f"h{n}.example.org" for n in range(400)]
    spelled = [spell(from_text(name)) for name in names]
    asked = [(spelling, snapshot.index.find(spelling)) for spelling in spelled]
    took = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        for _ in range(DECISIONS // len(asked)):
            for spelling, matches in asked:
                decide(view, spelling, matches)
        took.append((time.perf_counter() - began) / DECISIONS * 1e6)
    return statistics.median(took[1:])


def measure_under_load(configuration: Path, seconds: float, rate: int) -> bool:
    """A real resolver; whether nobody waited too long."""
    url = load(configuration).store_url
    queries = swap.queries_of_names()
    swap.play(queries, min(seconds, 2.0), rate, None)
    print(f"under {rate:,} queries a second, {seconds:g} s each\n")
    print("| what changes | commits | asked | lost | 99.9 %, ms | greatest delay, ms ", end="")
    print("| client's own pause, ms | commit to answer, s |\n|---|---|---|---|---|---|---|---|")
    good = True
    changes: list[tuple[str, Callable[[str], tuple[Kind, dict[str, Any]]] | None]] = [
        ("nothing", None),
        ("an exception", exception),
        ("a rule", rule),
    ]
    for what, make in changes:
        clerk = None if make is None else Clerk(url, what.split()[1], make)
        found = swap.play(queries, seconds, rate, None)
        took = [] if clerk is None else clerk.end()
        worst = max(found.delays) * 1000
        live = f"{max(took):.2f}" if took else ""
        print(
            f"| {what} | {len(took)} | {found.asked} | {found.lost} | "
            f"{found.share(0.999) * 1000:.1f} | {worst:.1f} | {found.pause * 1000:.1f} | {live} |",
            flush=True,
        )
        good = good and found.lost == 0 and worst <= swap.DELAY_MS_MAX
        if make is exception:
            good = good and bool(took) and max(took) <= LIVE_SECONDS_MAX
    limits = (
        f"none later than {swap.DELAY_MS_MAX:g} ms, an exception live in {LIVE_SECONDS_MAX:g} s"
    )
    print(f"\nnone lost, {limits}: {'ok' if good else 'MISSED'}")
    return good


class Clerk:
    """Commits a decision every few seconds, and asks until it is felt; in a process of its own."""

    def __init__(
        self, url: str, word: str, make: Callable[[str], tuple[Kind, dict[str, Any]]]
    ) -> None:
        reading, writing = os.pipe()
        self._reading = reading
        self._pid = os.fork()
        if self._pid:
            os.close(writing)
            return
        os.close(reading)
        try:
            number = 0
            while True:
                time.sleep(CHANGE_SECONDS)
                name = f"{word}{number}.facebook.com"
                asyncio.run(commit(url, *make(name)))
                began = time.monotonic()
                while _rcode(name) != 0:
                    time.sleep(0.01)
                line = json.dumps(time.monotonic() - began) + "\n"
                os.write(writing, line.encode())
                number += 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def end(self) -> list[float]:
        """Send the clerk home; the seconds from each commit to its answer."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        with os.fdopen(self._reading) as lines:
            return [float(line) for line in lines]


def _rcode(name: str) -> int:
    """The rcode for a name; -1 for no answer."""
    query = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0" + from_text(name) + b"\0\x01\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.sendto(query, ("127.0.0.1", server.PORT))
        try:
            return sock.recv(2048)[3] & 0x0F
        except TimeoutError:
            return -1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", type=int, default=RULES)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--rate", type=int, default=swap.QUERIES_PER_SECOND)
    parser.add_argument("--alone", action="store_true", help="without the rounds under load")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lychgate-policy-") as name:
        folder = Path(name)
        (folder / "state").mkdir()
        with swap.upstream() as port:
            configuration = server.write_configuration(folder, None, None, port)
            asyncio.run(fill(load(configuration).store_url, arguments.rules))
            good = measure_alone(configuration, arguments.rules)
            if not arguments.alone:
                with swap.serving(configuration, cores_all=True):
                    good = (
                        measure_under_load(configuration, arguments.seconds, arguments.rate)
                        and good
                    )
    if not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
