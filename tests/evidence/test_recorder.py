"""The recorder: each batch exactly once, whatever fails; retention; pseudonyms; duties."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from categoriser import taxonomy
from evidence import tables
from evidence.duties import Context, Duty
from evidence.pseudonyms import Identity
from evidence.reading import EventFilter, events, recently_blocked, tallies
from evidence.recorder import Recorder, RecorderSettings
from evidence.retention import Retention
from evidence.spool import Detail, SpoolWriter, Tally, Traffic, backlog
from evidence.standing import read_standing
from evidence.store import EvidenceStore
from policy.store import engine
from tests.evidence.happenings import detail

NOW = 1_795_259_307.0
DAY = 86_400.0


class House:
    """A spool, a database, and a recorder whose clock is ours."""

    def __init__(self, folder: Path, url: str | None = None, **more: Any) -> None:
        self.at = NOW
        self.spool = folder / "spool"
        self.writer = SpoolWriter(self.spool)
        self.file = folder / "telemetry.db"
        self.url = url or f"sqlite+aiosqlite:///{self.file}"
        self.work: list[Duty] = []
        self.settings = RecorderSettings(
            spool=self.spool,
            url=self.url,
            file=None if self.url.startswith("postgresql") else self.file,
            standing=folder / "recorder.json",
            state_directory=folder,
            decisions_url=f"sqlite+aiosqlite:///{folder}/state.db",
            **more,
        )

    def recorder(self) -> Recorder:
        return Recorder(self.settings, taxonomy.load(), lambda: self.at, self.work)

    def happen(self, *details: Detail, allowed: int = 0) -> None:
        """A batch of a resolver."""
        minute = int(self.at // 60)
        noted = [
            (
                Tally(
                    minute,
                    one.venue,
                    one.profile,
                    one.action,
                    one.reason,
                    one.category,
                    one.sources,
                ),
                one.queries,
            )
            for one in details
        ]
        open_ = [(Traffic(minute, "crewe", "learners", "bbc.co.uk"), allowed)] if allowed else []
        assert self.writer.write(self.at, list(details), noted, open_)

    async def count(self, table: Any) -> int:
        store = await EvidenceStore.open(self.url, check=False)
        try:
            async with store.reading() as connection:
                return int(await connection.scalar(select(func.count()).select_from(table)) or 0)
        finally:
            await store.close()


def run(story: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(story, 60))  # type: ignore[arg-type]


def matching(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def holding(folder: Path, octets: bytes) -> list[Path]:
    """Files of a folder that hold some octets."""
    return [path for path in folder.iterdir() if path.is_file() and octets in path.read_bytes()]


# -- Exactly once


def test_the_spool_goes_into_the_database(evidence_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path, evidence_url)
        for n in range(95):
            house.happen(detail(NOW + n, f"n{n}.example"), allowed=2)
        recorder = house.recorder()
        assert await recorder.once()
        assert backlog(house.spool).batches == 0
        assert await house.count(tables.events) == 95
        standing = read_standing(house.settings.standing)
        assert standing is not None
        assert (standing.batches, standing.details, standing.last_event_at) == (95, 95, NOW + 94)
        assert standing.problems == [] and standing.database_octets > 0

    run(story())


def test_a_batch_is_in_once_though_its_file_stayed(
    evidence_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill between the commit and the unlink: the next recorder finds the file again."""

    async def story() -> None:
        house = House(tmp_path, evidence_url)
        house.happen(detail(NOW), detail(NOW + 1), allowed=5)
        (path,) = house.spool.glob("*.batch")
        kept = path.read_bytes()
        assert await house.recorder().once()
        for _ in range(2):
            path.write_bytes(kept)
            assert await house.recorder().once()
            assert not path.exists()
        assert await house.count(tables.events) == 2
        store = await EvidenceStore.open(house.url)
        async with store.reading() as connection:
            figures = await tallies(connection, NOW - 60, NOW + 60, by=["action"])
            assert [figure.queries for figure in figures] == [2]
        await store.close()

    run(story())


