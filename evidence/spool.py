"""The spool: files of what happened, written by resolvers and read by the recorder.

A batch is one file of MessagePack, there by rename, whole or not at all; its name begins with the
instant, so that names sort in order. Writers never wait: what does not fit is dropped and counted.
A reader moves a damaged file aside. Names in it come from queries: hostile text, kept in the
escaped form of `categoriser.names.to_text`. Addresses are in it until the recorder has read it.

The only module of this room that the resolver may import: no database, no asyncio.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

VERSION: Final = 1
SPOOL_OCTETS_MAX: Final = 256 << 20
"""Of all files together; beyond it new batches are dropped. Some hours of a busy site."""
SPOOL_FILES_MAX: Final = 100_000
BATCH_OCTETS_MAX: Final = 16 << 20
"""A larger file is not ours."""
LOOK_SECONDS: Final = 5.0
"""How long a writer goes by what it knows of the others' files."""
DAMAGED_MAX: Final = 20
"""Damaged files that are kept to be looked at; more are deleted."""
DAMAGED: Final = "damaged"
_ENDING: Final = ".batch"
_PART: Final = ".part"


class Detail(msgspec.Struct, array_like=True, gc=False):
    """One query that was blocked, warned, monitored or suspected."""

    at: float
    address: str
    hostname: str
    device: str
    venue: str
    room: str
    profile: str
    name: str
    qtype: int
    action: str
    reason: str
    category: str
    rule: str
    sources: tuple[str, ...]
    suggestions: tuple[str, ...]
    """Keywords in the name, as `category:rule`."""
    transport: str
    queries: int = 1
    """The same client and name within a second or so."""


class Tally(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What queries of one minute are counted by, whatever became of them."""

    minute: int
    """Since 1970."""
    venue: str
    profile: str
    action: str
    reason: str
    category: str
    sources: tuple[str, ...]


class Traffic(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What allowed queries of one minute are counted by: never a device, never a whole name."""

    minute: int
    venue: str
    profile: str
    domain: str


class Batch(msgspec.Struct, array_like=True, gc=False):
    """What a resolver process noted in a second or ten."""

    version: int
    id: str
    """Different for each batch that was ever written."""
    written_at: float
    details: list[Detail]
    tallies: list[tuple[Tally, int]]
    traffic: list[tuple[Traffic, int]]
    lost: int = 0
    """Queries that this process could not note since its last batch."""


class SpoolFault(Exception):
    """A batch cannot be read: it is damaged, or not of ours."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for the recorder."""

    batches: int
    octets: int


class SpoolWriter:
    """Writes batches of one process into a folder. Any number may write into the same."""

    def __init__(self, folder: Path, octets_max: int = SPOOL_OCTETS_MAX) -> None:
        self._folder: Final = folder
        self._octets_max: Final = octets_max
        self._own: Final = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._number = 0
        self._waiting = Backlog(0, 0)
        self._looked_at = -LOOK_SECONDS

    def write(
        self,
        at: float,
        details: list[Detail],
        tallies: list[tuple[Tally, int]],
        traffic: list[tuple[Traffic, int]],
        lost: int = 0,
    ) -> bool:
        """Write a batch; False when the spool is full. Raises OSError."""
        self._number += 1
        id = f"{int(at * 1e6):017d}-{self._own}-{self._number}"
        written = msgspec.msgpack.encode(Batch(VERSION, id, at, details, tallies, traffic, lost))
        self._folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        if len(written) > BATCH_OCTETS_MAX or not self._has_room(len(written), at):
            return False
        part = self._folder / f"{id}{_PART}"
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
            with os.fdopen(descriptor, "wb") as file:
                file.write(written)  # no fsync: after a power cut a second may be missing
            part.rename(self._folder / f"{id}{_ENDING}")
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        known = self._waiting
        self._waiting = Backlog(known.batches + 1, known.octets + len(written))
        return True

    def _has_room(self, octets: int, at: float) -> bool:
        """Whether so much more fits. The folder is looked at now and then: it may hold many."""
        if not 0 <= at - self._looked_at < LOOK_SECONDS:
            self._waiting, self._looked_at = backlog(self._folder), at
        fits = self._waiting.octets + octets <= self._octets_max
        return fits and self._waiting.batches < SPOOL_FILES_MAX


def backlog(folder: Path) -> Backlog:
    """How much waits. A folder that is not there holds nothing. Raises OSError."""
    batches = octets = 0
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.name.endswith((_ENDING, _PART)):
                    batches += 1
                    try:
                        octets += entry.stat().st_size
                    except FileNotFoundError:
                        continue  # the recorder was quicker
    except FileNotFoundError:
        pass
    return Backlog(batches, octets)


def waiting(folder: Path, most: int) -> list[Path]:
    """The oldest batches, in order. Raises OSError."""
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found if entry.name.endswith(_ENDING))
    except FileNotFoundError:
        return []
    return [folder / name for name in names[:most]]


def read_batch(path: Path) -> Batch:
    """One batch. Raises `SpoolFault` when it is damaged, FileNotFoundError, OSError."""
    if path.stat().st_size > BATCH_OCTETS_MAX:
        raise SpoolFault(f"{path.name}: larger than {BATCH_OCTETS_MAX} octets")
    try:
        batch = _decode(path.read_bytes())
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise SpoolFault(f"{path.name}: {error}") from error
    if batch.version != VERSION:
        raise SpoolFault(f"{path.name}: version {batch.version}; this Lychgate reads {VERSION}")
    return batch


def set_aside(path: Path) -> None:
    """Move a damaged file out of the way; of many only some are kept. Raises OSError."""
    aside = path.parent / DAMAGED
    aside.mkdir(mode=0o770, exist_ok=True)
    if sum(1 for _ in aside.iterdir()) >= DAMAGED_MAX:
        path.unlink(missing_ok=True)
    else:
        path.rename(aside / path.name)


def sweep(folder: Path, older_than: float) -> int:
    """Delete what writers that died left half written; how many files. Raises OSError."""
    swept = 0
    for path in _parts(folder):
        try:
            if path.stat().st_mtime < older_than:
                path.unlink()
                swept += 1
        except FileNotFoundError:
            continue
    return swept


def _parts(folder: Path) -> Iterator[Path]:
    return iter(list(folder.glob(f"*{_PART}")) if folder.is_dir() else [])


def octets_of(batches: Sequence[Path]) -> int:
    """The size of some batches; of those that are gone nothing."""
    total = 0
    for path in batches:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


_decode: Final = msgspec.msgpack.Decoder(Batch).decode
