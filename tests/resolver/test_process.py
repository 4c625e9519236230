"""One process's parts: what a change does, or a stepped clock, and when garbage is looked for.

A whole process is run by `tests/lychgate/test_serving.py`.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from resolver import process as module
from resolver.answers import UnknownKind
from resolver.process import COLLECT_SECONDS, RELEASE_SECONDS, Process, collect_garbage
from resolver.service import Event
from resolver.setup import Built, Setup, SnapshotFault
from resolver.snapshot import Snapshot
from resolver.stamps import read_stamps
from resolver.telemetry.asked import FLUSH_SECONDS
from tests.resolver.venue import LEARNER, POLICY, TUESDAY_10, Desk, snapshot, upstream_reply


@pytest.fixture(autouse=True)
def process_wide() -> Iterator[None]:
    """Logging as if no command had run before, on a stream that is closed by now; and the cycle
    collector as it was.
    """
    structlog.reset_defaults()
    yield
    gc.enable()


class Builder:
    """Builds what it is told to."""

    def __init__(self) -> None:
        self.next: Snapshot | Exception = snapshot()
        self.warnings: tuple[str, ...] = ()

    def __call__(self) -> Built:
        if isinstance(self.next, Exception):
            raise self.next
        return Built(self.next, self.warnings)


def play(
    script: Callable[[Process, Builder], Coroutine[Any, Any, None]],
    watch: Callable[[], object] = lambda: None,
) -> None:
    async def whole() -> None:
        builder = Builder()
        process = Process(Setup((), {}, builder, watch))
        await script(process, builder)
        process.forwarder.close()

    asyncio.run(whole())


def test_a_change_is_swapped_in_whole() -> None:
    async def script(process: Process, builder: Builder) -> None:
        process.service.admit(LEARNER, TUESDAY_10)
        builder.next, builder.warnings = snapshot(listed={}), ("index: none",)
        await process.reload()
        assert process.service.snapshot is builder.next
        assert process.health.problems == ("index: none",)
        assert not process.service.records  # and with them every memo

    play(script)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (SnapshotFault(["policy.toml: one", "policy.toml: two"]), "policy.toml: one"),
        (PermissionError(13, "Permission denied"), "PermissionError"),
        (MemoryError(), "MemoryError"),
        (snapshot(policy=POLICY.replace('answer = "nodata"', 'answer = "teapot"')), "teapot"),
    ],
)
def test_whatever_is_wrong_the_old_one_stays(fault: Snapshot | Exception, problem: str) -> None:
    """DESIGN section 9: "refused as a whole, the old one kept, said in log, metric and portal"."""

    async def script(process: Process, builder: Builder) -> None:
        old = process.service.snapshot
        builder.next = fault
        await process.reload()
        assert process.service.snapshot is old
        assert problem in process.health.problems[0]
        builder.next = snapshot()
        await process.reload()  # the next change is taken
        assert process.service.snapshot is builder.next
        assert process.health.problems == ()

    play(script)


def test_at_start_a_bad_one_stops_everything() -> None:
    async def script() -> None:
        builder = Builder()
        builder.next = snapshot(policy=POLICY.replace('answer = "nodata"', 'answer = "teapot"'))
        with pytest.raises(UnknownKind):
            Process(Setup((), {}, builder))

    asyncio.run(script())


def test_nothing_is_swapped_when_nothing_changed() -> None:
    """Who is told to look again forgets no answers for it."""

    async def script(process: Process, builder: Builder) -> None:
        process.service.admit(LEARNER, TUESDAY_10)
        builder.next, builder.warnings = process.service.snapshot, ("store: gone",)
        await process.reload()
        assert process.service.records
        assert process.health.problems == ("store: gone",)

    play(script)


def test_what_is_left_to_do_is_done_once_the_snapshot_is_in_use() -> None:
    async def script(process: Process, builder: Builder) -> None:
        in_use: list[bool] = []

        def settle() -> tuple[str, ...]:
            in_use.append(process.service.snapshot is fresh)
            return ("policy.last.json: no space left",)

        fresh = snapshot()
        process._setup = replace(process._setup, build_snapshot=lambda: built)  # type: ignore[misc]
        built = Built(fresh, settle=settle)
        await process.reload()
        assert in_use == [True]
        assert process.health.problems == ("policy.last.json: no space left",)

    play(script)


def test_old_rules_are_freed_in_small_steps_when_nobody_uses_them() -> None:
    async def script(process: Process, builder: Builder) -> None:
        later: list[tuple[Any, ...]] = []
        loop = asyncio.get_running_loop()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(loop, "call_later", lambda *call: later.append(call))
            rule = '\n[[rules]]\naction = "deny"\npattern = "{}.example"\nreason = "Test"\n'
            builder.next = snapshot(policy=POLICY + "".join(map(rule.format, range(1200))))
            await process.reload()
            (first,) = later
            later.clear()
            builder.next = snapshot()
            await process.reload()
            ((seconds, _, _, do, last),) = later
        assert seconds == first[0] == RELEASE_SECONDS
        assert [len(part) for part in last[0].parts()] == [1200, 1200, 1200]
        do(last)
        assert last == []

    play(script)


def test_whether_the_source_is_up_is_a_figure() -> None:
    def shown() -> float | None:
        return REGISTRY.get_sample_value("lychgate_policy_source_up")

    async def script(process: Process, builder: Builder) -> None:
        assert shown() == 1
        built = Built(process.service.snapshot, ("store: gone",), source_up=False)
        process._setup = replace(process._setup, build_snapshot=lambda: built)  # type: ignore[misc]
        await process.reload()
        assert shown() == 0

    play(script)


def test_a_watched_file_is_noticed_once_each_time(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"

    async def script(process: Process, builder: Builder) -> None:
        assert not process._is_stale()
        file.write_text("one")
        assert process._is_stale()
        assert not process._is_stale()
        replaced = tmp_path / "new"
        replaced.write_text("two")
        replaced.rename(file)
        assert process._is_stale()
        file.unlink()
        assert process._is_stale()
        assert not process._is_stale()

    play(script, lambda: read_stamps([file]))


def test_a_stepped_clock_forgets_what_was_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(process: Process, builder: Builder) -> None:
        reply = upstream_reply("www.example.com", "A", "www.example.com 60 A 192.0.2.1")
        process.cache.put(b"key" * 8, reply, "up", process._clock())
        process.service.admit(LEARNER, process._clock())
        process._follow_clock()
        assert len(process.cache) == 1 and process.service.records
        monkeypatch.setattr("resolver.clock.time", lambda: TUESDAY_10)
        process._follow_clock()
        assert len(process.cache) == 0 and not process.service.records
        assert abs(process._clock() - TUESDAY_10) < 1

    play(script)


def test_garbage_is_looked_for_once_an_hour_in_a_quiet_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def script(process: Process, builder: Builder) -> None:
        now = monotonic()
        looks = 0

        def look() -> None:
            nonlocal looks
            looks += 1

        def looked(seconds_later: float, queries: int) -> int:
            nonlocal now
            now += seconds_later
            process.metrics.queries_last = queries
            before = looks
            process._tidy(now)
            return looks - before

        monkeypatch.setattr(module, "collect_garbage", look)
        assert looked(10, queries=0) == 0  # however long the machine has been up
        assert looked(COLLECT_SECONDS, queries=1000) == 0  # busy
        assert looked(1, queries=0) == 1
        assert looked(10, queries=0) == 0
        assert looked(COLLECT_SECONDS * 23, queries=1000) == 0
        assert looked(COLLECT_SECONDS, queries=1000) == 1  # a day without a quiet second

    play(script)


def test_the_collector_is_off_while_queries_are_served() -> None:
    collect_garbage()
    assert not gc.isenabled()


def test_names_in_no_list_are_counted_once_a_minute_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> dict[str, int]:
        files = list(tmp_path.glob("*.json"))
        names = json.loads(files[0].read_text("utf-8"))["names"] if files else {}
        return {name: count for name, (count, _, _) in names.items()}

    async def script() -> None:
        process = Process(Setup((), {}, Builder(), asked_directory=tmp_path))
        assert process.asked is not None
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "run_in_executor", lambda _, job: job())
        now = monotonic()
        process.asked.note({}, events("www.first.com"))
        process._count_names(now)
        assert counted() == {}
        process._count_names(now + FLUSH_SECONDS + 1)
        assert counted() == {"first.com": 1}
        process.asked.note({}, events("second.com"))
        process._count_names(now + FLUSH_SECONDS + 2)
        assert counted() == {"first.com": 1}
        process._flush_of(process.asked)()
        assert counted() == {"first.com": 1, "second.com": 1}
        process.forwarder.close()

    asyncio.run(script())


def events(name: str) -> list[Event]:
    """One query for a name that nothing decided about."""
    desk = Desk()
    desk.fetch(upstream_reply(name, "A", f"{name} 60 A 192.0.2.1"), name)
    return desk.service.events
