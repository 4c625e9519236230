"""Sheets: the entries of one version of one source in one category, as a sorted text file.

One entry a line: ``KEY\\tLINE\\tSINCE\\n``. KEY is the reversed name and an end mark:
``com.bet365.`` is a domain (itself and all below), ``com.bet365.!`` the name alone,
``com.bet365.*`` what is below it. LINE is the first line of the list that gave it, from 1. SINCE
is the day, in whole days since 1970, on which this source first had it. A tab comes before every
octet of a key, so the lines are sorted by the octets of their keys.

Sorted files make everything after reading a linear merge in little memory: dates carried over from
the version before, comparing two versions, compiling. Sorting is external, in runs.
"""

from __future__ import annotations

import heapq
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final, Literal, NamedTuple

from blocklists.entries import Scope

RUN_MAX: Final = 200_000  # entries sorted in memory at a time: 25 MB
LINE_OCTETS_MAX: Final = 1100  # 254 octets of name, each escaped as four, and two numbers
ENTRIES_ENDING: Final = ".entries"
ALLOWS_ENDING: Final = ".allows"

_BATCH: Final = 4096
_CHUNK_OCTETS: Final = 1 << 20
_END: Final = ("\x7f", 0, 0)  # behind every key
_MARKS: Final[dict[Scope, str]] = {"domain": "", "exact": "!", "below": "*"}


class SheetFault(ValueError):
    """A sheet is damaged; the message is *where: what was given; what is allowed*."""


class SheetLine(NamedTuple):
    """One entry of a sheet; `since` in whole days since 1970."""

    key: str
    line: int
    since: int


def key_of(name: str, scope: Scope = "domain") -> str:
    """The key of a name in normal form: ``bet365.com`` is ``com.bet365.``."""
    labels = name.split(".")
    labels.reverse()
    return f"{'.'.join(labels)}.{_MARKS[scope]}"


def rule_of(key: str) -> str:
    """The entry as people write it: ``bet365.com``, ``=bet365.com``, ``*.bet365.com``."""
    labels = key.split(".")
    mark = labels.pop()
    labels.reverse()
    name = ".".join(labels)
    return f"={name}" if mark == "!" else f"*.{name}" if mark == "*" else name


def keys_covering(name: str) -> tuple[str, ...]:
    """Every key whose entry covers this name (normal form), from the shortest name to the longest.

    Of its ancestors the domains and what is below them; of the name itself the domain and the name
    alone.
    """
    keys = []
    above = ""
    labels = name.split(".")
    for label in labels[:0:-1]:
        above += f"{label}."
        keys += [above, f"{above}*"]
    own = f"{above}{labels[0]}."
    return (*keys, own, f"{own}!")


def read_sheet(path: Path) -> Iterator[tuple[str, int, int]]:
    """(key, line, since) of every entry, in order. Raises `SheetFault`, and OSError as `open`."""
    with path.open(encoding="ascii", newline="\n") as file:
        try:
            for text in file:
                key, line, since = text.split("\t")
                yield key, int(line), int(since)
        except ValueError:  # UnicodeDecodeError is one
            raise SheetFault(_damage(path)) from None


def read_keys(path: Path) -> Iterator[str]:
    """The keys of a sheet alone, in order: quicker. Raises `SheetFault`, and OSError as `open`."""
    with path.open(encoding="ascii", newline="\n") as file:
        try:
            for text in file:
                yield text[: text.index("\t")]
        except ValueError:
            raise SheetFault(_damage(path)) from None


def count_sheet(path: Path) -> int:
    """How many entries a sheet has. Raises OSError as `open`."""
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK_OCTETS), b""))


