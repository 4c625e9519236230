"""Whether a file is another one than before, at the price of asking for its attributes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[int, int, int]
"""What tells one version of a file from the next."""


def stamp(path: Path) -> Stamp:
    """The stamp of a file; raises OSError when there is none."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_stamps(paths: Iterable[Path]) -> list[Stamp | None]:
    """The stamps of files, None for one that is not there."""
    stamps: list[Stamp | None] = []
    for path in paths:
        try:
            stamps.append(stamp(path))
        except OSError:
            stamps.append(None)
    return stamps
