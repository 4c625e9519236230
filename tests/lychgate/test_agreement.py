"""Metrics, pages, API and report say the same of the same traffic.

A real resolver is asked and a real recorder counts. Then each outlet is read as people and programs
read it: `/metrics` by HTTP, page and API of the portal, the CSV of `lychgate report`.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from typer.testing import CliRunner

from categoriser import taxonomy
from evidence.alerts.tables import groups
from evidence.checks import keeping
from evidence.notices import NoticeSettings
from evidence.spool import read_batch, waiting
from evidence.store import EvidenceStore
from lychgate.cli import app
from lychgate.config import Configuration, load
from lychgate.office import Office
from lychgate.portal_serving import make_services
from policy.commands.command import Actor, Command
from policy.commands.desk import Desk
from policy.commands.exceptions import EndException, GrantException
from policy.commands.passes import TakePass
from policy.commands.requests import ANYBODY, AskForReview
from policy.commands.reviews import DecideRequest
from policy.commands.rules import AddRules
from policy.requests import Said
from policy.store import Store
from policy.store.importing import replace_document
from policy.types import Grant
from portal.app import create_app
from tests.lychgate.running import Serving, upstream, wait_until
from tests.portal.test_api import token_of
from tests.portal.test_checks import FAILED, WELL, run_at
from tests.portal.visitors import PEOPLE, Browser, move_in

ADA = Actor("ada", "Ada Admin", "portal", (Grant("administrator"),))
DOCUMENT: dict[str, Any] = {
    "organisation": {
        "name": "Northshire Skills",
        "timezone": "Europe/London",
        "default_profile": "learners",
    },
    "profiles": {"learners": {"title": "Learners"}},
    "venues": {"crewe": {"title": "Crewe hub", "networks": ["127.0.0.0/8"]}},
    "people": dict(PEOPLE),
}
ASKED: Mapping[str, int] = {
    "www.pokerstars.com": 7,
    "www.betfair.com": 3,
    "nordvpn.com": 2,
    "www.amazon.co.uk": 4,
    "www.bbc.co.uk": 11,
}
"""Gambling twice, a way round the filter, what is warned about, and what is let through."""
WARNED, BYPASS = 4, 2
ALERT = {
    "pseudonym": "p" * 32,
    "theme": "extremism",
    "venue": "crewe",
    "room": "",
    "severity": "high",
    "rule": "",
    "queries": 3,
    "blocked": 3,
    "looks": 2,
    "body": "{}",
    "refers_to": None,
    "acknowledged_by": "",
    "closed_at": None,
    "closed_by": "",
    "note": "",
}


async def decide(configuration: Configuration, at: float) -> None:
    """One decision of each kind that is counted, within the last hour."""
    store = await Store.open(configuration.store_url, create=True)
    async with store.writing() as writing:
        await replace_document(writing, DOCUMENT)
    await move_in(store)
    desk = Desk(store, taxonomy.load(), knowledge=Office(configuration).knowledge)
    casino = Said("block", "gambling", "pokerstars.com", ("starter:gambling",))
    due = {"action": "allow", "pattern": "old.example", "review": "2026-01-01"}
    room = "venue:crewe"
    done: list[tuple[float, Actor, Command]] = [
        (3000, ANYBODY, AskForReview("open", "pokerstars.com", "crewe", "", casino)),
        (2900, ANYBODY, AskForReview("open", "888.com", "crewe", "", casino)),
        (2800, ANYBODY, AskForReview("open", "betfair.com", "crewe", "", casino)),
        (1000, ADA, DecideRequest(1, "keep", "It is a casino.")),
        (900, ADA, DecideRequest(2, "allow", "A course.", scope=room, review="2027-09-01")),
        (800, ADA, GrantException(room, "CV workshop", at + 3600, sites=["facebook.com"])),
        (700, ADA, GrantException(room, "Film club", at + 3600, sites=["tiktok.com"])),
        (600, ADA, EndException(2, "the class ended early")),
        (500, ADA, AddRules((due,), "it was needed last year")),
        (400, ANYBODY, TakePass("127.0.0.9", "www.amazon.co.uk")),
    ]
    for seconds, actor, command in done:
        await desk.perform(actor, command, at=at - seconds)
    await store.close()


async def look_after(configuration: Configuration, at: float) -> None:
    """Three alerts, one of them closed; two checks of one profile, the newer one in trouble."""
    store = await EvidenceStore.open(configuration.telemetry_url, create=True)
    times = {"first_at": at - 900, "last_at": at - 800, "made_at": at - 700}
    new = {**ALERT, **times, "state": "new", "outcome": "", "acknowledged_at": None}
    closed = {**new, "state": "closed", "outcome": "spoken", "acknowledged_at": at - 100}
    async with store.changing() as connection:
        rows = [{"id": 1, **new}, {"id": 2, **new}, {"id": 3, **closed}]
        await connection.execute(insert(groups), rows)
        for one in (run_at("crewe", at - 600, WELL), run_at("crewe", at - 300, FAILED, WELL)):
            await keeping.keep(connection, one, NoticeSettings(), "Crewe hub", "Europe/London")
    await store.close()


def spooled(folder: Path) -> int:
    """Queries that wait for the recorder."""
    return sum(queries for path in waiting(folder, 100) for _, queries in read_batch(path).tallies)


def of_metrics(text: str) -> tuple[dict[str, float], dict[str, int], dict[str, int]]:
    """Numbers, blocked sites by category, blocked queries by list: of the month."""
    every: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.get("period", "month") == "month":
                every.setdefault(sample.name, []).append((sample.labels, sample.value))

    def total(name: str, **labels: str) -> float:
        return sum(
            value
            for given, value in every.get(f"lychgate_{name}", [])
            if labels.items() <= given.items()
        )

    numbers = {
        "queries": total("period_queries"),
        "blocked": total("period_queries", action="block"),
        "warned": total("period_queries", action="warn"),
        "sites": total("distinct_blocked_sites"),
        "bypass_queries": total("bypass_queries"),
        "bypass_devices": total("bypass_devices"),
        "asked": total("review_asked"),
        "judged": total("review_judged"),
        "upheld": total("review_upheld"),
        "waiting": total("review_waiting"),
        "granted": total("exceptions_granted"),
        "ended_early": total("exceptions_ended_early"),
        "in_force": total("exceptions_active"),
        "passes": total("passes"),
        "due": total("rules_due"),
        "alerts": total("alerts"),
        "alerts_waiting": total("alerts", state="new"),
        "checks_failed": float(total("checks", outcome="fail") > 0),
    }
    sites = {one["category"]: int(n) for one, n in every["lychgate_blocked_sites"]}
    lists = {one["source"]: int(n) for one, n in every["lychgate_list_blocked_queries"]}
    return numbers, sites, lists


def of_api(told: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, int], dict[str, int]]:
    """The same of `/api/figures`."""
    blocking, reviews, decided = told["blocking"], told["reviews"], told["decided"]
    numbers = {
        **{key: blocking[key] for key in ("queries", "blocked", "warned", "sites")},
        **{key: blocking[key] for key in ("bypass_queries", "bypass_devices")},
        "asked": reviews["asked"],
        "judged": sum(one["decided"] for one in reviews["by_category"]),
        "upheld": sum(one["upheld"] for one in reviews["by_category"]),
        "waiting": reviews["waiting"],
        **{key: decided[key] for key in ("granted", "ended_early", "passes", "due")},
        "in_force": decided["exceptions_in_force"],
        "alerts": told["alerts"]["total"],
        "alerts_waiting": told["alerts"]["waiting"],
        "checks_failed": float(any(one["newest"] == "fail" for one in told["checks"])),
    }
    sites = {one["category"]: one["sites"] for one in blocking["by_category"]}
    return numbers, sites, {one["source"]: one["queries"] for one in blocking["by_list"]}


PATTERNS: Mapping[str, Sequence[str]] = {
    r"Of ([\d,]+) queries ([\d,]+) were blocked \(\S+\), for ([\d,]+) different": (
        "queries",
        "blocked",
        "sites",
    ),
    r"Queries answered with a warning: ([\d,]+)\. Times that somebody went on past one: ([\d,]+)": (
        "warned",
        "passes",
    ),
    r"ways round the filter: ([\d,]+)\. Devices [^:]+: ([\d,]+)": (
        "bypass_queries",
        "bypass_devices",
    ),
    r"Requests made: (\d+)\. Decided: \d+\. Waiting now: (\d+)": ("asked", "waiting"),
    r"Of (\d+) decided requests to open a website (\d+) were upheld": ("judged", "upheld"),
    r"Exceptions granted: (\d+)\. Ended early: (\d+)": ("granted", "ended_early"),
    r"Rules to be looked at again: (\d+)": ("due",),
    r"Alerts made: (\d+)\. Looked after by nobody yet: (\d+)": ("alerts", "alerts_waiting"),
}
REPORTED: Mapping[str, Sequence[str]] = {r"Exceptions that hold now: ([\d,]+)": ("in_force",)}
"""What the report says besides."""


def of_text(text: str, patterns: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Numbers in what people read."""
    found: dict[str, float] = {}
    for pattern, names in patterns.items():
        said = re.search(pattern, text)
        assert said, pattern
        found |= {
            name: float(number.replace(",", ""))
            for name, number in zip(names, said.groups(), strict=True)
        }
    return found