def test_a_recorder_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed again and again at any instant, by a child process that really dies."""
    house = House(tmp_path)
    for n in range(300):
        house.happen(detail(NOW + n, f"n{n}.example"))
    program = (
        "import asyncio, sys; from pathlib import Path; import tests.evidence.test_recorder as t;"
        "h = t.House(Path(sys.argv[1])); r = h.recorder();"
        "asyncio.run(r.once())"
    )
    root = Path(__file__).parents[2]
    for attempt in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            child.wait(0.9 + 0.15 * attempt)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    async def story() -> None:
        assert await house.recorder().once()
        assert await house.count(tables.events) == 300
        assert await house.count(tables.ingested) == 300

    run(story())


def test_a_damaged_batch_is_moved_aside_and_the_others_are_taken(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        house.happen(detail(NOW))
        (house.spool / "00000000000000000-1-1.batch").write_bytes(b"\x93damaged")
        (house.spool / "00000000000000001-1-1.batch").write_bytes(b"")
        # Sound to read, and impossible to write: an instant that is none.
        house.writer.write(NOW, [detail(float("nan"), "nan.example")], [], [])
        house.happen(detail(NOW + 1))
        recorder = house.recorder()
        assert await recorder.once()
        assert recorder.standing.damaged_batches == 3
        assert await house.count(tables.events) == 2
        assert len(list((house.spool / "damaged").iterdir())) == 3

    run(story())


def test_instants_of_a_clock_gone_wrong(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        house.happen(detail(NOW + 1e9), detail(0.0), detail(NOW))
        assert await house.recorder().once()
        assert await house.count(tables.events) == 3 - 1  # the one of 1970 is too old to stay

    run(story())


# -- Privacy


def test_pseudonyms_change_with_the_key_and_nothing_connects_them(
    evidence_url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        house = House(tmp_path, evidence_url, retention=Retention(detail_days=20))
        seen = []
        for _ in range(3):
            house.happen(detail(house.at, "www.facebook.com", category="social-media"))
            assert await house.recorder().once()
            store = await EvidenceStore.open(house.url)
            async with store.reading() as connection:
                page = await events(connection, limit=1)
                who = Identity(address="10.20.3.7")
                mine = await recently_blocked(connection, who, house.at - 60)
            await store.close()
            assert len(mine) == 1
            seen.append(page.events[0].pseudonym)
            house.at += 7 * DAY
        assert len(set(seen)) == 3
        # Three weeks later the first two are too old. With their keys gone, whoever knows the
        # device finds nothing that was noted under them, even in a copy of the rows.
        assert await house.recorder().once()
        assert await house.count(tables.keys) == 2
        assert await house.count(tables.pseudonyms) == 2
        house.at += 21 * DAY
        assert await house.recorder().once()
        assert await house.count(tables.keys) == 0
        assert await house.count(tables.pseudonyms) == 0
        assert await house.count(tables.names) == 0

    run(story())


def test_one_device_has_one_pseudonym_under_one_key(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        for n in range(3):
            house.happen(detail(NOW + n, device="laptop", address=f"10.0.0.{n}"))
        house.happen(detail(NOW, hostname="laptop", address="10.0.0.1"))
        assert await house.recorder().once()
        assert await house.count(tables.pseudonyms) == 2  # a device and a host of the same name

    run(story())


def test_identities_are_kept_only_where_safeguarding_needs_them(
    evidence_url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        house = House(tmp_path, evidence_url)
        house.happen(
            detail(NOW, "chat.example", category="social-media", address="10.0.0.1"),
            detail(NOW, "harm.example", category="self-harm", address="10.0.0.2"),
            *(
                detail(NOW + n, "relay.example", category="circumvention-relay", address=address)
                for address, times in (("10.0.0.3", 4), ("10.0.0.4", 5))
                for n in range(times)
            ),
        )
        assert await house.recorder().once()
        assert await house.count(tables.identities) == 2  # self-harm; five attempts, not four
        assert not holding(tmp_path, b"10.0.0.")

    run(story())


# -- Retention


def test_what_is_too_old_goes(evidence_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        kept = Retention(30, 365, 7, 35, 800)
        house = House(tmp_path, evidence_url, retention=kept)
        house.happen(
            detail(NOW, "plain.example", category="social-media"),
            detail(NOW, "grave.example", category="self-harm", address="10.0.0.9"),
            allowed=3,
        )
        minute, day = tables.traffic["minutes"], tables.traffic["days"]
        there = [tables.events, minute, tables.traffic["hours"], day, tables.noted_days]
        expected = {
            1: [2, 1, 1, 1, 2],
            8: [2, 0, 1, 1, 2],
            29: [2, 0, 1, 1, 2],
            31: [1, 0, 1, 1, 2],
            40: [1, 0, 0, 1, 2],
            364: [1, 0, 0, 1, 2],
            366: [0, 0, 0, 1, 2],
            802: [0, 0, 0, 0, 0],
        }
        for days, counts in expected.items():
            house.at = NOW + days * DAY
            assert await house.recorder().once()
            assert [await house.count(table) for table in there] == counts, days
            sealed = 1 if days < 365 else 0
            assert await house.count(tables.identities) == sealed, days
            assert await house.count(tables.keys) == sealed, days
        for table in (tables.names, tables.domains, tables.pseudonyms, tables.noted_devices):
            assert await house.count(table) == 0, table.name

    run(story())


def test_many_rows_go_in_small_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evidence import retention

    monkeypatch.setattr(retention, "ROWS_MAX", 10)

    async def story() -> None:
        house = House(tmp_path)
        for n in range(95):
            house.happen(detail(NOW + n, f"n{n}.example", category="social-media"))
        assert await house.recorder().once()
        house.at = NOW + 31 * DAY
        recorder = house.recorder()
        assert await recorder.once()
        assert await house.count(tables.events) == await house.count(tables.names) == 0
        assert recorder.standing.pruned_rows > 95 * 2

    run(story())


def test_deleted_names_leave_the_file(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        house.happen(detail(NOW, "very-private-name.example", category="social-media"))
        assert await house.recorder().once()
        house.at = NOW + 900 * DAY
        assert await house.recorder().once()
        assert not holding(tmp_path, b"very-private-name")

    run(story())


# -- Faults of the database


@contextmanager
def brief(monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(engine, "BUSY_SECONDS_MAX", 0.1)
        yield


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        house = House(tmp_path)
        assert await house.recorder().once()
        house.happen(detail(NOW))
        recorder = house.recorder()
        with closing(sqlite3.connect(house.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert not await recorder.step()
            assert not await recorder.step()
            assert backlog(house.spool).batches == 1
            standing = read_standing(house.settings.standing)
            assert standing is not None and "somebody else is writing" in standing.problems[0]
            other.execute("ROLLBACK")
        assert await recorder.step()
        await recorder.close()
        assert recorder.standing.problems == []
        assert await house.count(tables.events) == 1

    with brief(monkeypatch):
        run(story())


def test_a_full_disk(tmp_path: Path) -> None:
    """A file system of 2 MB of its own, filled to the brim and emptied again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True
    )
    if done.returncode:
        pytest.skip("only root can mount a small file system")
    try:
        house = House(tmp_path, f"sqlite+aiosqlite:///{disk}/telemetry.db")
        house.settings = replace(house.settings, file=disk / "telemetry.db")

        async def story() -> None:
            assert await house.recorder().once()
            filler = disk / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    assert file.write(b"x" * 4096)
            for n in range(40):
                house.happen(*(detail(NOW + n, f"n{n}-{m}.example") for m in range(20)))
            recorder = house.recorder()
            assert not await recorder.step()
            assert "full" in recorder.standing.problems[0]
            assert backlog(house.spool).batches == 40
            filler.unlink()
            assert await recorder.step()
            await recorder.close()
            assert await house.count(tables.events) == 800

        run(story())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_database_that_may_grow_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        assert await house.recorder().once()
        recorder = house.recorder()
        assert await recorder.step()
        house.happen(*(detail(NOW + n, f"{'n' * 60}{n}.example") for n in range(2_000)))
        store = recorder._store
        assert store is not None
        async with store._engine.connect() as connection:
            pages = await connection.scalar(text("PRAGMA page_count"))
            await connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
        assert not await recorder.step()
        assert "full" in recorder.standing.problems[0]
        assert await recorder.step()  # another connection, without that bound
        await recorder.close()
        assert await house.count(tables.events) == 2_000

    run(story())


