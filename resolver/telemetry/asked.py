"""Names that no list and no rule decided about, counted for the review queue.

Never who asked, and no time finer than a day. Of a name only the registered domain is kept
(``casino-x.co.uk`` of ``u7.login.casino-x.co.uk``), as DESIGN section 8 wants it for allowed
queries. One exception, a trade-off: labels below it stay as far as they hold a keyword or begin
with ``xn--``, because a reviewer cannot judge ``big-host.example`` where the evidence is
``casino.big-host.example``. What stands before the evidence goes all the same. Names that do not
exist, of no public ending, or below ``arpa`` are not kept at all.

The loop only counts (`Asked.note`); a thread does the rest once a minute (`Asked.flush`). A fault
there is counted and disturbs nothing. Each process has one file, ``<folder>/<process id>.json``,
which `blocklists.suggesting` reads::

    {"version": 1, "names": {"casino-x.co.uk": [COUNT, FIRST_DAY, LAST_DAY], ...}}

COUNT is queries (of any type: a visit makes two or three); days are whole days since 1970 in UTC.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import structlog
from publicsuffixlist import PublicSuffixList

from categoriser.matches import CategoryIndex
from categoriser.names import labels_of, to_text
from resolver.resolution import Outcome
from resolver.service import Answer, Audience, Event

PENDING_MAX: Final = 10_000
"""Different names counted between two flushes; queries for more are lost to the count."""
NAMES_MAX: Final = 50_000
"""Names kept. When there are more the rarest go, of equals those not asked for longest, until one
in ten is free."""
RETENTION_DAYS: Final = 90
"""A name that nobody asked for in so long is forgotten."""
FLUSH_SECONDS: Final = 60.0
FILE_OCTETS_MAX: Final = 32 << 20
"""A file of another process that is larger than this is not ours, and not read."""
VERSION: Final = 1

log = structlog.get_logger("resolver")

Batch = Mapping[bytes, int]
"""Wire names and how often they were asked for."""


class Document(msgspec.Struct):
    """The file."""

    version: int
    names: dict[str, tuple[int, int, int]]


class Asked:
    """The counts of one process."""

    def __init__(self, folder: Path, process_id: int | None = None) -> None:
        self._folder: Final = folder
        self._process_id: Final = os.getpid() if process_id is None else process_id
        self._pending: dict[bytes, int] = {}
        self._one_at_a_time: Final = Lock()
        self._inherited = False
        self._names: dict[str, tuple[int, int, int]] = {}
        self._kept: Final[dict[bytes, str]] = {}
        """Wire name -> what is kept of it, of names seen lately."""
        self._suffixes: PublicSuffixList | None = None
        self.lost = 0
        """Queries missing from the counts, because there were too many different names."""
        self.failures = 0
        """Times the file could not be written."""

    def note(self, hits: Mapping[tuple[Audience, Answer], int], events: Sequence[Event]) -> None:
        """Count a batch of telemetry: remembered answers, and queries that were resolved.

        On the loop. A remembered answer costs one step however often it was given: 0.02 to 0.07 us
        a query, measured; a resolved one 0.08 us, of the 10 to 20 that it costs altogether.
        """
        pending = self._pending
        get = pending.get
        for (_, answer), count in hits.items():
            if _is_undecided(answer.outcome):
                name = answer.query.name
                pending[name] = get(name, 0) + count
        for _, _, query, outcome, _, _ in events:
            decision = outcome.decision
            if decision is not None and decision.reason == "default" and not outcome.sections.rcode:
                name = query.name
                pending[name] = get(name, 0) + 1
        if len(pending) > PENDING_MAX:
            self._pending = dict(list(pending.items())[:PENDING_MAX])
            self.lost += sum(pending.values()) - sum(self._pending.values())

    def take(self) -> Batch:
        """Everything counted since the last time. On the loop, as `note`."""
        batch, self._pending = self._pending, {}
        return batch

    def flush(self, batch: Batch, index: CategoryIndex, at: float) -> None:
        """Add a batch to the file. In a thread; never raises. 10,000 names take 5 ms, never seen
        ones 130 ms.
        """
        with self._one_at_a_time:
            try:
                self._add(batch, index, int(at // 86400))
                self._write(int(at // 86400), changed=bool(batch))
            except Exception as fault:
                self.failures += 1
                log.warning("names in no list cannot be counted", problem=repr(fault))

    def _add(self, batch: Batch, index: CategoryIndex, day: int) -> None:
        if self._suffixes is None:
            self._suffixes = PublicSuffixList(accept_unknown=False)
        if len(self._kept) > NAMES_MAX:
            self._kept.clear()
        kept, names = self._kept, self._names
        for wire, count in batch.items():
            name = kept.get(wire)
            if name is None:
                name = kept[wire] = what_is_kept(wire, self._suffixes, index)
            if name:
                before, first, last = names.get(name, (0, day, day))
                names[name] = before + count, first, max(last, day)

    def _write(self, day: int, *, changed: bool) -> None:
        """Write the file, by rename. The first time, what dead processes left is taken over."""
        own = self._folder / f"{self._process_id}.json"
        if self._inherited:
            if changed:
                self._publish(own, day)
            return
        self._folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        with _locked(self._folder / ".lock") as mine:
            if not mine:
                return  # Another worker is taking over just now: at the next flush.
            left = [path for path in self._folder.glob("*.json") if self._is_left(path)]
            for path in left:
                self._merge(_read(path))
            self._publish(own, day)
            self._inherited = True
            left += [path for path in self._folder.glob("*.tmp") if self._is_left(path)]
            for path in left:
                if path != own:
                    path.unlink(missing_ok=True)

    def _is_left(self, path: Path) -> bool:
        """Whether nobody writes this file any more; one of our own number is a predecessor's."""
        if not path.stem.isdecimal() or len(path.stem) > 9:
            return False
        number = int(path.stem)
        return number == self._process_id or not _lives(number)

    def _merge(self, others: Mapping[str, tuple[int, int, int]]) -> None:
        for name, (count, first, last) in others.items():
            before, since, until = self._names.get(name, (0, first, last))
            self._names[name] = before + count, min(since, first), max(until, last)

    def _publish(self, own: Path, day: int) -> None:
        self._forget(day)
        # Without fsync, to spare small machines a synchronous write a minute: after a power cut a
        # reader may find a damaged file, and leaves it out.
        written = own.with_suffix(".tmp")
        with open(written, "wb", opener=_open_private) as file:  # noqa: PTH123  # it has a mode
            file.write(msgspec.json.encode(Document(VERSION, self._names)))
        written.replace(own)

    def _forget(self, day: int) -> None:
        names = self._names
        for name in [name for name, seen in names.items() if seen[2] < day - RETENTION_DAYS]:
            del names[name]
        if len(names) > NAMES_MAX:
            excess = len(names) - NAMES_MAX * 9 // 10
            for name in sorted(names, key=lambda name: names[name][::2])[:excess]:
                del names[name]


