"""The index of bulk lists: one versioned, checksummed file, memory-mapped and shared by all
processes.

Sections: a fixed header; a MARISA trie of reversed names; an array that gives for each key of the
trie the set of sources that list it; a JSON manifest (sources, sets of sources, when built). In the
trie ``com.bet365.`` is a domain (itself and everything below) and ``com.bet365.!`` an exact name:
because of the dot and the ``!``, every key that is a prefix of a reversed spelling is a true match.

Here bytes are made and read. When to build, and publishing by rename, is the business of
`blocklists.compiling`. A file that is not exactly what was published is refused with `IndexFault`:
mapping damaged bytes could end the process.
"""

from __future__ import annotations

import hashlib
import io
import json
import mmap
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import marisa_trie

from categoriser.matches import Match
from categoriser.names import Spelling, spell

VERSION: Final = 1
MAGIC: Final = b"LYCHIDX\n"
MAX_SOURCES: Final = 4096

# Byte order is the machine's own, as the trie's is: a file from a machine of the other order shows
# an absurd version and is refused. Fields: magic, version, octets of manifest, of trie, of array,
# SHA-256 of all the rest.
_HEADER: Final = struct.Struct("=8sIIQQ32s")
_SIGNED_OCTETS: Final = _HEADER.size - 32
_CHUNK_OCTETS: Final = 1 << 20
_REBUILD: Final = "build one with `lychgate index build`"

Octets = bytes | bytearray | memoryview | mmap.mmap


class IndexFault(Exception):
    """This file cannot be used as an index; the message is *where: what was given; what is
    allowed*.
    """


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Where entries came from; `entries` is how many different ones, counted by `encode`."""

    id: str
    title: str
    category: str
    licence: str = ""
    entries: int = 0


class BulkTable:
    """A compiled index as a `CategoryTable`. Immutable; pages of a mapped file are shared by all
    processes.
    """

    __slots__ = ("_buffer", "_key_id", "_prefixes", "_set_of_key", "_sets", "_size", "manifest")

    def __init__(self, buffer: memoryview, header: _Header, where: str) -> None:
        self._buffer = buffer  # the trie points into it
        sections = header.sections()
        try:
            trie = marisa_trie.Trie()
            trie.map(buffer[sections.trie])
            manifest = Manifest.from_json(bytes(buffer[sections.manifest]))
            set_of_key = buffer[sections.array].cast("I" if manifest.wide else "H")
        except (RuntimeError, ValueError, KeyError, TypeError) as fault:
            raise IndexFault(f"{where}: {fault}; {_REBUILD}") from None
        if len(set_of_key) != len(trie):
            raise IndexFault(f"{where}: {len(trie)} keys but {len(set_of_key)} sets; {_REBUILD}")
        self.manifest = manifest
        self._prefixes = trie.prefixes
        self._key_id = trie.key_id
        self._size = len(trie)
        self._set_of_key = set_of_key
        self._sets = tuple(_by_category(manifest.sources, members) for members in manifest.sets)

    @classmethod
    def from_buffer(cls, buffer: Octets, where: str = "index") -> BulkTable:
        """Check and use an index held in memory. Raises `IndexFault`."""
        view = memoryview(buffer)
        header = _Header.read(bytes(view[: _HEADER.size]), len(view), where)
        digest = hashlib.sha256(view[:_SIGNED_OCTETS])
        digest.update(view[_HEADER.size :])
        header.check(digest.digest(), where)
        return cls(view, header, where)

    def __len__(self) -> int:
        return self._size

    def find(self, spelling: Spelling) -> Sequence[Match]:
        """One match per listed name and category, from the shortest listed name to the longest."""
        keys = self._prefixes(spelling.reverse)
        if not keys:
            return ()
        return [
            Match(category, _rule(key), sources)
            for key in keys
            for category, sources in self._sets[self._set_of_key[self._key_id(key)]]
        ]


def open_index(path: Path | str) -> BulkTable:
    """Verify a published index and map it. Raises `IndexFault`.

    The checksum is computed by reading in chunks, not through the map: pages nobody asks for stay
    out of this process. The file must be replaced by rename, never rewritten: a mapped file cut
    short kills its readers.
    """
    where = str(path)
    try:
        with Path(path).open("rb") as file:
            header = _verify(file, where)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as fault:
        raise IndexFault(f"{where}: {fault.strerror or fault}; {_REBUILD}") from None
    return BulkTable(memoryview(mapped), header, where)


def encode(
    entries: Iterable[tuple[bytes, bool, int]], sources: Sequence[SourceInfo], built_at: float
) -> bytes:
    """An index file: `entries` are (wire name, exact, position in `sources`), in any order, repeats
    welcome.

    `built_at` is POSIX seconds. Names are spooled as text and read twice instead of kept as
    objects: 5 million names cost about 150 MB here, and two to three times that inside the trie
    builder.
    """
    if len(sources) > MAX_SOURCES:
        raise ValueError(f"index: {len(sources)} sources; allowed are {MAX_SOURCES}")
    spool, numbers = io.BytesIO(), array("H")
    for name, exact, number in entries:
        reverse = spell(name).reverse
        spool.write((reverse if exact else reverse[:-1]).encode("ascii") + b"\n")
        numbers.append(number)
    # Keys must be str: the str trie is the one that is searched with `Spelling.reverse`.
    trie = marisa_trie.Trie(_keys(spool))
    sets = _SetBuilder(sources)
    set_of_key = array("I", bytes(4 * len(trie)))
    for key, number in zip(_keys(spool), numbers, strict=True):
        key_id = trie.key_id(key)
        set_of_key[key_id] = sets.with_source(set_of_key[key_id], number)
    wide = len(sets.members) > 1 << 16
    if not wide:
        set_of_key = array("H", set_of_key)
    manifest = Manifest(
        built_at=built_at,
        wide=wide,
        sources=tuple(
            replace(source, entries=count)
            for source, count in zip(sources, sets.entries, strict=True)
        ),
        sets=tuple(sets.members),
    )
    return _pack(trie.tobytes(), set_of_key.tobytes(), manifest.to_json())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says about itself; `sets` are tuples of positions in `sources`."""

    built_at: float
    wide: bool  # the array holds 4 octets a key, not 2
    sources: tuple[SourceInfo, ...]
    sets: tuple[tuple[int, ...], ...]

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode("ascii")

    @staticmethod
    def from_json(text: bytes) -> Manifest:
        document: dict[str, Any] = json.loads(text)
        return Manifest(
            built_at=float(document["built_at"]),
            wide=bool(document["wide"]),
            sources=tuple(SourceInfo(**source) for source in document["sources"]),
            sets=tuple(tuple(members) for members in document["sets"]),
        )