def find_in_sheet(path: Path, name: str) -> list[SheetLine]:
    """The entries that cover this name (normal form): its own and its ancestors', by bisection.

    Raises `SheetFault`, and OSError as `open`. A sheet that is not there has no entries.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return []
    with file:
        if not os.fstat(file.fileno()).st_size:
            return []
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            lines = (_find(octets, key.encode("ascii") + b"\t") for key in keys_covering(name))
            return [_parsed(path, line) for line in lines if line is not None]


def compare_sheets(old: Path | None, new: Path | None) -> Iterator[tuple[Literal["+", "-"], str]]:
    """Keys that only the new sheet has (``+``) or only the old one (``-``), in order.

    None is a sheet without entries. Raises `SheetFault`, and OSError as `open`.
    """
    olds: Iterator[str] = read_keys(old) if old else iter(())
    news: Iterator[str] = read_keys(new) if new else iter(())
    gone, come = next(olds, None), next(news, None)
    while gone is not None or come is not None:
        if come is None or (gone is not None and gone < come):
            yield "-", gone  # type: ignore[misc]  # not both are None
            gone = next(olds, None)
        elif gone is None or come < gone:
            yield "+", come
            come = next(news, None)
        else:
            gone, come = next(olds, None), next(news, None)


def write_sheet(
    records: Iterable[tuple[str, int]], out: Path, *, day: int, previous: Path | None = None
) -> int:
    """Sort (key, line) records into the sheet `out`; returns how many entries it has.

    `previous` is the same sheet of the version before: entries that were in it keep their day,
    others get `day`. Raises OSError.
    """
    with SheetBuilder(out) as builder:
        for key, line in records:
            builder.add(key, line)
            if builder.pending >= RUN_MAX:
                builder.spill()
        return builder.finish(day=day, previous=previous)


class SheetBuilder:
    """A sheet that is being written: `add` in any order, `spill` when memory gets short, `finish`.

    Repeats are folded, the first line kept. A name alone, and what is below it, fold into the
    domain. Runs wait in a temporary folder beside `out`, gone when the builder is closed.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._run: list[str] = []
        self._runs: list[Path] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> SheetBuilder:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def pending(self) -> int:
        """Entries held in memory."""
        return len(self._run)

    def add(self, key: str, line: int) -> None:
        """Take an entry. The caller watches `pending`."""
        self._run.append(f"{key}\t{line}\n")

    def spill(self) -> None:
        """Write what is in memory to a run on disk. Raises OSError."""
        if not self._run:
            return
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(dir=self._out.parent, prefix=".runs-")
        path = Path(self._folder.name, str(len(self._runs)))
        self._run.sort()
        with path.open("w", encoding="ascii", newline="\n") as file:
            file.writelines(self._run)
        self._runs.append(path)
        self._run = []

    def finish(self, *, day: int, previous: Path | None = None) -> int:
        """Write the sheet; returns how many entries it has. Raises OSError."""
        self._run.sort()
        with ExitStack() as stack:
            runs: list[Iterable[str]] = [self._run]
            for path in self._runs:
                runs.append(stack.enter_context(path.open(encoding="ascii", newline="\n")))
            lines = heapq.merge(*runs) if self._runs else iter(self._run)
            dated = _dated(_folded(lines), day, previous)
            file = stack.enter_context(self._out.open("w", encoding="ascii", newline="\n"))
            count = 0
            while batch := list(islice(dated, _BATCH)):
                count += len(batch)
                file.write("".join(batch))
            file.flush()
            os.fsync(file.fileno())
        self._run = []
        return count


def _folded(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """(key, first line) of sorted lines. ``x.`` comes directly before ``x.!`` and ``x.*``."""
    last, first = "", 0
    for text in lines:
        key, _, number = text.partition("\t")
        if key == last:
            first = min(first, int(number))  # sorted as text: 10 comes before 9
        elif key[-1] != "." and key[:-1] == last:
            pass  # the domain says it already
        elif key[-1] == "*" and last and last[-1] == "!" and key[:-1] == last[:-1]:
            last, first = key[:-1], min(first, int(number))
        else:
            if last:
                yield last, first
            last, first = key, int(number)
    if last:
        yield last, first


def _dated(entries: Iterable[tuple[str, int]], day: int, previous: Path | None) -> Iterator[str]:
    if previous is None or not previous.exists():
        for key, line in entries:
            yield f"{key}\t{line}\t{day}\n"
        return
    olds = _undamaged(previous)
    old, _, since = next(olds, _END)
    for key, line in entries:
        while old < key:
            old, _, since = next(olds, _END)
        yield f"{key}\t{line}\t{since if old == key else day}\n"


def _undamaged(path: Path) -> Iterator[tuple[str, int, int]]:
    """An old sheet up to its damage, if it has any: it only gives dates, and must not keep a new
    version from being read.
    """
    try:
        yield from read_sheet(path)
    except SheetFault:
        return


def _find(octets: mmap.mmap, start: bytes) -> bytes | None:
    """The line that begins so, by bisection over octets: 25 steps for 20 million lines."""
    low, high = 0, len(octets)  # both at the beginning of a line, or the end
    while low < high:
        middle = octets.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = octets.find(b"\n", middle, high) + 1 or high
        line = octets[middle : min(end, middle + LINE_OCTETS_MAX)]
        if line.startswith(start):
            return line
        if line < start:
            low = end
        else:
            high = middle
    return None


def _parsed(path: Path, line: bytes) -> SheetLine:
    try:
        key, number, since = line.decode("ascii").split("\t")
        return SheetLine(key, int(number), int(since))
    except ValueError:
        raise SheetFault(_damage(path)) from None


def _damage(path: Path) -> str:
    return f"{path}: damaged; allowed are lines of key, line number and day, between tabs"