def what_is_kept(wire: bytes, suffixes: PublicSuffixList, index: CategoryIndex) -> str:
    """The part of a name that may be kept, as text; empty for nothing at all."""
    name = to_text(wire)
    registered: str | None = suffixes.privatesuffix(name)
    if registered is None or name.endswith(".arpa"):
        return ""
    evidence = _evidence(wire, index)
    if not evidence:
        return registered
    labels = labels_of(wire)
    for start in range(len(labels) - registered.count(".") - 1, 0, -1):
        shorter = wire[sum(1 + len(label) for label in labels[:start]) :]
        if _evidence(shorter, index) == evidence:
            return to_text(shorter)
    return name


def _evidence(wire: bytes, index: CategoryIndex) -> frozenset[object]:
    """What in a name a reviewer would look at."""
    keywords = {match.rule for match in index.categorise(wire) if match.keyword}
    encoded = [label for label in labels_of(wire) if label.startswith(b"xn--")]
    return frozenset([*keywords, *encoded])


def _is_undecided(outcome: Outcome) -> bool:
    """Whether nothing decided (a keyword only suggests), and the name exists."""
    decision = outcome.decision
    return decision is not None and decision.reason == "default" and not outcome.sections.rcode


def _read(path: Path) -> Mapping[str, tuple[int, int, int]]:
    """What a file holds; nothing where it is damaged or not ours. Raises OSError."""
    if path.stat().st_size > FILE_OCTETS_MAX:
        return {}
    try:
        document = msgspec.json.decode(path.read_bytes(), type=Document)
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return document.names if document.version == VERSION else {}


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, so not one of ours: but there is no knowing
    return True


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold the lock of the folder; False when another process has it."""
    descriptor = _open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _open_private(path: str | Path, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o640)
