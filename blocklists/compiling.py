"""From sheets to one published index file; and from list files given by hand, through sheets.

Publishing is by temporary file, fsync, reading back and rename: whoever maps the old file keeps it
whole, and nobody ever sees half a new one. Lists given by hand have no last good version and no
gates, so there a list that gives nothing usable stops everything: an empty filter is worse than an
old one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blocklists import formats
from blocklists.merging import Feed, Merger
from blocklists.protection import Protected
from blocklists.reading import ReadFault, Reading, Rejection, read_list
from blocklists.sheets import ALLOWS_ENDING, ENTRIES_ENDING, SheetFault, count_sheet
from blocklists.sources import Source
from blocklists.unpacking import UnpackFault, opened
from blocklists.writing import sync
from categoriser import taxonomy
from categoriser.indexfile import (
    MAX_SOURCES,
    BulkTable,
    IndexFault,
    SourceInfo,
    encode_keys,
    open_index,
)
from categoriser.taxonomy import Taxonomy

NAMES_MAX: Final = 20_000_000  # four times the largest set of lists seen
LIST_OCTETS_MAX: Final = 2 << 30  # of one list given by hand, unpacked
LIST_ENDINGS: Final = (".txt", ".hosts", ".list", ".domains")


class CompileFault(Exception):
    """Nothing was published; `faults` has every reason, each *where: what was given; what is
    allowed*.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Part:
    """The sheets of one source in one category; `fetched_at` is POSIX seconds."""

    source_id: str
    title: str
    category: str
    licence: str
    entries: Path
    allows: Path | None
    fetched_at: float


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What became of one list file given by hand."""

    path: Path
    source: str
    category: str
    format: str
    lines: int
    entries: int
    rejections: tuple[Rejection, ...]

    @property
    def rejected(self) -> int:
        return sum(rejection.count for rejection in self.rejections)


@dataclass(frozen=True, slots=True)
class CompileReport:
    """What was published where.

    `names` are different names over all sources, `dropped` those that are not in the index because
    a shorter name says the same; `at` is POSIX seconds. `sources` tells of list files given by
    hand, and is empty when the index was made from sheets.
    """

    out: Path
    at: float
    octets: int
    names: int
    dropped: int
    sources: tuple[SourceReport, ...] = ()


def compile_sheets(parts: Sequence[Part], out: Path, *, at: float) -> CompileReport:
    """Compile sheets into the index file `out`; no parts make an index of nothing.

    Raises `CompileFault`, and OSError for trouble of the machine; then `out` is as it was.
    """
    if faults := list(_part_faults(parts, taxonomy.load())):
        raise CompileFault(faults)
    feeds = []
    sources = []
    try:
        for position, part in enumerate(parts):
            count = count_sheet(part.entries)
            info = (part.source_id, part.title, part.category, part.licence)
            sources.append(SourceInfo(*info, count, part.fetched_at))
            feeds.append(Feed(part.entries, position))
            if part.allows is not None:
                feeds.append(Feed(part.allows, position, allow=True))
        if (total := sum(source.entries for source in sources)) > NAMES_MAX:
            raise CompileFault([f"index: {total} entries; allowed are {NAMES_MAX}"])
        merger = Merger(feeds)
        with tempfile.TemporaryFile(dir=out.parent) as spool:
            octets = encode_keys(merger.keys(), sources, at, spool)
        table = publish(octets, out)
    except (SheetFault, IndexFault) as fault:
        raise CompileFault([str(fault)]) from None
    return CompileReport(out, at, len(octets), len(table), merger.dropped)


def compile_index(
    paths: Iterable[Path | str], out: Path | str, *, category: str | None = None, at: float
) -> CompileReport:
    """Compile list files, and the list files in directories, into the index file `out`.

    The category of a file is `category`, or else its name up to the first ``.`` or ``__``
    (``gambling.txt``, ``gambling__ut1.domains.txt``). Raises `CompileFault`; then `out` is as it
    was.
    """
    lists = _plan([Path(path) for path in paths], category, taxonomy.load())
    out = Path(out)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            reports, parts = _read_all(lists, Path(folder), at)
            report = compile_sheets(parts, out, at=at)
    except OSError as fault:
        raise CompileFault(
            [
                f"{fault.filename or out}: {fault.strerror}; readable lists, room on disk and a "
                "writable place are needed"
            ]
        ) from None
    return CompileReport(out, at, report.octets, report.names, report.dropped, tuple(reports))


def publish(octets: bytes, out: Path) -> BulkTable:
    """Replace `out` in one step by an index, and give it back as read from the disk.

    Raises OSError and `IndexFault`; then `out` is as it was.
    """
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=out.parent, prefix=f".{out.name}.", suffix=".part", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        table = open_index(temporary)
        temporary.chmod(0o644)  # the resolver runs as another user
        temporary.replace(out)
    except (OSError, IndexFault):
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise
    sync(out.parent)  # or the rename itself may be lost with the power
    return table


@dataclass(frozen=True, slots=True)
class _List:
    """One list file on its way into the index."""

    path: Path
    category: str
    source: str
    format: str


def _part_faults(parts: Sequence[Part], categories: Taxonomy) -> Iterator[str]:
    if len(parts) > MAX_SOURCES:
        yield f"index: {len(parts)} sources and categories; allowed are {MAX_SOURCES}"
    seen = set()
    for part in parts:
        if fault := _category_fault(part.category, categories):
            yield f"{part.source_id}: {fault}"
        if (part.source_id, part.category) in seen:
            yield f"{part.source_id}: category {part.category} twice; allowed is once"
        seen.add((part.source_id, part.category))


def _read_all(
    lists: Sequence[_List], folder: Path, at: float
) -> tuple[list[SourceReport], list[Part]]:
    """The sheets of all lists; every list's fault at once."""
    faults: list[str] = []
    reports = []
    parts = []
    for number, item in enumerate(lists):
        sheets = folder / str(number)
        sheets.mkdir()
        source = Source(
            item.source, item.path.name, "local", {"": item.category}, format=item.format
        )
        try:
            reading = read_list(
                item.path,
                source,
                sheets,
                at=at,
                previous=None,
                protected=Protected(()),
                octets_max=LIST_OCTETS_MAX,
            )
        except ReadFault as fault:
            faults += [
                f"{item.path}: {text.removeprefix(f'{source.id}: ')}" for text in fault.faults
            ]
            continue
        entries = reading.entries[item.category]
        if not entries:
            faults.append(f"{item.path}: {_emptiness(reading)}")
        reports.append(
            SourceReport(
                item.path,
                item.source,
                item.category,
                reading.format,
                reading.lines,
                entries,
                reading.rejections,
            )
        )
        allows = sheets / f"{item.category}{ALLOWS_ENDING}"
        parts.append(
            Part(
                item.source,
                item.path.name,
                item.category,
                "",
                sheets / f"{item.category}{ENTRIES_ENDING}",
                allows if reading.allows else None,
                0.0,
            )
        )
    if faults:
        raise CompileFault(faults)
    return reports, parts