@pytest.mark.parametrize("octets", [b"this is no database at all" * 500, None])
def test_a_damaged_database_is_moved_aside_and_a_new_one_begun(
    tmp_path: Path, octets: bytes | None
) -> None:
    async def story() -> None:
        house = House(tmp_path)
        house.happen(*(detail(NOW + n, f"n{n}.example") for n in range(500)))
        assert await house.recorder().once()
        if octets is None:  # the header is sound, and the pages behind it are not
            whole = bytearray(house.file.read_bytes())
            whole[4096:] = b"\xa5" * (len(whole) - 4096)
            house.file.write_bytes(whole)
        else:
            house.file.write_bytes(octets)
        house.happen(detail(NOW + 1_000))
        recorder = house.recorder()
        steps = [await recorder.step() for _ in range(3)]
        assert steps[-1], recorder.standing.problems
        assert recorder.standing.new_databases == 1
        await recorder.close()
        assert await house.count(tables.events) == 1
        assert len(matching(tmp_path, "telemetry.db.damaged-*[0-9]")) == 1

    run(story())


def test_a_database_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        recorder = house.recorder()
        house.happen(detail(NOW))
        assert await recorder.step()
        for path in matching(tmp_path, "telemetry.db*"):
            path.unlink()
        house.happen(detail(NOW + 1))
        steps = [await recorder.step() for _ in range(2)]
        assert steps == [False, True]
        await recorder.close()
        assert await house.count(tables.events) == 1

    run(story())


