"""What can be wrong with a store, in one line that a person can act on.

Drivers have hundreds of errors; people meet about ten of them.  Those are told apart here by the
codes that the databases document, and the rest is passed on with the driver's own first line.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from msgspec import MsgspecError
from sqlalchemy.exc import SQLAlchemyError

FaultKind = Literal[
    "url",  # no address of a store
    "gone",  # there is no store there
    "connect",  # the database server does not answer, or does not let us in
    "permission",
    "locked",
    "full",
    "corrupt",
    "newer",  # migrated by a newer version
    "older",
    "refused",  # the database refused the change: a reference to nothing, an edit of the audit log
    "other",
]


class StoreFault(Exception):
    """The store cannot be used, or refused a change; nothing was changed.

    Reads *where: what is wrong; what to do*, in one line.
    """

    def __init__(self, kind: FaultKind, where: str, wrong: str, remedy: str) -> None:
        super().__init__(f"{where}: {wrong}; {remedy}")
        self.kind = kind


_WORDS: Final[dict[FaultKind, tuple[str, str]]] = {
    "gone": ("there is no store", "put it back, or create a new one with `lychgate policy import`"),
    "connect": ("the database cannot be reached", "start it, or see its address and password"),
    "permission": ("it may not be read or written", "see who owns the file and its folder"),
    "locked": ("somebody else is writing", "try again in a few seconds"),
    "full": ("the disk is full", "make room and try again; nothing was changed"),
    "corrupt": ("the store is damaged", "put the last backup in its place"),
    "refused": ("the store refused the change", "nothing was changed"),
}

_SQLITE: Final[dict[int, FaultKind]] = {
    3: "permission",  # SQLITE_PERM
    5: "locked",  # SQLITE_BUSY
    6: "locked",  # SQLITE_LOCKED
    8: "permission",  # SQLITE_READONLY
    11: "corrupt",  # SQLITE_CORRUPT
    13: "full",  # SQLITE_FULL
    14: "permission",  # SQLITE_CANTOPEN; a file that is not there is told before
    19: "refused",  # SQLITE_CONSTRAINT
    23: "permission",  # SQLITE_AUTH
    26: "corrupt",  # SQLITE_NOTADB
}
"""Primary result codes: https://sqlite.org/rescode.html"""

_SQLITE_EXTENDED: Final[dict[int, FaultKind]] = {
    1032: "gone",  # SQLITE_READONLY_DBMOVED
    4874: "full",  # SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log
    522: "corrupt",  # SQLITE_IOERR_SHORT_READ
}

_POSTGRESQL: Final[dict[str, FaultKind]] = {
    "08": "connect",  # connection exceptions
    "28": "connect",  # invalid authorisation
    "3D": "gone",  # no such database
    "57": "connect",  # the server is stopping or starting
    "23": "refused",  # integrity constraints
    "P0": "refused",  # raised by a trigger of ours
    "55": "locked",  # lock not available
    "40": "locked",  # serialisation, deadlock
    "53100": "full",
    "53300": "connect",  # too many connections
    "42501": "permission",
    "25006": "permission",  # a read-only transaction: a standby
    "XX001": "corrupt",
    "XX002": "corrupt",
}
"""Classes and codes: https://www.postgresql.org/docs/15/errcodes-appendix.html"""


def known_fault(kind: FaultKind, where: str, more: str = "") -> StoreFault:
    """A fault in the usual words."""
    wrong, remedy = _WORDS[kind]
    return StoreFault(kind, where, f"{wrong} ({more})" if more else wrong, remedy)


@contextmanager
def told_plainly(where: str) -> Iterator[None]:
    """Turn what drivers raise into a `StoreFault`; let everything else pass."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeError, MsgspecError) as error:
        raise fault_of(error, where) from error


def fault_of(error: BaseException, where: str) -> StoreFault:
    """The fault that an error of a driver stands for."""
    cause = _cause(error)
    kind = _kind(cause)
    said = _first_line(cause)
    if kind in ("refused", "connect"):
        return known_fault(kind, where, said)
    if kind in _WORDS:
        return known_fault(kind, where)
    return StoreFault("other", where, said, "nothing was changed")


def _kind(cause: BaseException) -> FaultKind:
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _SQLITE_EXTENDED.get(code) or _SQLITE.get(code & 0xFF, "other")
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2], "other")
    if isinstance(cause, UnicodeError):
        return "refused"
    if isinstance(cause, MsgspecError):  # a body that somebody edited by hand
        return "corrupt"
    if isinstance(cause, OSError) and cause.errno in _SYSTEM:
        return _SYSTEM[cause.errno]
    # asyncpg has errors of its own, without a code, for a connection that broke
    if isinstance(cause, OSError) or type(cause).__name__ in _BROKEN:
        return "connect"
    return "other"


_SYSTEM: Final[dict[int, FaultKind]] = {
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EROFS: "permission",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
}
_BROKEN: Final = ("InterfaceError", "InternalClientError", "ConnectionDoesNotExistError")


def _cause(error: BaseException) -> BaseException:
    """The driver's own error, below what SQLAlchemy put around it."""
    seen = error
    for _ in range(_CAUSES_MAX):
        if isinstance(seen, TimeoutError):  # below it is only how the wait was cut short
            break
        inner = getattr(seen, "orig", None) or seen.__cause__
        if not isinstance(inner, BaseException):
            break
        seen = inner
    return seen


_CAUSES_MAX: Final = 8


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