def tables_of(text: str, caption: str) -> list[list[str]]:
    """The rows of a table of the CSV, without its heading."""
    return [row[2:] for row in csv.reader(io.StringIO(text)) if row[1] == caption][1:]


async def visit(configuration: Configuration) -> tuple[str, str, dict[str, Any]]:
    """The page of figures, that of the report, and the API."""
    store = await Store.open(configuration.store_url)
    try:
        services = await make_services(configuration, configuration.portal, store)
        async with Browser(create_app(services), "http://127.0.0.1") as b:
            await b.sign_in("lea")
            figures = await b.see("/figures?period=30")
            report = await b.see("/report?period=30")
            bearer = {"Authorization": f"Bearer {await token_of(services, ('read',))}"}
            told = (await b.get("/api/figures?period=30", headers=bearer)).json()
        assert services.evidence is not None
        await services.evidence.close()
        return figures.text, report.text, told
    finally:
        await store.close()


def test_everybody_is_told_the_same(tmp_path: Path) -> None:
    runner = CliRunner()
    (tmp_path / "var").mkdir()
    with upstream() as port:
        serving = Serving(tmp_path, port)
        configuration = load(serving.configuration)
        with serving:
            serving.ready()
            at = time.time()
            asyncio.run(decide(configuration, at))
            asyncio.run(look_after(configuration, at))
            # It has the policy once a warning is one: of the venue, by the store.
            wait_until(lambda: 'venue="crewe"' in said(serving), "the venue in the figures", 20)
            for name, times in ASKED.items():
                for _ in range(times):
                    serving.ask(name)
            own = wait_until(lambda: answered(serving, sum(ASKED.values())), "all counted", 20)
            state = configuration.state_directory
            wait_until(lambda: spooled(state / "spool") == own, "all of it in the spool", 20)
            once = ["record", "--once", "-c", str(serving.configuration)]
            assert runner.invoke(app, once).exit_code == 0
            metrics = of_metrics(serving.page("/metrics")[1])
    figures, report, told = asyncio.run(visit(configuration))
    done = runner.invoke(app, ["report", "-c", str(serving.configuration), "--format", "csv"])
    assert done.exit_code == 0, done.stderr

    numbers, sites, lists = metrics
    assert numbers["warned"] == WARNED and numbers["bypass_queries"] == BYPASS
    assert numbers["queries"] == own and numbers["blocked"] == own - WARNED - ASKED["www.bbc.co.uk"]
    assert (numbers["asked"], numbers["judged"], numbers["upheld"]) == (3, 2, 1)
    assert (numbers["granted"], numbers["ended_early"], numbers["in_force"]) == (2, 1, 1)
    assert (numbers["alerts"], numbers["alerts_waiting"], numbers["checks_failed"]) == (3, 2, 1)
    assert of_api(told) == metrics
    for text, patterns in (
        (figures, PATTERNS),
        (report, {**PATTERNS, **REPORTED}),
        (done.stdout, {**PATTERNS, **REPORTED}),
    ):
        read = of_text(text, patterns)
        assert read == {name: numbers[name] for name in read}
    titles = {entry.title: id for id, entry in taxonomy.load().items()}
    by_category = tables_of(done.stdout, "Blocked by category")
    assert {titles[row[0]]: int(row[2]) for row in by_category} == sites
    by_list = tables_of(done.stdout, "Blocked because a list has it")
    assert Counter({row[0]: int(row[1]) for row in by_list}).total() == sum(lists.values())
    assert len(by_list) == len(lists) > 1


def said(serving: Serving) -> str:
    """What the resolver counts itself."""
    serving.ask("www.betfair.com")
    return serving.page("/metrics")[1]


def answered(serving: Serving, least: int) -> int:
    """All queries that the resolver itself has counted, once they stand still."""

    def count() -> int:
        return sum(
            int(sample.value)
            for family in text_string_to_metric_families(serving.page("/metrics")[1])
            for sample in family.samples
            if sample.name == "lychgate_queries_total"
        )

    before = count()
    time.sleep(0.5)
    return before if before >= least and before == count() else 0
