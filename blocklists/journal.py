"""Who did what with the lists, and why; and that only one process at a time writes to them."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

JOURNAL: Final = "journal.jsonl"
LOCK: Final = ".lock"
DETAIL_MAX: Final = 2_000  # characters of any text in the journal
READ_MAX: Final = 10_000  # entries given at once


class KeepFault(Exception):
    """Something could not be kept on disk, or must not be: *where: what was given; what is
    allowed*. What was there before is still there.
    """

    @classmethod
    def of(cls, fault: OSError, path: Path) -> KeepFault:
        """In words: a full disk is the likeliest."""
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            return cls(f"{path}: the disk is full; the version before stays in use")
        return cls(f"{path}: {fault.strerror or fault}; a writable place is needed")


class LockFault(KeepFault):
    """Another process is writing to the lists; the message says which."""


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
        entry = JournalEntry(at, by, action, source, reason[:DETAIL_MAX], detail[:DETAIL_MAX])
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() and not _ends_with_line(file.fileno(), file.tell()):
                    line = "\n" + line  # the power went while somebody wrote
                file.write(line.encode())
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


@contextmanager
def locked(root: Path, purpose: str, at: float) -> Iterator[None]:
    """Be the only one that writes below `root`. Raises `LockFault` at once if somebody else is.

    The kernel frees the lock when its holder dies; the text in the file is only for the message.
    """
    path = root / LOCK
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as fault:
        raise KeepFault.of(fault, path) from None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode(errors="replace").strip() or "another process"
            raise LockFault(f"{path}: held by {holder}; one at a time may change lists") from None
        since = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        os.ftruncate(file, 0)
        os.pwrite(file, f"{purpose}, process {os.getpid()}, since {since}\n".encode(), 0)
        yield
    finally:
        os.close(file)


def write_whole(path: Path, text: str) -> None:
    """Replace the file in one step, synced. Raises `KeepFault`; then it is as it was."""
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # status and metrics are read by other users
        temporary.replace(path)
        temporary = None
        sync(path.parent)
    except OSError as fault:
        raise KeepFault.of(fault, path) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_with_line(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"


def _entry(line: bytes) -> JournalEntry | None:
    try:
        return JournalEntry(**json.loads(line))
    except (ValueError, TypeError):
        return None
