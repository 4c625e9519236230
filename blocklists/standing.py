"""How each source stands, from what is on disk: for people, for metrics, and for the compiler.

Only reads, and cheaply: two small files for each source. What may filter is decided here too: the
current versions of enabled sources that are trusted to block, nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blocklists.compiling import Part
from blocklists.gates import Finding
from blocklists.keeping import Shelf
from blocklists.sheets import ALLOWS_ENDING, ENTRIES_ENDING
from blocklists.sources import Source
from blocklists.versions import read_reading
from categoriser.indexfile import VERSION as FORM

STALE_INTERVALS: Final = 3
"""Refresh intervals without word from the publisher after which a source is stale."""
_HOUR_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source as it is now. Times are POSIX seconds, 0: never; ages in seconds, None: never.

    `age_seconds` is since the current version was fetched, `checked_age_seconds` since the
    publisher last said (or gave) what is newest: of a list that seldom changes only the first
    grows. `entries` and `allows` are those of the current version by category; `entries_held` is
    the total of the held version.
    """

    id: str
    title: str
    enabled: bool
    trust: str
    licence: str
    attribution: str
    refresh_seconds: float
    current: str | None
    entries: Mapping[str, int]
    allows: Mapping[str, int]
    age_seconds: float | None
    checked_age_seconds: float | None
    next_at: float
    held: str | None
    entries_held: int
    findings: tuple[Finding, ...]
    problem: str
    failures: int
    versions: int
    stale: bool = field(default=False)


def status(sources: Iterable[Source], root: Path, at: float) -> list[SourceStatus]:
    """How each of these sources stands, in their order."""
    return [_status_of(source, Shelf(root, source.id), at) for source in sources]


def parts(sources: Iterable[Source], root: Path) -> list[Part]:
    """What the index is to be made of: every category sheet of the current version of each enabled
    source that may block.
    """
    found: list[Part] = []
    for source in sources:
        if not source.enabled or source.trust != "block":
            continue
        shelf = Shelf(root, source.id)
        folder = shelf.current_folder
        if folder is not None:
            found += parts_in(folder, source, shelf.state.changed_at)
    return found


def parts_in(folder: Path, source: Source, fetched_at: float) -> list[Part]:
    """The sheets of one version: those that it is said to have, so that a lost one is missed by
    whoever reads it, and not taken for an empty list.
    """
    reading = read_reading(folder)
    if reading is not None:
        sheets, allowing = set(reading.entries), set(reading.allows)
    else:
        sheets = {path.stem for path in folder.glob(f"*{ENTRIES_ENDING}")}
        allowing = {path.stem for path in folder.glob(f"*{ALLOWS_ENDING}")}
    return [
        Part(
            source_id=source.id,
            title=source.title,
            category=category,
            licence=source.licence,
            entries=folder / f"{category}{ENTRIES_ENDING}",
            allows=folder / f"{category}{ALLOWS_ENDING}" if category in allowing else None,
            fetched_at=fetched_at,
        )
        for category in sorted(sheets)
    ]


def digest(chosen: Sequence[Part]) -> str:
    """Stands for exactly these parts in the present form of the index: versions never change, so
    the same digest means the same index. Whoever compiles keeps it, and so knows after a failure,
    or with a new Lychgate, that there is still work.
    """
    words = sorted(
        f"{part.source_id}\t{part.category}\t{part.title}\t{part.licence}\t{part.entries.parent.name}"
        for part in chosen
    )
    return hashlib.sha256("\n".join([str(FORM), *words]).encode()).hexdigest()


def _status_of(source: Source, shelf: Shelf, at: float) -> SourceStatus:
    state = shelf.state
    current, held = shelf.find(state.current), shelf.find(state.held)
    reading = current.reading() if current else None
    reading_held = held.reading() if held else None
    checked = at - state.checked_at if state.checked_at else None
    interval = source.refresh_hours * _HOUR_SECONDS
    return SourceStatus(
        id=source.id,
        title=source.title,
        enabled=source.enabled,
        trust=source.trust,
        licence=source.licence,
        attribution=source.attribution,
        refresh_seconds=interval,
        current=state.current,
        entries=reading.entries if reading else {},
        allows=reading.allows if reading else {},
        age_seconds=at - state.changed_at if current else None,
        checked_age_seconds=checked,
        next_at=state.next_at,
        held=state.held,
        entries_held=reading_held.entries_total if reading_held else 0,
        findings=state.findings,
        problem=state.problem,
        failures=state.failures,
        versions=len(shelf.versions()),
        stale=source.enabled and checked is not None and checked > STALE_INTERVALS * interval,
    )
