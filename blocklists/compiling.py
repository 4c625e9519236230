"""From list files to one published index file.

Reads lists line by line, guards against entries that are too wide, counts what it rejects and why,
and publishes the result by temporary file, fsync and rename, after reading it back: whoever maps
the old file keeps it whole, and nobody ever sees half a new one. A list that gives nothing usable
stops everything: an empty filter is worse than an old one.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from blocklists import formats
from blocklists.entries import TOO_LONG, Entry, Reject
from blocklists.suffixes import SuffixGuard
from categoriser import taxonomy
from categoriser.indexfile import MAX_SOURCES, BulkTable, SourceInfo, encode
from categoriser.names import to_text
from categoriser.taxonomy import Taxonomy

MAX_NAMES: Final = 20_000_000  # four times the largest set of lists seen
MAX_LINE_OCTETS: Final = 4096  # sixteen times the longest name
MAX_EXAMPLES: Final = 3
MAX_EXAMPLE_CHARACTERS: Final = 120
LIST_ENDINGS: Final = (".txt", ".hosts", ".list", ".domains")


class CompileFault(Exception):
    """Nothing was published; `faults` has every reason, each *where: what was given; what is
    allowed*.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Rejection:
    """Lines rejected for one reason; `examples` are the first of them as (line number, text)."""

    reason: str
    count: int
    examples: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What became of one list file."""

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
    """What was published where. `names` are different names over all sources; `at` is POSIX
    seconds.
    """

    out: Path
    at: float
    octets: int
    names: int
    sources: tuple[SourceReport, ...]


def compile_index(
    paths: Iterable[Path | str], out: Path | str, *, category: str | None = None, at: float
) -> CompileReport:
    """Compile list files, and the list files in directories, into the index file `out`.

    The category of a file is `category`, or else its name up to the first ``.`` or ``__``
    (``gambling.txt``, ``gambling__ut1.domains.txt``). Raises `CompileFault`; then `out` is as it
    was.
    """
    lists = _plan([Path(path) for path in paths], category, taxonomy.load())
    guard = SuffixGuard()
    sources = [SourceInfo(item.source, item.path.name, item.category) for item in lists]
    try:
        octets = encode(_entries(lists, guard), sources, at)
    except OSError as fault:
        raise CompileFault(
            [f"{fault.filename}: {fault.strerror}; readable files are needed"]
        ) from None
    if faults := [f"{item.path}: {item.emptiness()}" for item in lists if not item.accepted]:
        raise CompileFault(faults)
    table = BulkTable.from_buffer(octets, where=str(out))
    publish(octets, Path(out))
    counted = {source.id: source.entries for source in table.manifest.sources}
    reports = tuple(item.report(counted[item.source]) for item in lists)
    return CompileReport(Path(out), at, len(octets), len(table), reports)


def publish(octets: bytes, out: Path) -> None:
    """Replace `out` in one step. Raises `CompileFault` if the place cannot be written; then `out`
    is as it was.
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
        temporary.chmod(0o644)  # the resolver runs as another user
        temporary.replace(out)
        directory = os.open(out.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # or the rename itself may be lost with the power
        finally:
            os.close(directory)
    except OSError as fault:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise CompileFault([f"{out}: {fault.strerror}; a writable place is needed"]) from None


@dataclass
class _List:
    """One list file on its way into the index."""

    path: Path
    category: str
    source: str
    format: str
    lines: int = 0
    accepted: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def reject(self, line: int, text: str, reason: str) -> None:
        self.counts[reason] += 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append((line, text[:MAX_EXAMPLE_CHARACTERS]))

    def emptiness(self) -> str:
        if not self.counts:
            return f"{self.lines} lines and no entry; a list names at least one site"
        reason, count = self.counts.most_common(1)[0]
        line, text = self.examples[reason][0]
        return f"no usable entry ({count} times {reason}; line {line}: {text!r}); a list has names"

    def report(self, entries: int) -> SourceReport:
        rejections = tuple(
            Rejection(reason, count, tuple(self.examples[reason]))
            for reason, count in self.counts.most_common()
        )
        return SourceReport(
            self.path, self.source, self.category, self.format, self.lines, entries, rejections
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
            with path.open("rb") as file:
                sample = list(islice(_lines(file), formats.SAMPLE_LINES))
            word = formats.detect(sample)
        except (OSError, formats.FormatFault) as fault_:
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


def _entries(lists: Sequence[_List], guard: SuffixGuard) -> Iterator[tuple[bytes, bool, int]]:
    total = 0
    for number, item in enumerate(lists):
        with item.path.open("rb") as file:
            for found in formats.find(item.format).read(_counted(file, item)):
                if isinstance(found, Reject):
                    item.reject(found.line, found.text, found.reason)
                elif reason := guard.fault(found.name, found.exact):
                    item.reject(found.line, _shown(found), reason)
                else:
                    item.accepted += 1
                    total += 1
                    if total > MAX_NAMES:
                        raise CompileFault(
                            [f"{item.path}: more than {MAX_NAMES} names in all lists"]
                        )
                    yield found.name, found.exact, number


def _counted(file: BinaryIO, item: _List) -> Iterator[str]:
    """The file's lines, counted; an over-long one is rejected and passed on as blank, to keep the
    numbers right.
    """
    for item.lines, line in enumerate(_lines(file), 1):
        if len(line) > MAX_LINE_OCTETS:
            item.reject(item.lines, line, TOO_LONG)
            yield ""
        else:
            yield line


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines without their ends, never holding more than one bounded piece: a list may be one line
    of a gigabyte.

    What is not UTF-8 becomes U+FFFD, which no name may contain, and so is rejected with its line.
    """
    while piece := file.readline(MAX_LINE_OCTETS + 1):
        rest = piece
        while not rest.endswith(b"\n") and (rest := file.readline(MAX_LINE_OCTETS + 1)):
            pass
        line = piece.rstrip(b"\r\n").decode("utf-8", errors="replace")
        yield line if len(piece) <= MAX_LINE_OCTETS else line.ljust(MAX_LINE_OCTETS + 1)


def _shown(entry: Entry) -> str:
    return f"={to_text(entry.name)}" if entry.exact else to_text(entry.name)
