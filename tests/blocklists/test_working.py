"""Jobs in children: their results, and every way in which one ends without any."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from blocklists import protection, working
from blocklists.compiling import Part
from blocklists.reading import read_list
from blocklists.sheets import find_in_sheet, key_of, write_sheet
from blocklists.sources import Source
from blocklists.working import JobFault, compile_in_child, read_in_child, run_job
from categoriser.indexfile import open_index
from categoriser.names import from_text, spell
from tests.blocklists.children import children_of, niceness
from tests.lychgate.running import REPOSITORY, is_running, wait_until

AT = 1_795_000_000.0
MEMORY = 1_000_000_000
SECONDS = 60.0
GAMBLING = Source(id="a:gambling", title="A", publisher="", categories={"": "gambling"})


def reading_payload(raw: Path, out: Path) -> dict[str, Any]:
    return {
        "raw": str(raw),
        "source": working.written(GAMBLING),
        "out": str(out),
        "at": AT,
        "previous": None,
        "octets_max": 1_000_000,
    }


@pytest.fixture
def waiting(tmp_path: Path) -> dict[str, Any]:
    """What makes a job wait for ever: a list that is a pipe into which nobody writes."""
    os.mkfifo(tmp_path / "pipe")
    return reading_payload(tmp_path / "pipe", tmp_path)


class Started:
    """A job in a thread, so that a test can do things to its child."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.faults: list[JobFault] = []
        self._thread = threading.Thread(target=self._run, args=(payload,))

    def _run(self, payload: Mapping[str, Any]) -> None:
        try:
            run_job("read", payload, memory_octets_max=MEMORY, seconds_max=SECONDS)
        except JobFault as fault:
            self.faults.append(fault)

    def child(self) -> int:
        """Its process id, once it gives way."""
        found = wait_until(
            lambda: [pid for pid in children_of(os.getpid()) if niceness(pid) == 19], "the child"
        )
        pid: int = found[0]
        return pid

    def __enter__(self) -> Started:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for pid in children_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def end_by(self, number: int) -> JobFault:
        """Send the child a signal; what the parent makes of that."""
        os.kill(self.child(), number)
        self._thread.join(20)
        (fault,) = self.faults
        return fault


def test_a_list_is_read_in_a_child_as_it_is_here(tmp_path: Path) -> None:
    raw, there, here = tmp_path / "raw", tmp_path / "there", tmp_path / "here"
    raw.write_text("# gambling\nbet365.com\n*.casino.example\ncom\n1.2.3.4\nnot a name\n")
    there.mkdir()
    here.mkdir()
    found = read_in_child(
        raw, GAMBLING, there, at=AT, previous=None, octets_max=1_000_000,
        memory_octets_max=MEMORY, seconds_max=SECONDS,
    )  # fmt: skip
    assert found == read_list(
        raw, GAMBLING, here, at=AT, previous=None, protected=protection.load(), octets_max=1_000_000
    )
    assert found.entries == {"gambling": 2} and found.rejections and found.tlds == ("com",)
    sheet = there / "gambling.entries"
    assert sheet.read_bytes() == (here / "gambling.entries").read_bytes()
    assert find_in_sheet(sheet, "www.bet365.com")


def test_an_index_is_compiled_in_a_child(tmp_path: Path) -> None:
    sheet = tmp_path / "gambling.entries"
    write_sheet([(key_of("bet365.com"), 1)], sheet, day=1)
    part = Part("a:gambling", "A", "gambling", "MIT", sheet, None, AT)
    out = tmp_path / "index"
    report = compile_in_child([part], out, at=AT, memory_octets_max=MEMORY, seconds_max=SECONDS)
    assert (report.out, report.at, report.names) == (out, AT, 1)
    (match,) = open_index(out).find(spell(from_text("www.bet365.com")))
    assert match.sources == ("a:gambling",)


