"""`make demo` shows a whole Lychgate with a day behind it, and ends what it started."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.demo.demonstration import Demonstration, command

VISITS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # Who, which page, and what must be on it.
    ("ada", "/", ("4 in use", "an update waits for your decision", "alert:")),
    ("ada", "/exceptions", ("Groups for job seekers", "Interviews on video", "x.com")),
    ("ada", "/requests", ("tattoo-apprenticeships.example", "Kept as it was", "Allowed by a rule")),
    ("ada", "/query-log", ("facebook.com", "Warn", "Monitor")),
    ("ada", "/lists", ("Held: needs you", "Fresh")),
    ("ada", "/rules", ("maths-games-course.example", "1 rule awaits review")),
    ("ada", "/audit", ("venue:stoke", "exception:2", "request:1", "alert:", "person:tom")),
    ("tom", "/exceptions", ("Mine", "Interviews on video", "IT suite")),
    ("tess", "/requests", ("tattoo-apprenticeships.example",)),
    ("dora", "/alerts", ("Extremism", "Acknowledged", "No concern", "New")),
    ("dora", "/alerts/held", ("What was held back", "bet365.com")),
    ("dora", "/alerts/notices", ("webhook", "Sent")),
    ("lea", "/checks", ("Stoke learning centre", "Guests", "The schedule", "Looked at it")),
    ("lea", "/figures", ("Stoke learning centre", "Blocked by venue", "Extremism")),
)


def test_every_page_has_something_to_show(demo: Demonstration) -> None:
    demo.until(lambda: demo.figure("lychgate_queries_total") > 20, "live queries are answered")
    demo.until(lambda: demo.figure("lychgate_recorder_details_total") > 100, "the day is kept")
    demo.until(lambda: demo.figure("lychgate_checks") > 100, "the filter was checked")
    demo.until(lambda: demo.figure("lychgate_alerts_acknowledged") >= 2, "alerts are handled")
    demo.until(lambda: demo.figure("lychgate_list_gate_failures") == 1, "a list is held")
    demo.until(lambda: demo.figure("lychgate_notices") > 3, "somebody was told")
    visitors = {person: demo.visitor(person) for person in {person for person, *_ in VISITS}}
    for person, path, words in VISITS:
        answer = visitors[person].get(path)
        assert answer.status_code == 200, path
        for word in words:
            assert word in answer.text, f"{person}: {path}: {word}"
    for visitor in visitors.values():
        visitor.close()
    assert demo.figure("lychgate_recorder_duty_failures_total") == 0
    assert "Not everything is filled" not in demo.said


def test_it_ends_what_it_started(demo: Demonstration) -> None:
    demo.until(lambda: demo.figure("lychgate_queries_total") > 0, "it runs")
    assert demo.end() == 0, demo.said[-2_000:]
    for port in range(demo.first, demo.first + 5):
        with socket.socket() as asking:
            assert asking.connect_ex(("127.0.0.1", port)) != 0, port


def test_it_deletes_nothing_of_others(tmp_path: Path) -> None:
    other = tmp_path / "essay.txt"
    other.write_text("It was a dark night.", encoding="utf-8")
    done = _run(tmp_path, 21_300)
    assert done.returncode == 2 and "holds something else; allowed:" in done.stderr
    assert other.exists()


@pytest.mark.parametrize("which", [0, 4])
def test_a_port_that_is_taken_is_said(tmp_path: Path, which: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _run(tmp_path / "state", port - which)
    assert done.returncode == 2 and f"{port} is taken; allowed:" in done.stderr
    assert not (tmp_path / "state").exists()


def _run(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, port, "--seconds", "1"), capture_output=True, text=True, timeout=120
    )
