"""Many sheets as one sorted stream of index keys, each with everybody who lists it.

Sheets are merged in blocks, not entry by entry: what all of them have up to the smallest last key
of their blocks is folded in one dictionary and sorted, which costs 0.6 microseconds an entry
instead of the 2 of `heapq.merge`, and memory of `BLOCK_OCTETS_SUM` whatever the number of sheets.

A set of members is a number with one bit for each, so that folding is OR, and "all of these are
there already" is one comparison.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blocklists.sheets import SheetFault
from categoriser.indexfile import EXCEPTS, EXCEPTS_BELOW, LISTS, LISTS_BELOW, member

BLOCK_OCTETS_SUM: Final = 8 << 20  # read ahead of all sheets together
BLOCK_OCTETS_MIN: Final = 4096


@dataclass(frozen=True, slots=True)
class Feed:
    """A sheet to merge: of the source at `position`, its exceptions if `allow`."""

    path: Path
    position: int
    allow: bool = False


class Merger:
    """The keys of an index from sheets; `dropped` counts the redundant names left out so far."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = feeds
        positions = {feed.position for feed in feeds}
        self._lists = sum(1 << member(position, LISTS) for position in positions)
        self._below = sum(1 << member(position, LISTS_BELOW) for position in positions)
        self.dropped = 0

    def keys(self) -> Iterator[tuple[bytes, tuple[int, ...]]]:
        """(key, members), sorted by keys. Raises `SheetFault`, and OSError as `open`.

        A redundant name is left out: one whose every member also stands above it, so that every
        match it gives is given by a shorter name to the same category and the same sources.
        Exceptions do not change that: they take away all matches of a source, long or short.
        """
        members: dict[int, tuple[int, ...]] = {}
        for key, mask in self._needed(_merged(self._feeds)):
            found = members.get(mask)
            if found is None:
                found = members[mask] = tuple(n for n in range(mask.bit_length()) if mask >> n & 1)
            yield key, found

    def _needed(self, pairs: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
        lists, below = self._lists, self._below
        # Listed domains above the present key: (key, who covers what is below it, who covers it).
        above: list[tuple[bytes, int, int]] = []
        for key, mask in pairs:
            while above and not key.startswith(above[-1][0]):
                above.pop()
            gives = mask & lists | (mask & below) >> 1
            covered = own = 0
            if above:
                top, covered, own = above[-1]
                if len(key) == len(top) + 1:  # the name of `top` alone: what is below says nothing
                    covered = own
                if gives | covered == covered and mask & (lists | below) == mask:
                    self.dropped += 1
                    continue
            if gives and key.endswith(b"."):
                above.append((key, covered | gives, covered | mask & lists))
            yield key, mask


def _merged(feeds: Sequence[Feed]) -> Iterator[tuple[bytes, int]]:
    """(key, bits of its members) over all sheets, sorted by keys, each key once."""
    octets = max(BLOCK_OCTETS_MIN, BLOCK_OCTETS_SUM // max(1, len(feeds)))
    live = [_Block(feed, octets) for feed in feeds]
    while True:
        for block in live:
            block.fill()
        live = [block for block in live if block.keys]
        if not live:
            return
        # A sheet that is read to its end cannot give smaller keys later.
        last = min((block.keys[-1] for block in live if not block.ended), default=b"\x7f")
        masks: dict[bytes, int] = {}
        for block in live:
            block.fold(masks, last)
        for key in sorted(masks):
            yield key, masks[key]


class _Block:
    """The next keys of one sheet. The file is closed between blocks: there may be thousands."""

    def __init__(self, feed: Feed, octets: int) -> None:
        self._path = feed.path
        self._octets = octets
        self._offset = 0
        self._last = b""
        self._bit = 1 << member(feed.position, EXCEPTS if feed.allow else LISTS)
        self._below_bit = 1 << member(feed.position, EXCEPTS_BELOW if feed.allow else LISTS_BELOW)
        self._below: frozenset[bytes] = frozenset()
        self.keys: list[bytes] = []
        self.ended = False

    def fill(self) -> None:
        """Read on, if nothing is left. Raises `SheetFault` and OSError."""
        if self.keys or self.ended:
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            octets = file.read(self._octets) + file.readline()
            self._offset = file.tell()
            self.ended = not file.peek(1)
        try:
            keys = [line[: line.index(b"\t")] for line in octets.splitlines()]
        except ValueError:
            raise self._damaged() from None
        if b"*\t" in octets:
            # A trie has no key for "below" that a spelled name would begin with: the domain's is
            # used, and the role says the rest. Sheets have folded it, so the order stays.
            self._below = frozenset(key[:-1] for key in keys if key.endswith(b"*"))
            keys = [key[:-1] if key.endswith(b"*") else key for key in keys]
        else:
            self._below = frozenset()
        if keys and (keys[0] <= self._last or sorted(keys) != keys):
            raise self._damaged()
        self._last = keys[-1] if keys else self._last
        self.keys = keys

    def fold(self, masks: dict[bytes, int], last: bytes) -> None:
        """Add the keys up to `last`, and forget them."""
        cut = bisect_right(self.keys, last)
        get, bit = masks.get, self._bit
        for key in self.keys[:cut]:
            masks[key] = get(key, 0) | bit
        for key in self._below.intersection(self.keys[:cut]) if self._below else ():
            masks[key] = masks[key] & ~bit | self._below_bit
        del self.keys[:cut]

    def _damaged(self) -> SheetFault:
        return SheetFault(
            f"{self._path}: damaged near octet {self._offset}; a sheet is sorted lines of key, "
            "line number and day"
        )
