"""Everything that goes wrong between a publisher and the index, and the filter that goes on.

Each ends in a message that names the source and the reason, with the last good list in use.
"""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import dns.rcode
import pytest

from blocklists.compiling import CompileReport, Part
from blocklists.fetching import Fetcher, FetchSettings
from blocklists.keeping import Shelf
from blocklists.refreshing import SourceResult, refresh
from blocklists.sheets import key_of
from blocklists.sources import Source
from blocklists.standing import parts
from blocklists.working import JobFault, compile_in_child, read_in_child
from categoriser.indexfile import IndexFault, open_index
from categoriser.names import from_text, spell
from tests.blocklists.children import children_of
from tests.blocklists.serving import ListServer, Page, bomb, endless, failure, html
from tests.lychgate.running import Serving, upstream, wait_until

AT: Final = 1_795_000_000.0  # 2026-11-18
LISTED, FREE, NEW = "listed.example", "free.example", "new.example"
GOOD: Final = b"listed.example\nother.example\n"
OCTETS_MAX: Final = 400_000  # as fetched
UNPACKED_MAX: Final = 1_000_000
BOUNDS: Final = {"memory_octets_max": 500_000_000, "seconds_max": 60.0}


@pytest.fixture(autouse=True, scope="module")
def _no_proxy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        yield


class Lists:
    """One list, its publisher, and the index made from it: all that production does, but for the
    clock.
    """

    def __init__(self, folder: Path, server: ListServer) -> None:
        self.root, self.index = folder / "lists", folder / "index"
        self.server = server
        self.source = Source(
            id="a:gambling",
            title="A",
            publisher="",
            categories={"": "gambling"},
            url=server.url("/list"),
            allow_http=True,
            enabled=True,
        )
        self._at = AT

    def refresh(self, page: Page) -> SourceResult:
        """What becomes of the source when its publisher serves this."""
        self.server["/list"] = page
        self._at += 100_000.0
        settings = FetchSettings(
            octets_max=OCTETS_MAX,
            seconds_max=20.0,
            allowed_networks=(ip_network("127.0.0.0/8"),),
            http_allowed=True,
        )
        report = refresh(
            [self.source],
            self.root,
            at=self._at,
            fetcher=Fetcher(settings),
            read=partial(read_in_child, octets_max=UNPACKED_MAX, **BOUNDS),  # type: ignore[arg-type]
            random=lambda: 0.5,
            octets_max=OCTETS_MAX,
        )
        return report.results[0]

    def compile(self, chosen: Sequence[Part] | None = None) -> CompileReport:
        if chosen is None:
            chosen = parts([self.source], self.root)
        return compile_in_child(chosen, self.index, at=self._at, **BOUNDS)  # type: ignore[arg-type]

    def update(self, octets: bytes = GOOD) -> None:
        """A sound version, all the way into the index."""
        assert self.refresh(Page(octets)).outcome == "kept"
        self.compile()

    def lists(self, name: str) -> bool:
        """Does the index have this name?"""
        return bool(open_index(self.index).find(spell(from_text(name))))

    def leftovers(self) -> list[str]:
        """Files that nobody will ever look at again."""
        folder = self.root.parent
        return [str(path) for path in folder.rglob("*") if ".part" in path.name]

    def current(self) -> str | None:
        return Shelf(self.root, self.source.id).state.current


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[Lists]:
    """With one sound version in the index."""
    with ListServer() as server:
        found = Lists(tmp_path, server)
        found.update()
        yield found


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lists]:
    """The same, for one bad version after the other."""
    with ListServer() as server:
        found = Lists(tmp_path_factory.mktemp("patient"), server)
        found.update()
        yield found


