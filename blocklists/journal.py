"""Who did what with the lists, and why."""

from __future__ import annotations

import json
import os
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec

from blocklists.writing import KeepFault

JOURNAL: Final = "journal.jsonl"
DETAIL_MAX: Final = 2_000  # characters of any text in the journal
READ_MAX: Final = 10_000  # entries given at once


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing done to one source, by a named person or by `refresh`. `at` is POSIX seconds."""

    at: float
    by: str
    action: str
    source: str
    reason: str = ""
    detail: str = ""


class Journal:
    """An append-only file of JSON lines. A line that is damaged is left out when reading."""

    def __init__(self, root: Path) -> None:
        self.path: Final = root / JOURNAL

    def append(
        self, at: float, by: str, action: str, source: str, reason: str = "", detail: str = ""
    ) -> None:
        """Write one entry, to the disk itself. Raises `KeepFault`."""
        by, reason, detail = by[:DETAIL_MAX], reason[:DETAIL_MAX], detail[:DETAIL_MAX]
        entry = JournalEntry(at, by, action, source, reason, detail)
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() and not _ends_with_line(file.fileno(), file.tell()):
                    line = "\n" + line  # the power went while somebody wrote
                file.write(line.encode(errors="replace"))  # a terminal may give half characters
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise KeepFault.of(fault, self.path) from None

    def read(self, limit: int = READ_MAX) -> list[JournalEntry]:
        """The last entries, oldest first."""
        try:
            with self.path.open("rb") as file:
                lines = deque(file, maxlen=min(limit, READ_MAX))
        except FileNotFoundError:
            return []
        except OSError as fault:
            raise KeepFault.of(fault, self.path) from None
        return [entry for line in lines if (entry := _entry(line))]


def _ends_with_line(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"


def _entry(line: bytes) -> JournalEntry | None:
    try:
        return msgspec.json.decode(line, type=JournalEntry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
