"""What would change: the entries of one version of a source against another's.

Only rules are compared, not answers: a list that writes ``example.com`` instead of
``www.example.com`` adds one and removes one. What people ask for most comes first, because that is
where a change is felt: of 60,000 new entries the one that takes away ``bbc.co.uk`` must not be
found on page 400. Nothing is decided here.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from blocklists.sheets import ALLOWS_ENDING, ENTRIES_ENDING, compare_sheets, key_of, rule_of

SHOWN_MAX: Final = 200
"""Rules shown for each category and direction; all are counted."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A rule that comes or goes; `asked`: how often names that it covers were asked for lately."""

    rule: str
    asked: int


@dataclass(frozen=True, slots=True)
class CategoryDifference:
    """One category of a source; `exceptions`: these are the source's exceptions, which open.

    `added` and `removed` count all; `added_first` and `removed_first` are those most asked for, at
    most `SHOWN_MAX`, and by their place in the sheet where equal.
    """

    category: str
    exceptions: bool
    added: int
    removed: int
    added_first: tuple[Changed, ...]
    removed_first: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Every category in which two versions differ, in order of its id."""

    categories: tuple[CategoryDifference, ...]

    @property
    def added(self) -> int:
        return sum(category.added for category in self.categories)

    @property
    def removed(self) -> int:
        return sum(category.removed for category in self.categories)


def difference(old: Path | None, new: Path | None, asked: Mapping[str, int]) -> Difference:
    """Compare two version folders; None stands for an empty one.

    `asked`: name, in normal form, to how often it was asked for lately. Raises
    `blocklists.sheets.SheetFault`, and OSError as `open`.
    """
    popularity = _Popularity(asked)
    found = (
        _compare(old, new, name, popularity)
        for name in sorted({*_sheets(old), *_sheets(new)}, key=lambda name: name.split("."))
    )
    return Difference(tuple(one for one in found if one.added or one.removed))


class _Popularity:
    """How often the names that a key covers were asked for: two bisections, whatever was asked."""

    def __init__(self, asked: Mapping[str, int]) -> None:
        counts = sorted((key_of(name), count) for name, count in asked.items())
        self._keys = [key for key, _ in counts]
        self._sums = [0, *accumulate(count for _, count in counts)]

    def of(self, key: str) -> int:
        domain = key.rstrip("!*")
        first = bisect_left(self._keys, domain)
        # `com.bet365.` begins every name below it, and "/" is the character after ".".
        below = self._sums[bisect_left(self._keys, f"{domain[:-1]}/")]
        own = first
        if first < len(self._keys) and self._keys[first] == domain:
            own += 1
        start, end = self._sums[first], self._sums[own]
        return end - start if key[-1] == "!" else below - (end if key[-1] == "*" else start)


class _First:
    """The rules most asked for of a long sequence, holding no more of it than is shown."""

    def __init__(self) -> None:
        self.count = 0
        self._heap: list[tuple[int, int, str]] = []  # the least worth showing on top

    def add(self, key: str, asked: int) -> None:
        item = (asked, -self.count, key)
        self.count += 1
        if len(self._heap) < SHOWN_MAX:
            heapq.heappush(self._heap, item)
        elif item > self._heap[0]:
            heapq.heapreplace(self._heap, item)

    def rules(self) -> tuple[Changed, ...]:
        return tuple(Changed(rule_of(key), asked) for asked, _, key in sorted(self._heap)[::-1])


def _compare(
    old: Path | None, new: Path | None, name: str, popularity: _Popularity
) -> CategoryDifference:
    found = {"+": _First(), "-": _First()}
    for sign, key in compare_sheets(_sheet(old, name), _sheet(new, name)):
        found[sign].add(key, popularity.of(key))
    category, _, ending = name.rpartition(".")
    added, removed = found["+"], found["-"]
    return CategoryDifference(
        category,
        f".{ending}" == ALLOWS_ENDING,
        added.count,
        removed.count,
        added.rules(),
        removed.rules(),
    )


def _sheets(folder: Path | None) -> Iterator[str]:
    if folder is not None:
        for path in folder.iterdir():
            if path.suffix in (ENTRIES_ENDING, ALLOWS_ENDING) and path.stem:
                yield path.name


def _sheet(folder: Path | None, name: str) -> Path | None:
    path = None if folder is None else folder / name
    return path if path is not None and path.exists() else None
