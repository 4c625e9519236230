"""Bringing lists up to date: fetch what is due, read it, judge it, keep it or hold it.

One source after the other, under the lock of the folder. Whatever goes wrong with one of them, its
last good version stays, and the others go on. Nothing new means nothing done: a publisher who says
"not modified" costs one small file. Nothing is compiled here: the caller does that, when
`blocklists.standing.digest` says that the index is to be made of something else.

Fetching, reading, time and chance are handed in. Production reads in a child process
(`blocklists.working.read_in_child`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from blocklists import obtaining
from blocklists.fetching import FetchFault, delay_seconds
from blocklists.gates import (
    FIRST_SUSPECTS,
    UNUSABLE,
    Finding,
    given_up,
    judge,
    unreadable,
)
from blocklists.journal import Journal
from blocklists.keeping import RAW, Shelf
from blocklists.obtaining import Fetching, Octets
from blocklists.outcomes import RefreshFault, RefreshReport, SourceResult
from blocklists.overlaps import measure
from blocklists.reading import ReadFault, Reading
from blocklists.sheets import SheetFault
from blocklists.sources import Source, unknown
from blocklists.standing import parts, parts_in
from blocklists.versions import ShelfState, Version
from blocklists.working import JobFault
from blocklists.writing import KeepFault, locked
from categoriser import taxonomy
from categoriser.taxonomy import Taxonomy

__all__ = [
    "Fetching",
    "Reader",
    "RefreshFault",
    "RefreshReport",
    "SourceResult",
    "refresh",
]

VERSIONS_KEPT: Final = 5
BY: Final = "refresh"
"""Who did it, in the journal, when nobody did."""
FETCHED: Final = ".fetched"
_DEFINING: Final = frozenset(
    {"url", "file", "format", "categories", "trust", "typical_entries", "expect", "drop"}
)
_HOUR_SECONDS: Final = 3600

Progress = Callable[[str, int, int | None], None]
"""Called with the source's id, octets so far, and octets in all if known."""


class Reader(Protocol):
    """Reads a raw list into sheets: `blocklists.working.read_in_child`, or in this process
    `blocklists.reading.read_list`, with their bounds given by `functools.partial`.
    """

    def __call__(
        self, raw: Path, source: Source, out: Path, *, at: float, previous: Path | None
    ) -> Reading:
        """Raises `ReadFault` or `JobFault`."""


def refresh(
    sources: Iterable[Source],
    root: Path,
    *,
    at: float,
    fetcher: Fetching,
    read: Reader,
    random: Callable[[], float],
    octets_max: int,
    fetcher_http: Fetching | None = None,
    only: Collection[str] | None = None,
    force: bool = False,
    versions_kept: int = VERSIONS_KEPT,
    progress: Progress | None = None,
) -> RefreshReport:
    """Bring the enabled ones of `sources` up to date below `root`.

    `only`: these alone, now, whether they are due or not. `force`: all are due, and are fetched,
    read and judged anew, even the same octets: so a damaged version is mended. `fetcher_http` is
    for sources that allow plain http (None: `fetcher`). `random` gives numbers from 0 to 1.
    `octets_max` bounds list files that are copied. `at` is POSIX seconds. Raises `RefreshFault` for
    an unknown or disabled id in `only`, and `LockFault` if somebody else is at work.
    """
    known = {source.id: source for source in sources}
    chosen = _chosen(known, only)
    with locked(root, "refresh", at):
        work = _Work(
            sources=list(known.values()),
            root=root,
            at=at,
            fetcher=fetcher,
            fetcher_http=fetcher_http or fetcher,
            read=read,
            random=random,
            octets_max=octets_max,
            versions_kept=versions_kept,
            progress=progress,
            force=force,
            at_once=force or only is not None,
            categories=taxonomy.load(),
        )
        return RefreshReport(tuple(work.refresh(source) for source in chosen))


