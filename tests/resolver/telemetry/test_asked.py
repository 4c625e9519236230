"""Names that nothing decided about: which are counted, what is kept of them, and the file."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from categoriser.matches import CategoryIndex, Match
from categoriser.names import from_text
from categoriser.patterns import Pattern, StarterTable
from resolver.telemetry import asked as module
from resolver.telemetry.asked import RETENTION_DAYS, Asked
from resolver.telemetry.metrics import Metrics
from resolver.wire import codes
from tests.resolver.venue import LEARNER, STAFF, TUESDAY_10, Desk, packet, snapshot
from tests.resolver.venue import upstream_reply as reply

DAY = int(TUESDAY_10 // 86400)
DAY_SECONDS = 86400
INDEX = CategoryIndex(
    (
        StarterTable(
            [
                (Pattern.parse("~casino", ["casinobank"]), Match("gambling", "~casino", (), True)),
                (Pattern.parse("~slot"), Match("gambling", "~slot", (), True)),
            ]
        ),
    )
)

Names = dict[str, list[int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "asked"


def desk_with(folder: Path) -> tuple[Desk, Asked, Metrics]:
    desk = Desk()
    asked = Asked(folder, 77)
    return desk, asked, Metrics(desk.service, asked)


def visit(
    desk: Desk, name: str, client: str = LEARNER, *, rcode: int = 0, qtype: str = "A"
) -> None:
    answers = () if rcode else (f"{name} 60 {qtype} 192.0.2.1",)
    desk.fetch(reply(name, qtype, *answers, rcode=rcode), name, qtype, client)


def flush(asked: Asked, *names: str, at: float = TUESDAY_10) -> None:
    asked.flush(Counter(map(from_text, names)), INDEX, at)


def read(folder: Path, process_id: int = 77) -> Names:
    document = json.loads((folder / f"{process_id}.json").read_text("utf-8"))
    assert document["version"] == 1
    names: Names = document["names"]
    return names


def write(folder: Path, process_id: int, names: Names) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{process_id}.json"
    path.write_text(json.dumps({"version": 1, "names": names}), "utf-8")
    return path


def dead_process() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


# -- Which names are counted


def test_what_nothing_decided_is_counted_and_nothing_else(folder: Path) -> None:
    desk, asked, metrics = desk_with(folder)
    visit(desk, "www.new-site.com")
    desk.ask("www.new-site.com")
    desk.ask("www.new-site.com")  # out of the cache, and memoised
    record = desk.record()
    desk.service.hits += [(desk.at, record, record.memo[packet("www.new-site.com")[2:]])] * 5
    desk.ask("bets.example")
    desk.ask("localhost")
    visit(desk, "social.example", STAFF)  # allowed, but a list knows it
    visit(desk, "no-such-name.com", rcode=codes.NXDOMAIN)
    metrics.take(0.0)
    assert asked.take() == {from_text("www.new-site.com"): 8}
    assert asked.take() == {}


def test_what_a_rule_decided_is_not_counted(folder: Path) -> None:
    rule = 'scope = "organisation"\naction = "allow"\npattern = "wanted.com"\nreason = "asked for"'
    desk = Desk(snapshot(f"[[rules]]\n{rule}\n"))
    asked = Asked(folder)
    visit(desk, "wanted.com")
    Metrics(desk.service, asked).take(0.0)
    assert asked.take() == {}


def test_the_count_between_two_flushes_is_bounded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PENDING_MAX", 3)
    desk, asked, metrics = desk_with(folder)
    for number in range(5):
        visit(desk, f"site-{number}.com")
    metrics.take(0.0)
    desk.ask("site-0.com")
    desk.ask("site-4.com")
    metrics.take(0.0)
    found = {name.decode()[1:7] for name in asked.take()}
    assert found == {"site-0", "site-1", "site-2"}
    assert asked.lost == 3


def test_without_it_metrics_are_as_they_were() -> None:
    desk = Desk()
    desk.ask("bets.example")
    metrics = Metrics(desk.service)
    metrics.take(0.0)
    assert metrics.queries_last == 1


# -- What is kept of a name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("example.com", "example.com"),
        ("u7.login.example.co.uk", "example.co.uk"),
        ("john-smith.blogspot.com", "john-smith.blogspot.com"),  # many owners below it
        ("_ldap._tcp.example.com", "example.com"),
        # the evidence stays, what stands before it does not
        ("john.casino.example.com", "casino.example.com"),
        ("john.casino.slot.example.com", "casino.slot.example.com"),
        ("john.casino.casino.example.com", "casino.example.com"),
        ("john.casinobank.example.com", "example.com"),
        ("john.casino-x.com", "casino-x.com"),
        ("john.xn--csino-4ve.example.com", "xn--csino-4ve.example.com"),
        ("john.xn--csino-4ve.com", "xn--csino-4ve.com"),
        # nobody's site
        ("co.uk", None),
        ("com", None),
        (".", None),
        ("printer.lan", None),
        ("5.2.0.192.in-addr.arpa", None),
    ],
)
def test_only_what_a_reviewer_needs_is_kept(folder: Path, name: str, kept: str | None) -> None:
    flush(Asked(folder, 77), name)
    assert list(read(folder)) == ([] if kept is None else [kept])


def test_odd_octets_do_no_harm(folder: Path) -> None:
    asked = Asked(folder, 77)
    asked.flush({b'\x07a.b"\\\xff\n\x03com\x00': 2, b"\x01\x00\x03com\x00": 1}, INDEX, TUESDAY_10)
    assert asked.failures == 0
    assert len(read(folder)) == 2


def test_neither_client_nor_hour_is_written(folder: Path) -> None:
    desk, asked, metrics = desk_with(folder)
    visit(desk, "new-site.com")
    metrics.take(0.0)
    asked.flush(asked.take(), INDEX, desk.at + 7 * 3600)
    text = (folder / "77.json").read_text("utf-8")
    assert json.loads(text) == {"version": 1, "names": {"new-site.com": [1, DAY, DAY]}}
    assert (folder / "77.json").stat().st_mode & 0o007 == 0
    assert folder.stat().st_mode & 0o007 == 0


# -- Days, bounds


def test_days_are_kept_first_and_last(folder: Path) -> None:
    asked = Asked(folder, 77)
    flush(asked, "a.com", "b.com")
    flush(asked, "a.com", "www.a.com", at=TUESDAY_10 + 2 * DAY_SECONDS)
    flush(asked, "a.com", at=TUESDAY_10)  # the clock was set back
    assert read(folder) == {"a.com": [4, DAY, DAY + 2], "b.com": [1, DAY, DAY]}


def test_what_nobody_asks_for_is_forgotten(folder: Path) -> None:
    asked = Asked(folder, 77)
    flush(asked, "a.com", "b.com")
    flush(asked, "a.com", at=TUESDAY_10 + RETENTION_DAYS * DAY_SECONDS)
    assert list(read(folder)) == ["a.com", "b.com"]
    flush(asked, "a.com", at=TUESDAY_10 + (RETENTION_DAYS + 1) * DAY_SECONDS)
    assert list(read(folder)) == ["a.com"]


def test_the_rarest_and_oldest_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NAMES_MAX", 10)
    asked = Asked(folder, 77)
    flush(asked, *[f"old-{n}.com" for n in range(5)])
    flush(
        asked, *["often.com"] * 3, *[f"new-{n}.com" for n in range(5)], at=TUESDAY_10 + DAY_SECONDS
    )
    left = set(read(folder))
    assert len(left) == 9
    assert {"often.com", *[f"new-{n}.com" for n in range(5)]} < left


# -- The file


def test_no_news_is_not_written(folder: Path) -> None:
    asked = Asked(folder, 77)
    flush(asked, "a.com")
    (folder / "77.json").unlink()
    flush(asked)
    assert not (folder / "77.json").exists()


def test_a_failure_is_counted_and_made_good(folder: Path) -> None:
    folder.write_text("no folder")
    asked = Asked(folder, 77)
    flush(asked, "a.com")
    assert asked.failures == 1
    folder.unlink()
    flush(asked, "a.com")
    assert asked.failures == 1
    assert read(folder) == {"a.com": [2, DAY, DAY]}


def test_what_the_dead_left_is_taken_over_once(folder: Path) -> None:
    gone = dead_process()
    left = write(folder, gone, {"a.com": [5, DAY - 9, DAY - 3], "b.com": [1, DAY, DAY]})
    left.with_suffix(".tmp").write_text("half")
    own = write(folder, 77, {"c.com": [1, DAY, DAY]})  # of a predecessor with the same number
    alive = write(folder, os.getpid(), {"d.com": [1, DAY, DAY]})
    asked = Asked(folder, 77)
    flush(asked, "a.com")
    assert read(folder) == {
        "a.com": [6, DAY - 9, DAY], "b.com": [1, DAY, DAY], "c.com": [1, DAY, DAY]
    }  # fmt: skip
    assert {path for path in folder.iterdir() if path.name != ".lock"} == {own, alive}
    flush(asked, "a.com")
    assert read(folder)["a.com"][0] == 7


def test_two_do_not_take_over_at_once(folder: Path) -> None:
    left = write(folder, dead_process(), {"a.com": [5, DAY, DAY]})
    asked = Asked(folder, 77)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        flush(asked, "b.com")
        assert left.exists() and not (folder / "77.json").exists()
    flush(asked)
    assert read(folder) == {"a.com": [5, DAY, DAY], "b.com": [1, DAY, DAY]}
    assert asked.failures == 0


@pytest.mark.parametrize(
    "octets",
    [b"", b"{", b"\xff", b"[]", b'{"version":9,"names":{}}', b'{"version":1,"names":{"a":[1]}}'],
)
def test_a_damaged_file_is_left_out(folder: Path, octets: bytes) -> None:
    folder.mkdir()
    (folder / f"{dead_process()}.json").write_bytes(octets)
    (folder / "77.json").write_bytes(octets)
    asked = Asked(folder, 77)
    flush(asked, "a.com")
    assert read(folder) == {"a.com": [1, DAY, DAY]}
    assert asked.failures == 0


def test_files_of_others_stay(folder: Path) -> None:
    folder.mkdir()
    others = [folder / name for name in ("notes.json", "12345678901234567890.json", "x.tmp")]
    for path in others:
        path.write_text("{}")
    flush(Asked(folder, 77), "a.com")
    assert all(path.exists() for path in others)
