"""Faults of the whole telemetry chain, with real processes: a resolver that answers, a recorder,
and a load that goes on.

In each: every query is answered, what is not kept is counted, it mends by itself, and nothing is
kept twice. Each blocked name is asked once, so that once kept is once asked.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import dns.exception
import pytest

from evidence.standing import Standing, read_standing
from tests.lychgate.running import REPOSITORY, Serving, upstream, wait_until

BLOCKED, ALLOWED = "facebook.com", "wanted.org"
ASKS_MAX = 2_000
"""Of each name, by one load."""
ASK_SECONDS_MAX = 2.0
"""An answer that takes longer is none."""
MEND_SECONDS_MAX = 40.0


class Load:
    """Somebody who asks for one blocked and one allowed name, over and over."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.asked = 0
        """Of each: so many were answered."""
        self.unanswered: list[str] = []

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Ask no more."""
        self._stop.set()
        self._thread.join()

    def goes_on(self, more: int = 20) -> None:
        """Wait until so many more are answered."""
        before = self.asked
        wait_until(lambda: self.asked >= before + more or self.unanswered, "answers")
        assert not self.unanswered

    def _run(self) -> None:
        for number in range(ASKS_MAX):
            if self._stop.wait(0.02):
                return
            for name in (f"n{number}.{BLOCKED}", f"n{number}.{ALLOWED}"):
                try:
                    reply = self._serving.ask(name, seconds=ASK_SECONDS_MAX)
                except (dns.exception.DNSException, OSError) as fault:
                    self.unanswered.append(f"{name}: {fault!r}")
                    return
                assert bool(reply.answer) == name.endswith(ALLOWED)
            self.asked = number + 1


class Chain:
    """A resolver, and recorders that come and go."""

    def __init__(self, serving: Serving, database: Path) -> None:
        self.serving = serving
        self.database = database
        self.state = serving.folder / "var"
        self.spool = self.state / "spool"
        self._recorder: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """`lychgate record`."""
        configuration = str(self.serving.configuration)
        with (self.serving.folder / "recorder.log").open("ab") as log:
            self._recorder = subprocess.Popen(
                [sys.executable, "-m", "lychgate", "record", "--config", configuration],
                stderr=log,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )

    def end(self, *, kill: bool = False) -> None:
        """End the recorder: in order, or at whatever instant this is."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        if not kill:
            assert recorder.poll() is None, self.told()
            recorder.terminate()
            with suppress(subprocess.TimeoutExpired):
                recorder.wait(15)
        recorder.kill()
        recorder.wait(5)

    def standing(self) -> Standing:
        """What the recorder says of itself."""
        return read_standing(self.state / "recorder.json") or Standing()

    def told(self) -> str:
        """What the recorder logged."""
        return (self.serving.folder / "recorder.log").read_text()

    def metric(self, name: str) -> float:
        """A figure of the resolver's /metrics."""
        for line in self.serving.page("/metrics")[1].splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise AssertionError(f"{name} is not there")

    def in_trouble(self, words: str) -> None:
        """Wait until the recorder says that something is wrong, in its file and in the metrics."""
        wait_until(
            lambda: any(words in one for one in self.standing().problems), words, MEND_SECONDS_MAX
        )
        assert self.metric("lychgate_recorder_up") == 0

    def new_database(self, times: int) -> None:
        """Wait until a damaged one was moved aside so many times."""
        wait_until(
            lambda: self.standing().new_databases == times, "a new database", MEND_SECONDS_MAX
        )

    def mended(self, load: Load) -> None:
        """Wait until what is asked from now on is kept, and nothing waits."""
        load.goes_on()
        name = f"n{load.asked - 1}.{BLOCKED}"
        wait_until(lambda: name in self.kept(), f"{name} is kept", MEND_SECONDS_MAX)
        wait_until(lambda: self.metric("lychgate_recorder_up") == 1, "a recorder that is well", 10)

    def settled(self) -> None:
        """End the resolver, and wait until all it wrote is taken in."""
        assert self.serving.stop() == 0
        wait_until(lambda: not list(self.spool.glob("*.batch")), "an empty spool", MEND_SECONDS_MAX)
        self.end()

    def kept(self) -> dict[str, int]:
        """Blocked names in the database, and how often each was asked."""
        query = """SELECT name, sum(queries) FROM telemetry_events
            JOIN telemetry_names ON telemetry_names.id = name_id GROUP BY name"""
        with suppress(sqlite3.Error), closing(self._open()) as connection:
            return {name: n for name, n in connection.execute(query) if name.endswith(BLOCKED)}
        return {}

    def sums(self) -> dict[str, int]:
        """What each count of queries in the database comes to, for the names of the load."""
        found = {"events": sum(self.kept().values())}
        with closing(self._open()) as connection:

            def add_up(what: str, query: str) -> None:
                found[what] = connection.execute(query).fetchone()[0] or 0

            for grain in ("minutes", "hours", "days"):
                add_up(
                    f"blocked by {grain}",
                    f"""SELECT sum(queries) FROM telemetry_tallies_{grain} JOIN telemetry_verdicts
                    ON telemetry_verdicts.id = verdict_id WHERE category = 'social-media'""",
                )
                add_up(
                    f"allowed by {grain}",
                    f"""SELECT sum(queries) FROM telemetry_traffic_{grain} JOIN telemetry_domains
                    ON telemetry_domains.id = domain_id WHERE domain = '{ALLOWED}'""",
                )
            for table in ("noted_days", "noted_sums"):
                add_up(
                    table,
                    f"""SELECT sum(queries) FROM telemetry_{table} JOIN telemetry_domains
                    ON telemetry_domains.id = domain_id WHERE domain = '{BLOCKED}'""",
                )
        return found

    def all_is_kept(self, load: Load) -> None:
        """Every query once, in every count of it."""
        self.settled()
        assert not load.unanswered
        assert list(self.kept().values()) == [1] * load.asked
        assert self.sums() == dict.fromkeys(self.sums(), load.asked)

    def what_is_not_kept_is_counted(self, load: Load, lost: float) -> None:
        """No query twice, and none missing beyond those that the resolver counted as lost."""
        self.settled()
        assert not load.unanswered
        assert set(self.kept().values()) == {1}
        for what, queries in self.sums().items():
            assert load.asked - lost <= queries <= load.asked, (what, queries, load.asked, lost)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)


