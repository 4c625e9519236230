"""Refreshing: what is fetched when, what is kept or held, and that one list never harms another."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from blocklists import standing
from blocklists.fetching import Fetched, Fetcher, FetchFault, FetchSettings
from blocklists.journal import Journal
from blocklists.keeping import Shelf
from blocklists.reading import Reading
from blocklists.refreshing import (
    RefreshFault,
    RefreshReport,
    SourceResult,
    refresh,
)
from blocklists.sheets import read_sheet
from blocklists.sources import Source
from blocklists.standing import digest, parts, status
from blocklists.working import JobFault, read_in_child
from blocklists.writing import LockFault, locked
from tests.blocklists.making import AT, HOUR, names, read_here, source, write
from tests.blocklists.serving import ListServer, Page, bomb, endless, html

DAY = 24 * HOUR


@dataclass
class Publisher:
    """Hands out lists by URL, as a `Fetcher` would; an exception in place of a list is raised."""

    lists: dict[str, bytes | Exception] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """URL and ETag of every fetch."""
    forgets: bool = False
    """It gives no ETag, and everything whole each time."""

    def fetch(
        self,
        source_url: str,
        into: Path,
        *,
        etag: str = "",
        last_modified: str = "",
        credential: str = "",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Fetched:
        self.asked.append((source_url, etag))
        found = self.lists[source_url]
        if isinstance(found, Exception):
            raise found
        checksum = sha256(found).hexdigest()
        if etag == checksum:
            return Fetched(None, etag, "", "", 0, source_url)
        into.write_bytes(found)
        if progress:
            progress(len(found), len(found))
        return Fetched(into, "" if self.forgets else checksum, "", checksum, len(found), source_url)


@dataclass
class House:
    """A folder of lists, a publisher, and a time."""

    root: Path
    publisher: Publisher = field(default_factory=Publisher)
    at: float = AT

    def refresh(self, *sources: Source, later: float = 0.0, **options: Any) -> RefreshReport:
        self.at += later
        given = {
            "fetcher": self.publisher,
            "read": read_here,
            "random": lambda: 0.5,
            "octets_max": 1 << 20,
        }
        return refresh(sources, self.root, at=self.at, **{**given, **options})

    def one(self, source: Source, later: float = 0.0, **options: Any) -> SourceResult:
        (result,) = self.refresh(source, later=later, **options).results
        return result

    def publish(self, source: Source, octets: bytes | Exception) -> None:
        self.publisher.lists[source.url] = octets

    def files(self) -> dict[str, int]:
        """Every file below, with the time of its last change."""
        found = self.root.rglob("*")
        return {str(path): path.stat().st_mtime_ns for path in found if path.is_file()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "lists")


GAMBLING = source("test:gambling")
ADULT = source("test:adult", "adult", url="https://lists.example/adult.txt")


def test_a_first_list_is_kept_and_can_be_compiled(house: House) -> None:
    house.publish(GAMBLING, names(100))
    report = house.refresh(GAMBLING)
    assert report.ids("kept") == ("test:gambling",)
    (part,) = parts([GAMBLING], house.root)
    assert (part.source_id, part.category, part.allows) == ("test:gambling", "gambling", None)
    assert part.fetched_at == AT
    assert len(list(read_sheet(part.entries))) == 100
    assert (part.entries.parent / "raw").read_bytes() == names(100)
    assert [entry.action for entry in Journal(house.root).read()] == ["keep"]


def test_what_is_not_due_is_left_alone(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    before = house.files()
    assert house.one(GAMBLING, later=20 * HOUR).outcome == "waiting"
    assert len(house.publisher.asked) == 1
    changed = {path for path, stamp in house.files().items() if before.get(path) != stamp}
    assert changed <= {str(house.root / ".lock")}


def test_not_modified_writes_nothing_but_the_state(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    before = house.files()
    report = house.refresh(GAMBLING, later=DAY)
    assert report.results[0].outcome == "unchanged" and report.ids("kept") == ()
    after = house.files()
    assert {Path(path).name for path in after if before.get(path) != after[path]} <= {
        "state.json",
        ".lock",
    }
    state = Shelf(house.root, "test:gambling").state
    assert (state.checked_at, state.changed_at) == (AT + DAY, AT)
    assert state.next_at == AT + 2 * DAY


def test_the_same_octets_are_no_new_version_even_from_a_publisher_without_etag(
    house: House,
) -> None:
    house.publisher.forgets = True
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    assert house.one(GAMBLING, later=DAY).outcome == "unchanged"
    assert len(Shelf(house.root, "test:gambling").versions()) == 1
    assert not list(house.root.rglob(".fetched"))


def test_by_force_a_damaged_version_is_mended(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    parts([GAMBLING], house.root)[0].entries.write_bytes(b"\x00 bit rot")
    house.publish(ADULT, names(100, "adult"))
    assert house.refresh(GAMBLING, ADULT).ids("kept") == ("test:adult",), "it stops nobody else"
    assert house.one(GAMBLING, later=60, force=True).outcome == "kept"
    assert house.publisher.asked[-1][1] == "", "by force is whole"
    assert len(list(read_sheet(parts([GAMBLING], house.root)[0].entries))) == 100


def test_entries_keep_the_day_they_came(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    house.publish(GAMBLING, names(101))
    assert house.one(GAMBLING, later=3 * DAY).outcome == "kept"
    (part,) = parts([GAMBLING], house.root)
    days = {since for _, _, since in read_sheet(part.entries)}
    assert days == {int(AT // DAY), int(AT // DAY) + 3}


def test_a_collapsed_list_is_held_and_the_last_good_one_stays(house: House) -> None:
    house.publish(GAMBLING, names(2642))
    good = house.one(GAMBLING).version
    house.publish(GAMBLING, names(10))
    result = house.one(GAMBLING, later=DAY)
    assert result.outcome == "held" and [each.gate for each in result.findings] == ["shrink"]
    shelf = Shelf(house.root, "test:gambling")
    assert shelf.state.current == good and shelf.state.held == result.version
    assert len(list(read_sheet(parts([GAMBLING], house.root)[0].entries))) == 2642
    assert "10 entries after 2,642" in Journal(house.root).read()[-1].reason
    assert house.one(GAMBLING, later=DAY).outcome == "unchanged", "it is not judged every day"
    assert Shelf(house.root, "test:gambling").state.held == result.version


def test_an_index_of_an_older_form_is_made_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    before = digest(parts([GAMBLING], house.root))
    monkeypatch.setattr(standing, "FORM", 0)
    assert digest(parts([GAMBLING], house.root)) != before


def test_a_mistake_that_was_accepted_is_a_mistake_again_after_going_back(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    house.publish(GAMBLING, names(100) + b"bbc.co.uk\n")
    assert house.one(GAMBLING, later=DAY).outcome == "held"
    shelf = Shelf(house.root, "test:gambling")
    shelf.accept("Ann", "not looked at", house.at)
    shelf.rollback("Ann", "it took the BBC", house.at)
    house.publish(GAMBLING, names(110) + b"bbc.co.uk\n")
    result = house.one(GAMBLING, later=DAY)
    assert result.outcome == "held" and "bbc.co.uk" in result.message


def test_a_held_list_that_a_person_accepts_is_the_measure_of_the_next(house: House) -> None:
    house.publish(GAMBLING, names(2642))
    house.refresh(GAMBLING)
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING, later=DAY)
    before = digest(parts([GAMBLING], house.root))
    Shelf(house.root, "test:gambling").accept("Ann", "they cleaned up", house.at)
    assert digest(parts([GAMBLING], house.root)) != before, "there is something to compile"
    assert house.one(GAMBLING, later=DAY).outcome == "unchanged"
    house.publish(GAMBLING, names(101))
    assert house.one(GAMBLING, later=DAY).outcome == "kept"


def test_a_publisher_who_takes_the_accident_back_ends_it(house: House) -> None:
    house.publish(GAMBLING, names(2642))
    good = house.one(GAMBLING).version
    house.publish(GAMBLING, names(10))
    house.refresh(GAMBLING, later=DAY)
    house.publish(GAMBLING, names(2642))
    assert house.one(GAMBLING, later=DAY).outcome == "unchanged"
    state = Shelf(house.root, "test:gambling").state
    assert (state.current, state.held, state.findings) == (good, None, ())


def test_after_going_back_the_same_octets_are_not_taken_again(house: House) -> None:
    house.publish(GAMBLING, names(100))
    first = house.one(GAMBLING).version
    house.publish(GAMBLING, names(110))
    house.refresh(GAMBLING, later=DAY)
    Shelf(house.root, "test:gambling").rollback("Ann", "blocks our bank", house.at)
    house.publisher.forgets = True
    for _ in range(2):
        assert house.one(GAMBLING, later=DAY).outcome == "unchanged"
        assert Shelf(house.root, "test:gambling").state.current == first
    house.publish(GAMBLING, names(105))
    assert house.one(GAMBLING, later=DAY).outcome == "kept"
    house.publish(GAMBLING, names(110))
    assert house.one(GAMBLING, later=DAY).outcome == "kept", "a newer one has passed since"


def test_after_going_back_octets_that_return_are_held(house: House) -> None:
    """Read anew by force or after a change of settings, they are still what a person refused."""
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    house.publish(GAMBLING, names(110))
    house.refresh(GAMBLING, later=DAY)
    Shelf(house.root, "test:gambling").rollback("Ann", "why", house.at)
    for settings, force in (
        (replace(GAMBLING, drop=("casino-1.example",)), False),
        (GAMBLING, True),
    ):
        result = house.one(settings, later=DAY, force=force)
        assert result.outcome == "held"
        assert [finding.gate for finding in result.findings] == ["rolled-back"]


@pytest.mark.parametrize(
    ("octets", "gate"),
    [
        (b"<!DOCTYPE html><html><body>Please log in</body></html>\n" * 9, "html"),
        (b"0/\n", "parses"),  # four real files, 2021-06
        (b"", "parses"),
        (b"\x1f\x8b\x08damaged", "parses"),
        (b"# nothing\n# at all\n", "parses"),
    ],
)
def test_what_is_no_list_leaves_no_version(house: House, octets: bytes, gate: str) -> None:
    house.publish(GAMBLING, names(100))
    good = house.one(GAMBLING).version
    house.publish(GAMBLING, octets)
    result = house.one(GAMBLING, later=DAY)
    assert result.outcome == "failed" and gate in {each.gate for each in result.findings}
    state = Shelf(house.root, "test:gambling").state
    assert (state.current, state.held, state.failures) == (good, None, 1)
    assert "test:gambling" in state.problem
    assert len(list((house.root / "test__gambling" / "versions").iterdir())) == 1
    house.publish(GAMBLING, names(100))
    assert house.one(GAMBLING, later=DAY).outcome == "unchanged"
    state = Shelf(house.root, "test:gambling").state
    assert (state.problem, state.failures, state.findings) == ("", 0, ())


def test_failures_are_tried_again_with_patience_and_noted_once(house: House) -> None:
    house.publish(GAMBLING, FetchFault("lists.example: silent", retryable=True))
    waits = []
    for _ in range(12):
        result = house.one(GAMBLING)
        assert (result.outcome, result.message) == ("failed", "lists.example: silent")
        next_at = Shelf(house.root, "test:gambling").state.next_at
        waits.append(next_at - house.at)
        assert house.one(GAMBLING, later=waits[-1] / 2).outcome == "waiting"
        house.at = next_at
    assert waits == sorted(waits) and waits[0] < 120 and waits[-1] <= DAY
    assert [entry.action for entry in Journal(house.root).read()] == ["fail"]


def test_what_the_publisher_asks_for_is_a_minimum(house: House) -> None:
    house.publish(GAMBLING, FetchFault("busy", retryable=True, retry_after_seconds=7200))
    house.refresh(GAMBLING)
    assert Shelf(house.root, "test:gambling").state.next_at >= AT + 7200


def test_one_source_never_stops_another(house: House) -> None:
    other = source("test:games", "games", url="https://lists.example/games.txt")
    house.publish(GAMBLING, RuntimeError("a mistake of ours"))
    house.publish(ADULT, FetchFault("gone", retryable=False))
    house.publish(other, names(100, "game"))
    report = house.refresh(GAMBLING, ADULT, other)
    assert report.ids("failed") == ("test:adult", "test:gambling")
    assert report.ids("kept") == ("test:games",)
    messages = {each.source: each.message for each in report.results}
    assert messages["test:gambling"].endswith("a mistake of ours; this is a fault of Lychgate")


def test_the_reader_of_production_reads_in_a_child(house: House) -> None:
    reader = partial(read_in_child, octets_max=1 << 20, memory_octets_max=1 << 30, seconds_max=60.0)
    house.publish(GAMBLING, names(100))
    assert house.one(GAMBLING, read=reader).entries == 100
    house.publish(GAMBLING, b"\x1f\x8b\x08damaged")
    result = house.one(GAMBLING, later=DAY, read=reader)
    assert [finding.gate for finding in result.findings] == ["parses"]


def test_a_machine_in_trouble_is_no_fault_of_the_list(house: House) -> None:
    def read(*_: object, **__: object) -> Reading:
        raise JobFault(["read: needs more than 350 MB"], "memory")

    house.publish(GAMBLING, names(100))
    result = house.one(GAMBLING, read=read)
    assert (result.outcome, result.findings) == ("failed", ())
    assert house.one(GAMBLING, later=HOUR).outcome == "kept"


def test_a_change_of_settings_reads_the_same_octets_again_at_once(house: House) -> None:
    octets = names(100) + b"bbc.co.uk\n"
    house.publish(GAMBLING, octets)
    assert [each.gate for each in house.one(GAMBLING).findings] == ["protected"]
    changed = replace(GAMBLING, drop=("bbc.co.uk",))
    result = house.one(changed, later=60)
    assert (result.outcome, result.entries) == ("kept", 100)
    assert house.one(changed, later=60).outcome == "waiting"
    assert house.one(replace(changed, title="Another title"), later=60).outcome == "waiting"
    again = replace(changed, categories={"": "games"})
    assert house.one(again, later=60).outcome == "kept"
    assert [part.category for part in parts([again], house.root)] == ["games"]


def test_a_list_that_received_another_is_held(house: House) -> None:
    """UT1's downloads, 2021: the end of the adult list fell into them."""
    files = source("test:piracy", "piracy", url="https://lists.example/piracy.txt")
    house.publish(ADULT, names(5000, "adult"))
    house.publish(files, names(1200, "warez"))
    assert house.refresh(files, ADULT).ids("kept") == ("test:adult", "test:piracy")
    house.publish(files, names(1200, "warez") + names(1000, "adult"))
    (result,) = house.refresh(files, ADULT, later=DAY, only=["test:piracy"]).results
    assert result.outcome == "held"
    assert "45% of its piracy entries are adult by other lists, 0% before" in result.message


