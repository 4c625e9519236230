"""The check of the filter, end to end: a real resolver and recorder, well and broken."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from categoriser import taxonomy
from evidence.alerts.tables import groups, inbox
from evidence.checks import reading
from evidence.checks.results import Run
from evidence.figures import Period, blocking
from evidence.store import EvidenceStore
from evidence.tables import events, noted_days, origins
from lychgate.check_metrics import CheckCollector
from lychgate.cli import app
from lychgate.config import load
from lychgate.selfchecking.checking import CheckFault
from lychgate.selfchecking.once import check_once
from tests.lychgate.running import REPOSITORY, Serving, upstream, wait_until

POLICY = """
[organisation]
name = "Northshire Skills"
timezone = "Europe/London"
default_profile = "learners"
[profiles.learners]
title = "Learners"
answer = "nxdomain"
safe_search = true
{actions}
[profiles.staff]
title = "Staff"
answer = "null_address"
safe_search = true
actions = {{ chat = "allow" }}
[venues.crewe]
title = "Crewe hub"
networks = ["{network}"]
[venues.crewe.rooms.office]
title = "Office"
profile = "staff"
networks = ["{room}"]
"""
FAR = {"network": "10.20.0.0/16", "room": "10.20.9.0/24"}
NEAR = {"network": "127.20.0.0/16", "room": "127.20.9.0/24"}
TRUSTED = 'clients.trusted_forwarders = ["127.0.0.1/32"]'


def write_policy(path: Path, actions: str = "", **networks: str) -> None:
    path.write_text(POLICY.format(actions=actions, **(networks or FAR)))


@contextmanager
def serving(folder: Path, extra: str = "", **networks: str) -> Iterator[Serving]:
    write_policy(folder / "policy.toml", **networks)
    with upstream() as port, Serving(folder, port, extra=extra) as served:
        yield served.ready()


def check(served: Serving, **more: Any) -> dict[str, Run]:
    """One check of everything, by profile."""
    given = {"who": "cli:test", "venues": (), "profile": "", **more}
    runs, _ = check_once(load(served.configuration), **given)
    return {run.profile: run for run in runs}


def troubles(run: Run) -> set[tuple[str, str, str]]:
    """What did not go well; lists and log, which need more than a resolver, left out."""
    return {
        (one.outcome, one.kind, one.category)
        for one in run.troubles
        if one.kind not in ("freshness", "log")
    }


@contextmanager
def recorder(served: Serving) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-m", "lychgate", "record", "-c", str(served.configuration)],
        cwd=served.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: (served.folder / "var/recorder.json").exists(), "recorder", 30)
            yield
        finally:
            process.terminate()


def test_all_is_well_kept_and_alarms_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, TRUSTED) as served, recorder(served):
        done = CliRunner().invoke(
            app, ["selfcheck", "--json", "--venue", "crewe", "-c", str(served.configuration)]
        )
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        assert [(run["profile"], run["way"], run["outcome"]) for run in found] == [
            ("learners", "subnet", "pass"),
            ("staff", "subnet", "pass"),
        ]
        for run in found:
            kinds = {one["kind"] for one in run["passed"]}
            assert kinds >= {"answers", "category", "policy", "essential", "search", "canary"}
            assert "log" in kinds, run["troubles"]
        configuration = load(served.configuration)

        async def waiting() -> int:
            store = EvidenceStore.at(configuration.telemetry_url)
            async with store.reading() as connection:
                left = await connection.scalar(select(func.count()).select_from(inbox))
            await store.close()
            return int(left or 0)

        async def kept() -> tuple[int, int, int]:
            store = EvidenceStore.at(configuration.telemetry_url)
            async with store.reading() as connection:
                runs = await reading.latest(connection)
                noted = await connection.scalar(select(func.count()).select_from(events))
                # `ready` asked from this machine, of no venue.
                there = select(func.count()).where(groups.c.venue != "unknown")
                alarming = await connection.scalar(there)
            await store.close()
            return len(runs), int(noted or 0), int(alarming or 0)

        wait_until(lambda: asyncio.run(waiting()) == 0, "alerts looked at all of it", 20)
        runs, noted, alarming = asyncio.run(kept())
        assert runs == 2 and noted > 50 and alarming == 0
        figures = tmp_path / "var/checks.json"
        wait_until(lambda: figures.exists() and b"crewe" in figures.read_bytes(), "figures", 45)
        shown = {
            (sample.name, sample.labels.get("outcome", "")): sample.value
            for family in CheckCollector(tmp_path / "var", lambda: 1e12).collect()
            for sample in family.samples
            if sample.labels["profile"] == "learners"
        }
        assert shown["lychgate_checks", "pass"] > 50 and shown["lychgate_checks", "fail"] == 0
        assert shown["lychgate_checks_age_seconds", ""] > 0
        assert served.stop() == 0  # it writes the last of its counts
        wait_until(lambda: not list((tmp_path / "var/spool").glob("*.batch")), "all is kept", 20)
        blocked = asyncio.run(of_people(configuration.telemetry_url))
        assert blocked["crewe"] == 0 and blocked["unknown"] > 0, "only who was no check counts"


async def of_people(url: str) -> dict[str, int]:
    """Queries that were blocked by venue, as leaders see them; and nothing else counts checks."""
    store = EvidenceStore.at(url)
    now = time.time()
    async with store.reading() as connection:
        found = await blocking(connection, taxonomy.load(), Period(now - 3_600, now + 60))
        noted = await connection.execute(
            select(origins.c.venue).join_from(
                noted_days, origins, noted_days.c.venue_id == origins.c.id
            )
        )
        assert {row.venue for row in noted} == {"unknown"}
    await store.close()
    assert sum(one.queries for one in found.by_category) == found.blocked
    return {venue: blocked for venue, _, blocked in found.by_venue}


def test_a_profile_that_was_changed_is_found(tmp_path: Path) -> None:
    with serving(tmp_path, TRUSTED) as served:
        assert troubles(check(served)["learners"]) == set()
        write_policy(served.policy, 'actions = { gambling = "allow" }\n', **FAR)
        found = wait_until(
            lambda: troubles(check(served)["learners"]) - {("fail", "category", "gambling")},
            "the resolver took the policy over",
        )
        assert found == {("deviation", "category", "gambling")}
        done = CliRunner().invoke(app, ["selfcheck", "-c", str(served.configuration)])
        assert done.exit_code == 1 and "deviation" in done.stdout and "gambling" in done.stdout


def test_a_resolver_with_another_policy_is_found(tmp_path: Path) -> None:
    with serving(tmp_path, TRUSTED) as served:
        other = tmp_path / "other.toml"
        write_policy(other, 'actions = { chat = "allow" }\n', **FAR)
        served.configuration.write_text(
            served.configuration.read_text().replace('"policy.toml"', '"other.toml"')
        )
        assert troubles(check(served)["learners"]) == {("fail", "policy", "chat")}


def test_asked_from_an_address_in_the_venue(tmp_path: Path) -> None:
    """No hole is needed where this machine has an address there: loopback here."""
    with serving(tmp_path, **NEAR) as served:
        found = check(served)
        assert {run.way for run in found.values()} == {"source"}
        assert [troubles(run) for run in found.values()] == [set(), set()]


def test_a_venue_that_cannot_be_asked_as(tmp_path: Path) -> None:
    """Client subnets of whoever is not trusted are no way to choose a profile."""
    with serving(tmp_path) as served:
        run = check(served, profile="learners")["learners"]
        assert run.way == "machine" and troubles(run) == set()
        write_policy(served.policy, 'actions = { gambling = "allow" }\n', **FAR)
        found = wait_until(
            lambda: troubles(check(served, profile="learners")["learners"]),
            "the policy is another one",
        )
        assert {one[2] for one in found} == {"gambling"}


@pytest.mark.parametrize("answers", [True, False])
def test_what_is_not_our_filter_is_found(tmp_path: Path, answers: bool) -> None:
    """Another resolver at our address, which answers everything; and silence."""
    write_policy(tmp_path / "policy.toml", **FAR)
    with upstream() as port, socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = port if answers else silent.getsockname()[1]
        configuration = tmp_path / "lychgate.toml"
        configuration.write_text(
            f'server.listen = ["127.0.0.1:{port}"]\nfilter.policy = "policy.toml"\n{TRUSTED}\n'
        )
        runs, problems = check_once(load(configuration), "schedule", ("crewe",), "learners")
        (run,) = runs
        assert run.outcome == "fail" and any("not kept" in one for one in problems)
        failed = {one.category for one in run.troubles if one.outcome == "fail"}
        assert ("gambling" in failed) is answers
        assert any(one.kind == "answers" for one in run.troubles)
        done = CliRunner().invoke(
            app, ["selfcheck", "--profile", "learners", "-c", str(configuration)]
        )
        assert done.exit_code == 1 and "FAIL" in done.stdout


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    write_policy(tmp_path / "policy.toml", **FAR)
    (tmp_path / "lychgate.toml").write_text('filter.policy = "policy.toml"\n')
    configuration = load(tmp_path / "lychgate.toml")
    with pytest.raises(CheckFault, match="venue: 'derby' is not there; use crewe"):
        check_once(configuration, "cli:test", ("derby",), "")
    done = CliRunner().invoke(
        app, ["selfcheck", "--profile", "x", "-c", str(tmp_path / "lychgate.toml")]
    )
    assert done.exit_code == 2 and "--profile: 'x' is not there" in done.output
