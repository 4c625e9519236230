"""Writing while others read: files replaced in one step, and one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO, cast

LOCK: Final = ".lock"


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


@contextmanager
def locked(root: Path, purpose: str, at: float) -> Iterator[None]:
    """Be the only one that writes below `root`. Raises `LockFault` at once if somebody else is.

    The kernel frees the lock when its holder dies; the text in the file is only for the message.
    """
    path = root / LOCK
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
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
    """Replace the file in one step. Raises `KeepFault`; then it is as it was."""
    try:
        with replacing(path) as file:
            file.write(text)
    except OSError as fault:
        raise KeepFault.of(fault, path) from None


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path`, with its mode, when all of it is written and on
    the disk; if anything is raised before, `path` is as it was. Raises OSError.
    """
    # What is new is for everybody: status and metrics are read by other users.
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            yield cast("TextIO", file)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