def test_a_new_list_is_measured_against_those_that_come_with_it(house: House) -> None:
    jobs = source("test:jobs", "essential", trust="suggest", url="https://lists.example/jobs.txt")
    scams = source("test:scams", "scams", url="https://lists.example/scams.txt")
    house.publish(jobs, names(100, "jobs") + names(100, "phish"))
    house.publish(scams, names(1000, "phish"))
    report = house.refresh(jobs, scams)
    assert [(each.source, each.outcome) for each in report.results] == [
        ("test:scams", "kept"),
        ("test:jobs", "held"),
    ]
    assert [part.source_id for part in parts([jobs, scams], house.root)] == ["test:scams"]


def test_what_only_suggests_is_never_compiled(house: House) -> None:
    jobs = source("test:jobs", "essential", trust="suggest")
    house.publish(jobs, names(100, "jobs"))
    assert house.one(jobs).outcome == "kept"
    assert parts([jobs], house.root) == []


def test_a_disabled_source_keeps_its_versions_and_filters_nothing(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    off = replace(GAMBLING, enabled=False)
    assert house.refresh(off, later=DAY).results == ()
    assert parts([off], house.root) == []
    assert len(parts([GAMBLING], house.root)) == 1


def test_only_some_and_at_once(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.publish(ADULT, names(100, "adult"))
    house.refresh(GAMBLING, ADULT)
    report = house.refresh(GAMBLING, ADULT, later=60, only=["test:adult"])
    assert [(each.source, each.outcome) for each in report.results] == [("test:adult", "unchanged")]
    with pytest.raises(RefreshFault) as fault:
        house.refresh(GAMBLING, replace(ADULT, enabled=False), only=["test:gamblin", "test:adult"])
    assert fault.value.faults == [
        "refresh: test:gamblin is not known; did you mean test:gambling, test:adult?",
        "refresh: test:adult is not enabled; `lychgate lists enable test:adult` first",
    ]


def test_versions_are_pruned(house: House) -> None:
    for number in range(6):
        house.publish(GAMBLING, names(100 + number))
        house.refresh(GAMBLING, later=DAY, versions_kept=3)
    assert len(Shelf(house.root, "test:gambling").versions()) == 3


def test_two_refreshes_do_not_meet(house: House) -> None:
    with locked(house.root, "refresh", AT), pytest.raises(LockFault, match="held by refresh"):
        house.refresh(GAMBLING)


def test_progress_is_told(house: House) -> None:
    house.publish(GAMBLING, names(100))
    told: list[tuple[str, int, int | None]] = []
    house.refresh(GAMBLING, progress=lambda *step: told.append(step))
    assert told == [("test:gambling", len(names(100)), len(names(100)))]


# -- Lists in files


def test_a_file_is_taken_whenever_it_was_changed(house: House, tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", b"bet365.com\n")
    own = source("local:own", file=str(path))
    assert house.one(own).outcome == "kept"
    before = house.files()
    assert house.one(own, later=60).outcome == "waiting"
    assert {path for path, stamp in house.files().items() if before.get(path) != stamp} <= {
        str(house.root / ".lock")
    }
    write(path, b"bet365.com\nbetfair.com\n")
    assert (house.one(own, later=60).entries, house.publisher.asked) == (2, [])
    os.utime(path, (AT, AT))
    assert house.one(own, later=60).outcome == "unchanged", "touched, not changed"


@pytest.mark.parametrize("kind", ["missing", "folder", "large"])
def test_a_file_that_cannot_be_used(house: House, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "own.txt"
    if kind == "folder":
        path.mkdir()
    elif kind == "large":
        write(path, b"x" * (2 << 20))
    own = source("local:own", file=str(path))
    result = house.one(own)
    assert result.outcome == "failed" and str(path) in result.message
    if kind != "folder":
        write(path, b"bet365.com\n")
        assert house.one(own, later=60).outcome == "kept", "mended, and nobody waits"


def test_a_file_that_may_not_be_read_is_named(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "own.txt", b"bet365.com\n")
    opened = Path.open

    def refused(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refused)
    result = house.one(source("local:own", file=str(path)))
    assert result.message == f"{path}: Permission denied; a list file that may be read"


def test_a_version_that_cannot_be_tidied_away_is_no_fault_of_the_list(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(self: Shelf, kept: int) -> list[str]:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Shelf, "prune", busy)
    house.publish(GAMBLING, names(100))
    assert house.one(GAMBLING).outcome == "kept"
    assert Shelf(house.root, "test:gambling").state.problem == ""


def test_a_broken_file_is_not_read_again_and_again(house: House, tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", b"bet365.com\n")
    own = source("local:own", file=str(path))
    house.refresh(own)
    write(path, b"")
    assert house.one(own, later=60).outcome == "failed"
    assert house.one(own, later=1).outcome == "waiting"
    assert house.one(own, later=HOUR).outcome == "failed", "still broken"


def test_a_template_without_a_place_says_so(house: House) -> None:
    template = source("iwf:domains", "illegal-abuse", url="")
    assert "neither url nor file" in house.one(template).message


# -- Status


def test_status_says_how_a_source_stands(house: House) -> None:
    house.publish(GAMBLING, names(1000))
    house.publish(ADULT, FetchFault("gone", retryable=False))
    house.refresh(GAMBLING, ADULT)
    house.publish(GAMBLING, names(10))
    house.refresh(GAMBLING, ADULT, later=DAY)
    good, bad = status([GAMBLING, ADULT], house.root, house.at + HOUR)
    assert good.entries == {"gambling": 1000} and good.entries_held == 10
    assert (good.age_seconds, good.checked_age_seconds) == (25 * HOUR, HOUR)
    assert [finding.gate for finding in good.findings] == ["shrink"]
    assert (good.versions, good.stale, good.problem) == (2, False, "")
    assert (bad.current, bad.age_seconds, bad.problem) == (None, None, "gone")
    assert bad.failures == 2


def test_three_intervals_without_word_are_stale(house: House) -> None:
    house.publish(GAMBLING, names(100))
    house.refresh(GAMBLING)
    house.publish(GAMBLING, FetchFault("silent", retryable=True))
    house.refresh(GAMBLING, later=DAY)
    (now,) = status([GAMBLING], house.root, AT + 3 * DAY)
    (then,) = status([GAMBLING], house.root, AT + 3 * DAY + 1)
    assert (now.stale, then.stale) == (False, True)
    (off,) = status([replace(GAMBLING, enabled=False)], house.root, AT + 30 * DAY)
    assert not off.stale


# -- With a real server


@pytest.fixture
def loopback() -> Fetcher:
    networks = (ip_network("127.0.0.0/8"),)
    settings = FetchSettings(octets_max=1 << 16, allowed_networks=networks, http_allowed=True)
    return Fetcher(settings)


def test_a_server_with_news_without_news_in_trouble_and_back(
    house: House, loopback: Fetcher
) -> None:
    with ListServer() as server:
        own = source(url=server.url("/list"), allow_http=True)
        server["/list"] = Page(names(1000), etag='"1"')
        assert house.one(own, fetcher=loopback).outcome == "kept"
        assert house.one(own, later=DAY, fetcher=loopback).outcome == "unchanged"
        assert [asked.status for asked in server.asked] == [200, 304]
        for page in (
            Page(status=503),
            html(),
            endless(),
            bomb(1 << 22),
            Page(names(5), etag='"2"'),
        ):
            server["/list"] = page
            result = house.one(own, later=DAY, fetcher=loopback)
            assert result.outcome in ("failed", "held"), page
            (part,) = parts([own], house.root)
            assert len(list(read_sheet(part.entries))) == 1000
        server["/list"] = Page(names(1001), etag='"3"')
        assert house.one(own, later=DAY, fetcher=loopback).outcome == "kept"
        Shelf(house.root, own.id).rollback("Ann", "why", house.at)
        assert house.one(own, later=DAY, fetcher=loopback).outcome == "unchanged"
        assert len(list(read_sheet(parts([own], house.root)[0].entries))) == 1000
