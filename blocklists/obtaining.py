"""The raw octets of a source: fetched from its publisher, or copied from a file of this machine.

Both end as one finished file with its checksum, or as nothing new.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from blocklists.fetching import Fetched
from blocklists.sources import Source
from blocklists.writing import KeepFault

_CHUNK_OCTETS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Octets:
    """A raw list that came. `etag`, `last_modified` and `stamp` are for asking whether it has
    changed.
    """

    path: Path
    sha256: str
    etag: str = ""
    last_modified: str = ""
    stamp: str = ""


class Fetching(Protocol):
    """What is needed of a `blocklists.fetching.Fetcher`."""

    def fetch(
        self,
        source_url: str,
        into: Path,
        *,
        etag: str = "",
        last_modified: str = "",
        credential: str = "",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Fetched:
        """Raises `FetchFault`."""


def fetch(
    source: Source,
    into: Path,
    fetcher: Fetching,
    *,
    etag: str,
    last_modified: str,
    progress: Callable[[int, int | None], None] | None,
) -> Octets | None:
    """From the publisher. None: not modified. Raises `FetchFault`, and `KeepFault` if the source
    does not say where to fetch from.
    """
    if source.template:
        raise KeepFault(f"{source.id}: neither url nor file; one of them is needed")
    fetched = fetcher.fetch(
        source.url,
        into,
        etag=etag,
        last_modified=last_modified,
        credential=source.credential,
        progress=progress,
    )
    if fetched.path is None:
        return None
    return Octets(fetched.path, fetched.sha256, fetched.etag, fetched.last_modified)


def copy(source: Source, into: Path, *, stamp: str, octets_max: int) -> Octets | None:
    """A list file as it is now. None: nobody has touched it since `stamp`. Raises `KeepFault`, and
    OSError where `into` cannot be written.
    """
    path = Path(source.file)
    found = stamp_of(path)
    if not found:
        raise KeepFault(f"{path}: no such file; a list file is needed")
    if found == stamp:
        return None
    checksum, octets = hashlib.sha256(), 0
    with _opened(path) as file, into.open("wb") as out:
        while chunk := file.read(_CHUNK_OCTETS):
            octets += len(chunk)
            if octets > octets_max:
                raise KeepFault(f"{path}: more than {octets_max:,} octets; so many are allowed")
            checksum.update(chunk)
            out.write(chunk)
    if stamp_of(path) != found:
        raise KeepFault(f"{path}: was written to while it was read; it is tried again")
    return Octets(into, checksum.hexdigest(), stamp=found)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as fault:
        raise KeepFault(f"{path}: {fault.strerror}; a list file that may be read") from None


def stamp_of(path: Path) -> str:
    """Changes when somebody writes to the file; empty if it is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns}-{found.st_size}" if stat.S_ISREG(found.st_mode) else ""