def kill_while_compiling(lists: Lists, folder: Path) -> JobFault:
    """Kill the compiler while it merges a sheet; the pipe it reads makes it wait for that."""
    sheet = folder / "gambling.entries"
    os.mkfifo(sheet)
    lines = "".join(f"{key_of(f'n{n:05}.example')}\t{n}\t1\n" for n in range(5000)).encode()
    enough = threading.Event()

    def feed() -> None:
        with sheet.open("wb") as pipe:  # entries are counted first
            pipe.write(lines)
        with sheet.open("wb") as pipe:
            pipe.write(lines[: len(lines) // 2])
            pipe.flush()
            enough.set()
            wait_until(lambda: not children_of(os.getpid()), "the end of the compiler")

    def kill() -> None:
        assert enough.wait(20)
        for pid in children_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)

    threads = [threading.Thread(target=work, daemon=True) for work in (feed, kill)]
    for thread in threads:
        thread.start()
    try:
        with pytest.raises(JobFault) as caught:
            lists.compile([Part("a:gambling", "A", "gambling", "", sheet, None, AT)])
    finally:
        for thread in threads:
            thread.join(30)
        sheet.unlink()
    return caught.value


def test_a_killed_compiler_leaves_the_index_as_it_was(lists: Lists, tmp_path: Path) -> None:
    before = lists.index.read_bytes()
    fault = kill_while_compiling(lists, tmp_path)
    assert "compile: killed by signal 9" in str(fault) and "stays in use" in str(fault)
    assert lists.index.read_bytes() == before
    assert lists.leftovers() == []
    lists.update(GOOD + b"new.example\n")
    assert lists.lists(NEW)


def test_what_a_compiler_left_behind_goes(lists: Lists, tmp_path: Path) -> None:
    """Killed between writing and renaming, it cannot tidy up."""
    (tmp_path / ".index.x1y2z3.part").write_bytes(b"half")
    kill_while_compiling(lists, tmp_path)
    assert lists.leftovers() == []


def test_an_index_cut_short_or_damaged_is_refused(lists: Lists, tmp_path: Path) -> None:
    octets = lists.index.read_bytes()
    damaged = tmp_path / "damaged"
    sizes = {0, 1, 40, 64, len(octets) // 3, len(octets) // 2, len(octets) - 8, len(octets) - 1}
    cases = [octets[:size] for size in sorted(sizes)]
    cases += [
        octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]
        for place in range(0, len(octets), 97)
    ]
    cases.append(octets + b"\0")
    for case in cases:
        damaged.write_bytes(case)
        with pytest.raises(IndexFault, match="damaged"):  # the file's name, if nothing else
            open_index(damaged)


BAD_PAGES: Final = {
    "endless": (endless(), "octets"),
    "one endless line": (endless(b"x."), "octets"),
    "gzip bomb on the way": (bomb(50_000_000), "octets"),
    "gzip bomb in a file": (Page(gzip.compress(bytes(50_000_000), 9)), "allowed are 1000000"),
    "archive cut short": (Page(gzip.compress(os.urandom(9000))[:5000]), "a:gambling"),
    "page": (html(), "a web page; a list is needed"),
    "nothing": (Page(b""), "a:gambling"),
    "comments alone": (Page(b"# sold\n" * 90), "a:gambling"),
    "gone": (failure(404), "404"),
    "broken lines": (Page(b"listed.example\n" * 4 + b"%$!\n" * 40), "a:gambling"),
    "bare com": (Page(GOOD + b"com\n"), "com"),
    "an essential": (Page(GOOD + b"wikipedia.org\n"), "wikipedia.org"),
}


@pytest.mark.parametrize("case", BAD_PAGES)
def test_a_bad_list_is_told_and_the_last_good_one_stays(patient: Lists, case: str) -> None:
    page, says = BAD_PAGES[case]
    good = patient.current()
    result = patient.refresh(page)
    assert result.outcome in ("failed", "held")
    assert says in result.message and "a:gambling" in f"{result.source}: {result.message}"
    assert "fault of Lychgate" not in result.message
    assert patient.current() == good
    assert patient.leftovers() == []
    state = Shelf(patient.root, patient.source.id).state
    assert state.problem or state.findings, "status has it too"


def test_after_all_that_the_good_list_is_compiled_and_a_new_one_taken(patient: Lists) -> None:
    for case in ("endless", "bare com", "gzip bomb in a file"):
        patient.refresh(BAD_PAGES[case][0])
    patient.compile()
    assert patient.lists(LISTED) and not patient.lists("free.com")
    patient.update(GOOD + b"new.example\n")
    assert patient.lists(NEW)


# -- A full disk.


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of 400 kB. Skips the test, visibly, where nothing can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "lychgate-test", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command to make a small disk with")
    if done.returncode:
        pytest.skip(f"a small disk needs root and mount: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave not one octet free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                if not file.write(bytes(4096)):
                    return filler
            except OSError:
                return filler


def names(count: int) -> bytes:
    return "".join(f"n{number:05}.some-name.example\n" for number in range(count)).encode()


def is_told(message: str) -> bool:
    return "disk is full" in message or "No space left" in message


def check_full_disk(lists: Lists, disk: Path) -> None:
    """Refresh and compile where there is no room; the list and the index stay."""
    good, index = lists.current(), lists.index.read_bytes()

    result = lists.refresh(Page(GOOD + names(7000)))  # 200 kB as fetched, and as much in a sheet
    assert result.outcome == "failed" and is_told(result.message), result.message
    assert lists.current() == good

    filler = fill(disk)
    result = lists.refresh(Page(GOOD + b"new.example\n"))
    assert result.outcome == "failed" and is_told(result.message), result.message
    assert lists.current() == good
    with pytest.raises(JobFault) as caught:
        lists.compile()
    assert is_told(str(caught.value)) and caught.value.cause == "space"
    assert lists.index.read_bytes() == index
    filler.unlink()
    assert lists.leftovers() == []


# -- And a resolver beside it.


def check_filtering(serving: Serving) -> None:
    assert serving.ask(LISTED).rcode() == dns.rcode.NXDOMAIN
    assert serving.ask(f"www.{LISTED}").rcode() == dns.rcode.NXDOMAIN
    assert serving.ask(FREE).rcode() == dns.rcode.NOERROR


def test_filtering_goes_on_whatever_happens_to_lists(lists: Lists, tmp_path: Path) -> None:
    with (
        upstream() as port,
        Serving(tmp_path, port, extra='filter.index = "index"') as serving,
    ):
        serving.ready()
        check_filtering(serving)

        kill_while_compiling(lists, tmp_path)
        check_filtering(serving)

        for case in ("endless", "gzip bomb on the way", "gzip bomb in a file", "page", "bare com"):
            assert lists.refresh(BAD_PAGES[case][0]).outcome in ("failed", "held"), case
            check_filtering(serving)

        sound = lists.index.read_bytes()
        (tmp_path / "cut").write_bytes(sound[: len(sound) // 2])
        (tmp_path / "cut").replace(lists.index)
        wait_until(lambda: "its header says" in serving.page("/readyz")[1], "the cut index told")
        assert "the index before it stays" in serving.page("/readyz")[1]
        check_filtering(serving)

        lists.update(GOOD + b"new.example\n")
        wait_until(lambda: serving.ask(NEW).rcode() == dns.rcode.NXDOMAIN, "the new list")
        check_filtering(serving)
        assert serving.stop() == 0
        assert "Traceback" not in serving.log.read_text()


def test_filtering_goes_on_with_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    with ListServer() as server, upstream() as port:
        lists = Lists(small_disk, server)
        lists.update()
        with Serving(tmp_path, port, extra='filter.index = "disk/index"') as serving:
            serving.ready()
            check_full_disk(lists, small_disk)
            check_filtering(serving)
            lists.update(GOOD + b"new.example\n")
            wait_until(lambda: serving.ask(NEW).rcode() == dns.rcode.NXDOMAIN, "the new list")
            assert serving.stop() == 0