@contextmanager
def chain(folder: Path, database: Path | None = None) -> Iterator[Chain]:
    """A chain that works, with its database in a place of its own if one is given."""
    extra = f'telemetry.url = "sqlite+aiosqlite:///{database}"' if database else ""
    with upstream() as port, Serving(folder, port, extra=extra).ready() as serving:
        made = Chain(serving, database or folder / "var" / "telemetry.db")
        made.start()
        try:
            wait_until(lambda: made.standing().batches, "a recorder", MEND_SECONDS_MAX)
            yield made
        finally:
            made.end(kill=True)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own; only root can make one."""
    disk = folder / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True
    )
    if made.returncode:
        pytest.skip("only root can mount a small file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """A file that leaves no room for anything else."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return filler


def damage(database: Path, octets_sound: int) -> None:
    """Write nonsense over a database behind its first octets."""
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        # What is still in the write-ahead log would hide the damage, and mend it.
        checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"
        wait_until(lambda: connection.execute(checkpoint).fetchone()[0] == 0, "a whole file")
    size = database.stat().st_size
    assert size > 2 * 4096
    with database.open("r+b") as file:
        file.seek(octets_sound)
        file.write(b"\xa5" * (size - octets_sound))


def test_a_database_that_somebody_else_locks(tmp_path: Path) -> None:
    with chain(tmp_path) as made, Load(made.serving) as load:
        load.goes_on()
        with closing(sqlite3.connect(made.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            made.in_trouble("somebody else is writing")
            load.goes_on()
            other.execute("ROLLBACK")
        made.mended(load)
        load.end()
        assert made.metric("lychgate_telemetry_lost_total") == 0
        made.all_is_kept(load)


def test_a_full_disk_of_the_database(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path, "4m") as disk,
        chain(tmp_path, disk / "telemetry.db") as made,
        Load(made.serving) as load,
    ):
        load.goes_on()
        filler = fill(disk)
        made.in_trouble("the disk is full")
        load.goes_on()
        filler.unlink()
        made.mended(load)
        load.end()
        assert made.metric("lychgate_telemetry_lost_total") == 0
        made.all_is_kept(load)


def test_a_full_disk_of_everything(tmp_path: Path) -> None:
    """The state folder, with the spool, on the disk that is full: that is how it mostly is."""
    with small_disk(tmp_path, "8m") as disk:
        (tmp_path / "var").symlink_to(disk)
        with chain(tmp_path) as made, Load(made.serving) as load:
            load.goes_on()
            filler = fill(disk)
            wait_until(
                lambda: fill(disk) and made.metric("lychgate_telemetry_lost_total"),
                "loss",
                MEND_SECONDS_MAX,
            )
            assert made.metric("lychgate_telemetry_write_failures_total") > 0
            load.goes_on()
            filler.unlink()
            made.mended(load)
            load.end()
            made.what_is_not_kept_is_counted(load, made.metric("lychgate_telemetry_lost_total"))


def test_a_database_that_is_damaged_while_it_is_written(tmp_path: Path) -> None:
    """All of it, and then all of the next one but its header."""
    with chain(tmp_path) as made, Load(made.serving) as load:
        for times, octets_sound in enumerate((0, 4096), start=1):
            load.goes_on()
            damage(made.database, octets_sound)
            made.new_database(times)
            made.mended(load)
        load.end()
        assert made.metric("lychgate_telemetry_lost_total") == 0
        assert made.metric("lychgate_recorder_new_databases_total") == 2
        made.what_is_not_kept_is_counted(load, load.asked)  # what was before is in the old files
        assert len(list(made.state.glob("telemetry.db.damaged-*[0-9]"))) == 2


def test_a_spool_that_cannot_be_written(tmp_path: Path) -> None:
    with chain(tmp_path) as made, Load(made.serving) as load:
        load.goes_on()
        aside = made.spool.with_name("aside")
        made.spool.rename(aside)
        made.spool.write_text("a file in its place")  # root writes into any folder
        made.in_trouble("Not a directory")
        wait_until(lambda: made.metric("lychgate_telemetry_lost_total"), "loss", MEND_SECONDS_MAX)
        load.goes_on()
        made.spool.unlink()
        aside.rename(made.spool)
        made.mended(load)
        load.end()
        assert made.metric("lychgate_telemetry_write_failures_total") > 0
        made.what_is_not_kept_is_counted(load, made.metric("lychgate_telemetry_lost_total"))


def test_recorders_that_are_killed(tmp_path: Path) -> None:
    with chain(tmp_path) as made, Load(made.serving) as load:
        for attempt in range(5):
            time.sleep(0.4 * attempt)
            made.end(kill=True)
            load.goes_on(5)
            made.start()
        made.mended(load)
        load.end()
        assert made.metric("lychgate_telemetry_lost_total") == 0
        made.all_is_kept(load)