def _emptiness(reading: Reading) -> str:
    if not reading.rejections:
        return f"{reading.lines} lines and no entry; a list names at least one site"
    first = reading.rejections[0]
    line, text = first.examples[0]
    return (
        f"no usable entry ({first.count} times {first.reason}; line {line}: {text!r}); "
        "a list has names"
    )


def _plan(paths: Sequence[Path], category: str | None, categories: Taxonomy) -> list[_List]:
    """Which files, as what; every fault of names, categories and formats at once."""
    faults: list[str] = []
    lists: list[_List] = []
    taken: set[str] = set()
    files = list(dict.fromkeys(_files(paths, faults)))
    for path in files:
        stem, origin = _name_parts(path)
        chosen = stem if category is None else category
        if fault := _category_fault(chosen, categories):
            faults.append(f"{path}: {fault}")
            continue
        try:
            with opened(path, LIST_OCTETS_MAX) as file:
                word = formats.detect(file.read(formats.HEAD_OCTETS))
        except (OSError, UnpackFault, formats.FormatFault) as fault_:
            faults.append(f"{path}: {fault_}")
            continue
        source = _free(f"{origin if category is None else path.stem}:{chosen}", taken)
        lists.append(_List(path, chosen, source, word))
    if len(files) > MAX_SOURCES:
        faults.append(f"index: {len(files)} list files; allowed are {MAX_SOURCES}")
    if not files and not faults:
        faults.append(
            f"{', '.join(map(str, paths)) or 'no paths'}: no list files; "
            f"allowed are files, and directories of files ending in {', '.join(LIST_ENDINGS)}"
        )
    if faults:
        raise CompileFault(faults)
    return lists


def _files(paths: Sequence[Path], faults: list[str]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
                if file.is_file() and file.name.endswith(LIST_ENDINGS) and not hidden:
                    yield file
        elif path.is_file():
            yield path
        else:
            faults.append(f"{path}: not there; allowed are list files and directories")


def _name_parts(path: Path) -> tuple[str, str]:
    """``gambling__ut1.domains.txt`` is (gambling, ut1); ``gambling.txt`` is (gambling, local)."""
    stem = path.name.partition(".")[0]
    category, _, origin = stem.partition("__")
    return category, origin or "local"


def _category_fault(category: str, categories: Taxonomy) -> str | None:
    if category not in categories:
        if near := categories.nearest(category):
            return f"category {category!r}; did you mean {', '.join(near)}?"
        return f"category {category!r}; allowed are {', '.join(categories)}"
    if categories[category].essential:
        # One real list of job sites held 30,300 phishing hosts for months.
        return f"category {category!r}; a bulk list may block, but never allow"
    return None


def _free(source: str, taken: set[str]) -> str:
    name, number = source, 2
    while name in taken:
        name, number = f"{source}#{number}", number + 1
    taken.add(name)
    return name
