"""The files in a tar archive, read in one go from its beginning to its end.

`tarfile` of the standard library reads an extended header whole, however long it says it is, and
follows a chain of them by recursion: an archive from outside could take all memory or end the
process. This reader holds one block, knows the formats ustar, GNU and pax, and never writes
anything, so that links, absolute paths and ``..`` can do nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from blocklists.lines import Octets

BLOCK_OCTETS: Final = 512  # POSIX.1-2001, pax interchange format
MEMBERS_MAX: Final = 20_000  # the largest real archive has 350
EXTENSION_OCTETS_MAX: Final = 65_536
_SKIP_OCTETS: Final = 65_536
_FILES: Final = (b"0", b"\0", b"7")
_BETWEEN: Final = (b"g", b"K")  # what holds for all members; the long target of a link
_WITHOUT_DATA: Final = (b"1", b"2", b"3", b"4", b"5", b"6")  # links, devices, folders, pipes


class TarFault(ValueError):
    """No whole tar archive; the message is *where: what was given; what is allowed*."""


@dataclass(slots=True)
class Member:
    """One ordinary file of an archive; its content is there until the next member is asked for."""

    path: str
    size: int
    _file: Octets
    _left: int

    def read(self, size: int, /) -> bytes:
        """The next octets of the content. Raises `TarFault` when the archive ends within it."""
        if not self._left:
            return b""
        octets = self._file.read(min(size, self._left))
        if not octets:
            raise TarFault(f"{self.path[:80]}: cut short; a whole archive is needed")
        self._left -= len(octets)
        return octets


def looks_like_tar(head: bytes) -> bool:
    """Whether these octets begin with the header of a member."""
    return _is_header(head[:BLOCK_OCTETS])


def members(file: Octets) -> Iterator[Member]:
    """The ordinary files of an archive, in order. Raises `TarFault`."""
    extended: dict[str, str] = {}  # what an extended header says of the next member
    for number in range(1, MEMBERS_MAX + 2):
        header = _exactly(file, BLOCK_OCTETS)
        if header == bytes(BLOCK_OCTETS):
            return
        if not _is_header(header):
            raise TarFault(f"archive: member {number} has no header; a whole tar file is needed")
        if number > MEMBERS_MAX:
            break
        kind = header[156:157]
        size = _number(header[124:136])
        if kind in (b"L", b"x"):
            extended |= _extension(_body(file, size), kind)
            continue
        path = ""
        if kind not in _BETWEEN:
            path = extended.get("path") or _path(header)
            size = int(extended.get("size", size))
            extended = {}
        if kind in _WITHOUT_DATA:
            continue
        member = Member(path, size, file, size)
        if kind in _FILES:
            yield member
        while member.read(_SKIP_OCTETS):
            pass
        _exactly(file, -size % BLOCK_OCTETS)
    raise TarFault(f"archive: more than {MEMBERS_MAX} members; allowed are {MEMBERS_MAX}")


def _is_header(block: bytes) -> bool:
    if len(block) < BLOCK_OCTETS:
        return False
    try:
        given = _number(block[148:156])
    except TarFault:
        return False
    return block[0] != 0 and given == sum(block[:148]) + 8 * ord(" ") + sum(block[156:])


def _path(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", errors="replace")


def _number(field: bytes) -> int:
    """An octal number, as all but the largest are written."""
    text = field.strip(b" \0")
    if text and not text.isdigit():
        raise TarFault(f"archive: {field!r} for a number; allowed are octal digits")
    try:
        return int(text or b"0", 8)
    except ValueError:
        raise TarFault(f"archive: {field!r} for a number; allowed are octal digits") from None


def _body(file: Octets, size: int) -> bytes:
    if size > EXTENSION_OCTETS_MAX:
        raise TarFault(
            f"archive: extended header of {size} octets; allowed are {EXTENSION_OCTETS_MAX}"
        )
    body = _exactly(file, size)
    _exactly(file, -size % BLOCK_OCTETS)
    return body


def _extension(body: bytes, kind: bytes) -> dict[str, str]:
    """The path and the size that a GNU long name or a pax header gives."""
    if kind == b"L":
        return {"path": body.partition(b"\0")[0].decode("utf-8", errors="replace")}
    found = {}
    for record in body.split(b"\n"):  # "LENGTH KEY=VALUE"; no key asked for here has a newline
        key, _, value = record.partition(b" ")[2].partition(b"=")
        if key == b"path" or (key == b"size" and value.isdigit() and len(value) < 16):
            found[key.decode()] = value.decode("utf-8", errors="replace")
    return found


def _exactly(file: Octets, size: int) -> bytes:
    octets = b""
    while len(octets) < size:
        more = file.read(size - len(octets))
        if not more:
            raise TarFault("archive: cut short; a whole tar file is needed")
        octets += more
    return octets