def test_the_faults_of_a_job_come_back_as_they_were(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(b"\x1f\x8b broken")
    with pytest.raises(JobFault) as caught:
        run_job(
            "read", reading_payload(raw, tmp_path), memory_octets_max=MEMORY, seconds_max=SECONDS
        )
    assert caught.value.cause == "content"
    assert caught.value.faults and caught.value.faults[0].startswith("a:gambling: ")


def test_what_is_no_job_or_not_its_arguments_is_told() -> None:
    with pytest.raises(JobFault, match="'dance'; allowed are read, compile"):
        run_job("dance", {}, memory_octets_max=MEMORY, seconds_max=SECONDS)
    with pytest.raises(JobFault, match="KeyError: 'parts'; this is a fault of Lychgate") as caught:
        run_job("compile", {}, memory_octets_max=MEMORY, seconds_max=SECONDS)
    assert caught.value.cause == "internal"
    assert "Traceback" in caught.value.words


def test_a_child_that_takes_too_long_is_ended(waiting: dict[str, Any]) -> None:
    with pytest.raises(JobFault, match="lists.work_seconds_max allows 0.5") as caught:
        run_job("read", waiting, memory_octets_max=MEMORY, seconds_max=0.5)
    assert caught.value.cause == "time"
    assert children_of(os.getpid()) == []


def test_a_child_gives_way_to_everything_else(waiting: dict[str, Any]) -> None:
    with Started(waiting) as started:
        pid = started.child()
        limits = wait_until(
            lambda: (
                found if str(MEMORY) in (found := Path(f"/proc/{pid}/limits").read_text()) else ""
            ),
            "its limits",
        )
        assert niceness(pid) == 19
        assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "1000\n"
        assert any(
            line.split()[:4] == ["Max", "core", "file", "size"] for line in limits.split("\n")
        )
        assert os.getpgid(pid) == pid


def test_a_killed_child_is_told(waiting: dict[str, Any]) -> None:
    with Started(waiting) as started:
        fault = started.end_by(signal.SIGKILL)
    assert fault.cause == "signal"
    assert "read: killed by signal 9" in str(fault) and "out of memory" in str(fault)


def test_a_child_that_falls_over_is_told(waiting: dict[str, Any]) -> None:
    with Started(waiting) as started:
        fault = started.end_by(signal.SIGABRT)
    assert "ended by signal 6 (SIGABRT)" in str(fault)
    assert "lists.memory_megabytes_max allows 1000" in str(fault)


def test_an_interrupted_parent_leaves_no_child(waiting: dict[str, Any]) -> None:
    class Interrupt(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(Interrupt):
            run_job("read", waiting, memory_octets_max=MEMORY, seconds_max=SECONDS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert children_of(os.getpid()) == []


@pytest.fixture
def parent(waiting: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that waits for a job."""
    program = (
        "import sys, json; from blocklists.working import run_job; "
        "run_job('read', json.loads(sys.argv[1]), memory_octets_max=10**9, seconds_max=60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(waiting)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    yield process
    process.kill()
    process.wait(5)


def test_a_child_ends_with_its_parent(parent: subprocess.Popen[bytes]) -> None:
    (child,) = wait_until(
        lambda: [pid for pid in children_of(parent.pid) if niceness(pid) == 19], "the child"
    )
    parent.kill()
    parent.wait(5)
    wait_until(lambda: not is_running(child), "the end of the child")


@pytest.mark.parametrize("megabytes", [1, 20, 45])
def test_too_little_memory_is_told(tmp_path: Path, megabytes: int) -> None:
    """Whether it lacks at the first import, or while the list is sorted."""
    raw = tmp_path / "raw"
    raw.write_text("".join(f"n{number}.example.com\n" for number in range(250_000)))
    with pytest.raises(JobFault) as caught:
        run_job(
            "read",
            {**reading_payload(raw, tmp_path), "octets_max": 100_000_000},
            memory_octets_max=megabytes * 1_000_000,
            seconds_max=SECONDS,
        )
    assert caught.value.cause == "memory", caught.value.words
    assert str(caught.value) == (
        f"read: needs more than {megabytes} MB; lists.memory_megabytes_max allows {megabytes}"
    )


def test_too_little_memory_for_an_index_is_told(tmp_path: Path) -> None:
    sheet, out = tmp_path / "gambling.entries", tmp_path / "index"
    write_sheet(((key_of(f"n{n}.example.com"), n) for n in range(250_000)), sheet, day=1)
    out.write_bytes(b"the old one")
    part = Part("a:gambling", "A", "gambling", "MIT", sheet, None, AT)
    with pytest.raises(JobFault, match="needs more than 50 MB") as caught:
        compile_in_child([part], out, at=AT, memory_octets_max=50_000_000, seconds_max=SECONDS)
    assert caught.value.cause == "memory", caught.value.words
    assert out.read_bytes() == b"the old one"


def test_a_full_disk_is_told_in_words() -> None:
    fault = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/lists/x/run")
    said, cause = working._faults_of("read", fault, MEMORY)
    assert cause == "space"
    assert said == [
        "/lists/x/run: the disk is full (No space left on device); free space is needed"
    ]


def test_a_result_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "_JOBS", {"read": lambda payload: {"text": "x" * 1000}})
    assert b'"result"' in working._answer("read", {}, MEMORY)
    monkeypatch.setattr(working, "RESULT_OCTETS_MAX", 1000)
    assert b"a result of 1024 octets; allowed are 1000" in working._answer("read", {}, MEMORY)