class _SetBuilder:
    """Numbers the sets of sources that occur; set 0 is the empty one."""

    def __init__(self, sources: Sequence[SourceInfo]) -> None:
        self.members: list[tuple[int, ...]] = [()]
        self.entries = [0] * len(sources)
        self._numbers: dict[tuple[int, ...], int] = {(): 0}
        self._steps: dict[tuple[int, int], int] = {}

    def with_source(self, number: int, source: int) -> int:
        step = self._steps.get((number, source))
        if step is None:
            members = tuple(sorted({*self.members[number], source}))
            step = self._numbers.setdefault(members, len(self.members))
            if step == len(self.members):
                self.members.append(members)
            self._steps[number, source] = step
        self.entries[source] += step != number
        return step


class _Sections(NamedTuple):
    trie: slice
    array: slice
    manifest: slice


@dataclass(frozen=True, slots=True)
class _Header:
    trie_octets: int
    array_octets: int
    manifest_octets: int
    digest: bytes

    @staticmethod
    def read(octets: bytes, file_octets: int, where: str) -> _Header:
        if len(octets) < _HEADER.size:
            raise IndexFault(f"{where}: {file_octets} octets; an index has more; {_REBUILD}")
        magic, version, manifest, trie, sets, digest = _HEADER.unpack(octets)
        if magic != MAGIC:
            raise IndexFault(f"{where}: begins with {magic!r}; an index begins with {MAGIC!r}")
        if version != VERSION:
            raise IndexFault(f"{where}: version {version}; allowed is {VERSION}; {_REBUILD}")
        header = _Header(trie, sets, manifest, digest)
        expected = header.sections().manifest.stop
        if expected != file_octets:
            raise IndexFault(
                f"{where}: {file_octets} octets; its header says {expected}; {_REBUILD}"
            )
        return header

    def sections(self) -> _Sections:
        array_start = _HEADER.size + _padded(self.trie_octets)
        manifest_start = array_start + _padded(self.array_octets)
        return _Sections(
            slice(_HEADER.size, _HEADER.size + self.trie_octets),
            slice(array_start, array_start + self.array_octets),
            slice(manifest_start, manifest_start + self.manifest_octets),
        )

    def check(self, digest: bytes, where: str) -> None:
        if digest != self.digest:
            raise IndexFault(f"{where}: damaged, its checksum does not match; {_REBUILD}")


def _verify(file: BinaryIO, where: str) -> _Header:
    octets = file.read(_HEADER.size)
    size = file.seek(0, io.SEEK_END)
    header = _Header.read(octets, size, where)
    digest = hashlib.sha256(octets[:_SIGNED_OCTETS])
    file.seek(_HEADER.size)
    while chunk := file.read(_CHUNK_OCTETS):
        digest.update(chunk)
    header.check(digest.digest(), where)
    return header


def _pack(trie: bytes, sets: bytes, manifest: bytes) -> bytes:
    signed = struct.pack("=8sIIQQ", MAGIC, VERSION, len(manifest), len(trie), len(sets))
    parts = [trie.ljust(_padded(len(trie)), b"\0"), sets.ljust(_padded(len(sets)), b"\0"), manifest]
    digest = hashlib.sha256(signed)
    for part in parts:
        digest.update(part)
    return b"".join([signed, digest.digest(), *parts])


def _padded(octets: int) -> int:
    return octets + -octets % 8


def _keys(spool: io.BytesIO) -> Iterator[str]:
    spool.seek(0)
    for line in spool:
        yield line[:-1].decode("ascii")


def _rule(key: str) -> str:
    """The entry as written: the key ``com.bet365.`` is ``bet365.com``, ``y.x.!`` is ``=x.y``."""
    labels = key.split(".")
    end = labels.pop()
    labels.reverse()
    return f"={'.'.join(labels)}" if end == "!" else ".".join(labels)


def _by_category(
    sources: Sequence[SourceInfo], members: tuple[int, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    grouped: dict[str, list[str]] = {}
    for number in members:
        grouped.setdefault(sources[number].category, []).append(sources[number].id)
    return tuple((category, tuple(ids)) for category, ids in grouped.items())
