"""A file with one JSON object on each line. It is opened anew for each batch: whoever rotates it
only has to rename it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from evidence.outward import OutwardFault, OutwardSettings, Record

TRANSPORTS: Final = ("",)


async def send(records: Sequence[Record], settings: OutwardSettings) -> None:
    """Append records, all or none. Raises `OutwardFault`."""
    lines = "".join(f"{record.line()}\n" for record in records).encode()
    try:
        await asyncio.to_thread(_append, settings.to.path, lines)
    except OSError as fault:
        raise OutwardFault(f"{settings.to.path}: {fault.strerror or fault}") from fault


def _append(path: str, lines: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o640)
    try:
        before = os.fstat(descriptor).st_size
        try:
            done = 0
            while done < len(lines):
                done += os.write(descriptor, lines[done:])
        except OSError:
            os.ftruncate(descriptor, before)  # the disk is full: no half lines
            raise
    finally:
        os.close(descriptor)
