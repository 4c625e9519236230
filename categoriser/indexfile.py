"""The index of bulk lists: one versioned, checksummed file, memory-mapped and shared by all
processes.

Sections: a fixed header; a MARISA trie of reversed names; an array that gives for each key of the
trie the set of its members; a JSON manifest (sources, sets of members, when built). In the trie
``com.bet365.`` is a domain (itself and everything below) and ``com.bet365.!`` an exact name:
because of the dot and the ``!``, every key that is a prefix of a reversed spelling is a true match.

A *member* of a set says which source has the key, and how: it lists the name, it lists only what is
below, or it makes an exception (of the whole name, or of what is below). A source's exceptions take
away that source's own matches, and nobody else's.

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
from typing import Any, BinaryIO, Final, Literal, NamedTuple

import marisa_trie

from categoriser.matches import Match
from categoriser.names import Spelling, spell

VERSION: Final = 2
MAGIC: Final = b"LYCHIDX\n"
MAX_SOURCES: Final = 4096

Role = Literal[0, 1, 2, 3]
LISTS: Final = 0
LISTS_BELOW: Final = 1
EXCEPTS: Final = 2
EXCEPTS_BELOW: Final = 3
"""What a source does with a key; BELOW: only for names below it, not for the name itself."""
_ROLES: Final = 4

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
    """Where entries came from, under one category; a source with several has several of these.

    `entries` is how many the list gives, before redundant ones are dropped; `fetched_at` is POSIX
    seconds, 0 for a list given by hand.
    """

    id: str
    title: str
    category: str
    licence: str = ""
    entries: int = 0
    fetched_at: float = 0.0


def member(position: int, role: Role = LISTS) -> int:
    """The member of a set that stands for a source, by its position, and what it does."""
    return _ROLES * position + role


class BulkTable:
    """A compiled index as a `CategoryTable`. Immutable; pages of a mapped file are shared by all
    processes.
    """

    __slots__ = (
        "_buffer",
        "_prefixes",
        "_set_of_key",
        "_sets",
        "_special",
        "manifest",
    )

    def __init__(self, buffer: memoryview, header: _Header, where: str) -> None:
        self._buffer = buffer  # the trie points into it
        sections = header.sections()
        try:
            trie = marisa_trie.Trie()
            trie.map(buffer[sections.trie])
            manifest = Manifest.from_json(bytes(buffer[sections.manifest]))
            set_of_key = buffer[sections.array].cast("I" if manifest.wide else "H")
            sets = tuple(_by_category(manifest.sources, members) for members in manifest.sets)
        except (RuntimeError, ValueError, KeyError, TypeError, IndexError) as fault:
            raise IndexFault(f"{where}: {fault}; {_REBUILD}") from None
        if len(set_of_key) != len(trie):
            raise IndexFault(f"{where}: {len(trie)} keys but {len(set_of_key)} sets; {_REBUILD}")
        self.manifest = manifest
        self._prefixes = trie.iter_prefixes_with_ids  # half the time of `prefixes` and `key_id`
        self._set_of_key = set_of_key
        self._sets = sets
        self._special = frozenset(
            number
            for number, members in enumerate(manifest.sets)
            if any(code % _ROLES != LISTS for code in members)
        )

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
        return self.manifest.names

    def find(self, spelling: Spelling) -> Sequence[Match]:
        """One match per listed name and category, from the shortest listed name to the longest."""
        if self._special:
            return self._find_special(spelling)
        forward = spelling.forward
        sets, set_of_key = self._sets, self._set_of_key
        return [
            Match(category, _rule(key, forward), sources)
            for key, key_id in self._prefixes(spelling.reverse)
            for category, sources in sets[set_of_key[key_id]]
        ]

    def _find_special(self, spelling: Spelling) -> list[Match]:
        """The same, in an index some of whose sets do more than list."""
        forward, reverse = spelling
        found = [(key, self._set_of_key[key_id]) for key, key_id in self._prefixes(reverse)]
        if not any(number in self._special for _, number in found):
            return [
                Match(category, _rule(key, forward), sources)
                for key, number in found
                for category, sources in self._sets[number]
            ]
        own = reverse[:-1]  # the key of the name itself as a domain
        listed: list[tuple[str, dict[int, bool]]] = []
        excepted = set()
        for key, number in found:
            wholly: dict[int, bool] = {}
            for code in self.manifest.sets[number]:
                position, role = divmod(code, _ROLES)
                if role in (LISTS_BELOW, EXCEPTS_BELOW) and key == own:
                    continue
                if role in (LISTS, LISTS_BELOW):
                    wholly[position] = wholly.get(position, False) or role == LISTS
                else:
                    excepted.add(position)
            listed.append((key, wholly))
        sources = self.manifest.sources
        matches = []
        for key, wholly in listed:
            left = tuple(position for position in sorted(wholly) if position not in excepted)
            for category, ids in _grouped(sources, left):
                of_it = (n for n in left if sources[n].category == category)
                star = "" if any(wholly[n] for n in of_it) else "*."
                rule = star + _rule(key, forward)
                matches.append(Match(category, rule, ids))
        return matches


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
    """An index of a few names: `entries` are (wire name, exact, position in `sources`), in any
    order, repeats welcome; they are counted here.
    """
    members: dict[str, set[int]] = {}
    for name, exact, position in entries:
        reverse = spell(name).reverse
        members.setdefault(reverse if exact else reverse[:-1], set()).add(member(position))
    counts = [0] * len(sources)
    for codes in members.values():
        for code in codes:
            counts[code // _ROLES] += 1
    counted = [replace(source, entries=n) for source, n in zip(sources, counts, strict=True)]
    keys = ((key.encode("ascii"), tuple(sorted(codes))) for key, codes in members.items())
    return encode_keys(keys, counted, built_at, io.BytesIO())


def encode_keys(
    keys: Iterable[tuple[bytes, tuple[int, ...]]],
    sources: Sequence[SourceInfo],
    built_at: float,
    spool: BinaryIO,
) -> bytes:
    """An index file of different keys, each with its members, ascending.

    `sources` come with their entries counted; `built_at` is POSIX seconds. Keys are written to the
    empty file `spool` and read twice instead of kept as objects. Raises what `spool` raises.
    """
    if len(sources) > MAX_SOURCES:
        raise ValueError(f"index: {len(sources)} sources; allowed are {MAX_SOURCES}")
    numbers: dict[tuple[int, ...], int] = {(): 0}
    set_of_spooled = array("I")
    for key, members in keys:
        spool.write(key + b"\n")
        set_of_spooled.append(numbers.setdefault(members, len(numbers)))
    # Keys must be str: the str trie is the one that is searched with `Spelling.reverse`.
    # The larger cache costs 0.15 octets a name and saves a tenth of a look-up.
    trie = marisa_trie.Trie(_keys(spool), cache_size=marisa_trie.HUGE_CACHE)
    wide = len(numbers) > 1 << 16
    set_of_key = array("I" if wide else "H", bytes((4 if wide else 2) * len(trie)))
    key_id = trie.key_id
    for spooled, number in zip(_keys(spool), set_of_spooled, strict=True):
        set_of_key[key_id(spooled)] = number
    listing = {n for members, n in numbers.items() if any(m % _ROLES < EXCEPTS for m in members)}
    manifest = Manifest(
        built_at=built_at,
        wide=wide,
        names=sum(number in listing for number in set_of_spooled),
        sources=tuple(sources),
        sets=tuple(numbers),
    )
    return _pack(trie.tobytes(), set_of_key.tobytes(), manifest.to_json())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says about itself; `sets` are tuples of members, `names` is how many different
    names are listed.
    """

    built_at: float
    wide: bool  # the array holds 4 octets a key, not 2
    names: int
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
            names=int(document["names"]),
            sources=tuple(SourceInfo(**source) for source in document["sources"]),
            sets=tuple(tuple(members) for members in document["sets"]),
        )


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


def _keys(spool: BinaryIO) -> Iterator[str]:
    spool.seek(0)
    for line in spool:
        yield line[:-1].decode("ascii")


def _rule(key: str, forward: str) -> str:
    """The entry as written: the key ``com.bet365.`` is ``bet365.com``, ``y.x.!`` is ``=x.y``.

    `key` is a prefix of a spelling's `reverse`, so the rule is the end of its `forward`: cutting it
    out takes a fifth of the time that turning the labels round does.
    """
    if key[-1] == "!":
        return f"={forward[2:-2]}"
    return forward[-len(key) - 1 : -2]


def _by_category(
    sources: Sequence[SourceInfo], members: tuple[int, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What a set says of a name when nothing in it is special."""
    return _grouped(sources, [code // _ROLES for code in members if code % _ROLES == LISTS])


def _grouped(
    sources: Sequence[SourceInfo], positions: Sequence[int]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    grouped: dict[str, list[str]] = {}
    for position in positions:
        grouped.setdefault(sources[position].category, []).append(sources[position].id)
    return tuple((category, tuple(ids)) for category, ids in grouped.items())
