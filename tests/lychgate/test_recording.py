"""A real resolver, a real recorder, and what is in the database a moment later."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from typer.testing import CliRunner

from evidence.pseudonyms import Identity
from evidence.reading import events, recently_blocked, tallies
from evidence.standing import DutyStanding, Standing, read_standing, write_standing
from evidence.store import EvidenceStore
from lychgate.cli import app
from lychgate.config import load
from lychgate.recorder_metrics import RecorderCollector
from tests.lychgate.running import REPOSITORY, Serving, upstream, wait_until

runner = CliRunner()


@contextmanager
def recorder(serving: Serving) -> Iterator[subprocess.Popen[bytes]]:
    """`lychgate record` beside a resolver; ended at the end."""
    with (serving.folder / "recorder.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lychgate", "record", "--config", str(serving.configuration)],
            stderr=log,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


async def blocked(url: str) -> list[str]:
    """What was blocked on this machine lately."""
    try:
        store = await EvidenceStore.open(url)
    except Exception:
        return []
    try:
        async with store.reading() as connection:
            who = Identity(address="127.0.0.1")
            return [one.name for one in await recently_blocked(connection, who, time.time() - 60)]
    finally:
        await store.close()


def test_a_block_is_there_within_seconds_and_an_allowed_name_is_not(tmp_path: Path) -> None:
    with upstream() as port, Serving(tmp_path, port).ready() as serving, recorder(serving) as kept:
        state = load(serving.configuration).state_directory
        url = load(serving.configuration).telemetry_url
        wait_until(lambda: (state / "recorder.json").exists(), "recorder.json", 20)
        serving.ask("www.pokerstars.com")
        serving.ask("a-private-name.example.com")
        wait_until(
            lambda: "www.pokerstars.com" in asyncio.run(blocked(url)), "the block in the log", 20
        )
        up = wait_until(lambda: "lychgate_recorder_up 1.0" in serving.page("/metrics")[1], "up")
        assert up
        assert serving.stop() == 0
        wait_until(lambda: not list((state / "spool").glob("*.batch")), "an empty spool", 20)

        async def look() -> None:
            store = await EvidenceStore.open(url)
            async with store.reading() as connection:
                names = {one.name for one in (await events(connection)).events}
                assert "a-private-name.example.com" not in names
                told = await tallies(connection, time.time() - 600, time.time() + 60, by=["action"])
                figures = {figure.values[0]: figure.queries for figure in told}
                assert figures["allow"] == 1 and figures["block"] >= 2
            await store.close()

        asyncio.run(look())
        kept.terminate()
        assert kept.wait(15) == 0
    assert not any(b"a-private-name" in path.read_bytes() for path in state.glob("telemetry.db*"))


def test_once(tmp_path: Path) -> None:
    file = tmp_path / "lychgate.toml"
    file.write_text("")
    assert runner.invoke(app, ["record", "-c", str(file), "--once"]).exit_code == 0
    standing = read_standing(tmp_path / "var" / "recorder.json")
    assert standing is not None and standing.problems == []
    assert (tmp_path / "var" / "telemetry.db").exists()


def test_telemetry_that_is_off_leaves_nothing_to_record(tmp_path: Path) -> None:
    file = tmp_path / "lychgate.toml"
    file.write_text("telemetry.enabled = false")
    assert runner.invoke(app, ["record", "-c", str(file), "--once"]).exit_code == 2
    assert not (tmp_path / "var").exists()


def figures(path: Path, at: float) -> dict[str, float]:
    """What Prometheus is told."""
    registry = CollectorRegistry()
    registry.register(RecorderCollector(path, lambda: at))
    lines = generate_latest(registry).decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in lines
        if not line.startswith("#")
    }


def test_how_the_recorder_stands(tmp_path: Path) -> None:
    path = tmp_path / "recorder.json"
    assert figures(path, 100.0) == {"lychgate_recorder_up": 0.0}
    standing = Standing(written_at=98.0, details=7, backlog_octets=5, last_event_at=90.0)
    standing.duties["alerts"] = DutyStanding(failures=2)
    write_standing(path, standing)
    found = figures(path, 100.0)
    assert found["lychgate_recorder_up"] == 1.0
    assert found["lychgate_recorder_age_seconds"] == 2.0
    assert found["lychgate_recorder_event_age_seconds"] == 10.0
    assert found["lychgate_recorder_backlog_bytes"] == 5.0
    assert found["lychgate_recorder_details_total"] == 7.0
    assert found['lychgate_recorder_duty_failures_total{duty="alerts"}'] == 2.0
    assert figures(path, 200.0)["lychgate_recorder_up"] == 0.0  # it has not written for long
    standing.problems = ["the disk is full"]
    write_standing(path, standing)
    assert figures(path, 100.0)["lychgate_recorder_up"] == 0.0
    path.write_text("{damaged")
    assert figures(path, 100.0) == {"lychgate_recorder_up": 0.0}