def _chosen(known: Mapping[str, Source], only: Collection[str] | None) -> list[Source]:
    """The enabled sources to look at. Those that others are measured against come first, lists that
    only suggest come last: at the very first refresh the overlap gate needs the large lists.
    """
    faults = []
    for word in only or ():
        if word not in known:
            faults.append(f"refresh: {unknown(word, known)}")
        elif not known[word].enabled:
            faults.append(f"refresh: {word} is not enabled; `lychgate lists enable {word}` first")
    if faults:
        raise RefreshFault(faults)
    chosen = [
        source
        for source in known.values()
        if source.enabled and (only is None or source.id in only)
    ]
    return sorted(
        chosen,
        key=lambda source: (
            source.trust != "block",
            FIRST_SUSPECTS.isdisjoint(source.categories.values()),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """One refresh under way."""

    sources: Sequence[Source]
    root: Path
    at: float
    fetcher: Fetching
    fetcher_http: Fetching
    read: Reader
    random: Callable[[], float]
    octets_max: int
    versions_kept: int
    progress: Progress | None
    force: bool
    at_once: bool
    categories: Taxonomy

    def refresh(self, source: Source) -> SourceResult:
        """Everything about one source, whatever happens."""
        try:
            shelf = Shelf(self.root, source.id)
        except OSError as fault:
            return SourceResult(source.id, "failed", str(KeepFault.of(fault, self.root)))
        try:
            if not self._is_due(source, shelf):
                return SourceResult(source.id, "waiting", version=shelf.state.current or "")
            return self._refresh(source, shelf)
        except FetchFault as fault:
            # What asking again does not mend (404, a certificate) can wait for its usual time.
            usual = source.refresh_hours * _HOUR_SECONDS
            retry = fault.retry_after_seconds if fault.retryable else usual
            return self._failed(source, shelf, [str(fault)], retry=retry)
        except (ReadFault, JobFault) as fault:
            broken = isinstance(fault, ReadFault) or fault.cause == "content"
            findings = (unreadable(source, fault.faults),) if broken else ()
            return self._failed(source, shelf, fault.faults, findings)
        except (KeepFault, SheetFault) as fault:
            return self._failed(source, shelf, [str(fault)])
        except OSError as fault:
            return self._failed(source, shelf, [str(KeepFault.of(fault, shelf.folder))])
        except Exception as fault:  # everything: one list must not keep the others from coming
            words = f"{type(fault).__name__}: {fault}; this is a fault of Lychgate"
            return self._failed(source, shelf, [words])
        finally:
            with suppress(OSError):
                (shelf.folder / FETCHED).unlink(missing_ok=True)

    def _is_due(self, source: Source, shelf: Shelf) -> bool:
        """A file is looked at every time: that costs nothing, and whoever edits one is waiting. So
        is whoever changed what is said of a source.
        """
        state = shelf.state
        if self.at_once or self.at >= state.next_at:
            return True
        if source.file and obtaining.stamp_of(Path(source.file)) != state.stamp:
            return True
        return state.definition != definition_of(source) and not state.failures

    def _refresh(self, source: Source, shelf: Shelf) -> SourceResult:
        before, definition = shelf.state, definition_of(source)
        known = definition == before.definition and not self.force
        octets = self._obtain(source, shelf, known=known)
        state = replace(
            before, checked_at=self.at, next_at=self._next_at(source), failures=0, problem=""
        )
        if octets is None:
            return self._unchanged(source, shelf, state)
        state = replace(
            state,
            etag=octets.etag,
            last_modified=octets.last_modified,
            stamp=octets.stamp,
            sha256=octets.sha256,
            definition=definition,
        )
        if known and octets.sha256 == before.sha256:
            return self._unchanged(source, shelf, state)
        if known and octets.sha256 == _sha256_of(shelf.find(before.current)):
            # The publisher took back what is held here.
            return self._unchanged(source, shelf, replace(state, held=None))
        return self._take(source, shelf, octets, state)

    def _obtain(self, source: Source, shelf: Shelf, *, known: bool) -> Octets | None:
        """None: as `known`, nothing new."""
        shelf.prepare()
        into, state = shelf.folder / FETCHED, shelf.state
        if source.file:
            stamp = state.stamp if known and not state.failures else ""
            return obtaining.copy(source, into, stamp=stamp, octets_max=self.octets_max)
        progress = self.progress
        return obtaining.fetch(
            source,
            into,
            self.fetcher_http if source.allow_http else self.fetcher,
            etag=state.etag if known else "",
            last_modified=state.last_modified if known else "",
            progress=(lambda now, total: progress(source.id, now, total)) if progress else None,
        )

    def _unchanged(self, source: Source, shelf: Shelf, state: ShelfState) -> SourceResult:
        held = shelf.find(state.held)
        shelf.save(replace(state, findings=held.findings if held else ()))
        return SourceResult(source.id, "unchanged", version=state.current or "")

    def _take(
        self, source: Source, shelf: Shelf, octets: Octets, state: ShelfState
    ) -> SourceResult:
        """Read what came, judge it, and keep or hold it."""
        folder = shelf.begin(self.at, octets.sha256)
        try:
            octets.path.rename(folder / RAW)
            previous = shelf.current_folder
            reading = self.read(folder / RAW, source, folder, at=self.at, previous=previous)
            findings = self._judge(source, shelf, folder, reading, octets.sha256)
            if any(finding.gate in UNUSABLE for finding in findings):
                words = [finding.message for finding in findings]
                return self._failed(source, shelf, words, findings)
            entries = reading.entries_total
            if findings:
                version = shelf.hold(folder, reading, findings, state)
                reason = "; ".join(finding.message for finding in findings)
                self._note("hold", source, reason, f"{version.id}: {entries:,} entries")
                result = SourceResult(source.id, "held", reason, version.id, entries, findings)
            else:
                version = shelf.keep(folder, reading, state)
                self._note("keep", source, "", f"{version.id}: {entries:,} entries")
                result = SourceResult(source.id, "kept", "", version.id, entries)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # if it still has its hidden name
        with suppress(OSError):  # what stays too long is no fault of the list
            shelf.prune(self.versions_kept)
        return result

    def _judge(
        self, source: Source, shelf: Shelf, folder: Path, reading: Reading, sha256: str
    ) -> tuple[Finding, ...]:
        current = shelf.find(shelf.state.current)
        others = parts((each for each in self.sources if each.id != source.id), self.root)
        overlaps = measure(
            parts_in(folder, source, self.at),
            parts_in(current.folder, source, current.at) if current else (),
            others,
            self.categories,
            share_max=source.overlap_max,
        )
        findings = judge(
            reading, source, current.reading() if current else None, overlaps, shelf.state.excused
        )
        if sha256 == shelf.state.refused:
            findings += (given_up(source),)
        return findings

    def _failed(
        self,
        source: Source,
        shelf: Shelf,
        faults: Sequence[str],
        findings: tuple[Finding, ...] = (),
        *,
        retry: float | None = None,
    ) -> SourceResult:
        """Nothing new is used; remember why, and when to try again."""
        state, message = shelf.state, "; ".join(faults)
        failures = state.failures + 1
        with suppress(KeepFault):  # a full disk: the result still says it
            shelf.save(
                replace(
                    state,
                    next_at=self._next_at(source, failures, retry),
                    failures=failures,
                    problem=message,
                    stamp=obtaining.stamp_of(Path(source.file)) if source.file else "",
                    findings=findings or (state.findings if state.held else ()),
                )
            )
            if not state.problem:  # the first of many: a journal is not a log
                self._note("fail", source, message, "")
        return SourceResult(source.id, "failed", message, state.current or "", findings=findings)

    def _next_at(self, source: Source, failures: int = 0, retry: float | None = None) -> float:
        interval = source.refresh_hours * _HOUR_SECONDS
        return self.at + delay_seconds(failures, interval, self.random(), retry)

    def _note(self, action: str, source: Source, reason: str, detail: str) -> None:
        Journal(self.root).append(self.at, BY, action, source.id, reason, detail)


def definition_of(source: Source) -> str:
    """Stands for the settings that decide what a list means and whether it passes: when they
    change, the same octets are read and judged again.
    """
    words = {
        key: value
        for key, value in source.to_json().items()
        if key in _DEFINING or key.endswith("_max")
    }
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]


def _sha256_of(version: Version | None) -> str:
    reading = version.reading() if version else None
    return reading.sha256 if reading else ""