def test_a_server_that_is_away_for_a_while(postgresql: Any, tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path, postgresql.database())
        recorder = house.recorder()
        house.happen(detail(NOW))
        assert await recorder.step()
        postgresql.stop()
        try:
            house.happen(detail(NOW + 1))
            assert not await recorder.step()
            assert recorder.standing.problems
            assert backlog(house.spool).batches == 1
        finally:
            postgresql.start()
        assert await recorder.step()
        await recorder.close()
        assert await house.count(tables.events) == 2

    run(story())


def test_trouble_is_said_once_and_pauses_grow(tmp_path: Path) -> None:
    async def story() -> None:
        folder = tmp_path / "elsewhere"
        house = House(tmp_path, f"sqlite+aiosqlite:///{folder}/telemetry.db")
        recorder = house.recorder()
        pauses = []
        for _ in range(10):
            assert not await recorder.step()
            pauses.append(recorder._pause)
        assert pauses == sorted(pauses) and pauses[0] < 1 and pauses[-1] == 30
        folder.mkdir()
        assert await recorder.step()
        await recorder.close()

    run(story())


# -- Duties


def test_duties_run_when_they_are_due_and_one_that_fails_stops_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        house = House(tmp_path)
        ran: list[tuple[str, float]] = []

        def duty(name: str, interval: float, fails: bool = False) -> Duty:
            async def work(context: Context) -> None:
                async with context.evidence.reading() as connection:
                    await events(connection, EventFilter(), limit=1)
                ran.append((name, context.at - NOW))
                if fails:
                    raise ValueError("it went wrong")

            return Duty(name, interval, work)

        house.work = [duty("often", 10), duty("seldom", 25), duty("broken", 10, fails=True)]
        recorder = house.recorder()
        for _ in range(4):
            assert await recorder.step()
            await asyncio.gather(*recorder._dutiful._running.values())
            house.at += 10
        await recorder.close()
        assert [at for name, at in ran if name == "often"] == [0, 10, 20, 30]
        assert [at for name, at in ran if name == "seldom"] == [0, 30]
        broken = recorder.standing.duties["broken"]
        assert (broken.failures, broken.problem) == (4, "ValueError: it went wrong")
        assert recorder.standing.duties["often"].failures == 0
        assert not recorder.standing.problems

    run(story())


def test_the_duties_in_the_folder_are_found(tmp_path: Path) -> None:
    from evidence import duties as folder

    there = {path.stem for path in Path(folder.__file__).parent.glob("*.py")} - {"__init__"}
    assert {duty.name for duty in folder.duties()} == there
    assert all(duty.interval_seconds > 0 for duty in folder.duties())
