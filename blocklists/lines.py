"""A file of unknown content as lines of text, in bounded memory.

A list may be one line of a gigabyte, or no text at all. Lines end at LF or CR LF and at nothing
else: editors break lines at U+2028 too, and so would hide a name from who reads the list. What is
not UTF-8 becomes U+FFFD, which no name may contain, and so is rejected with its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from blocklists.entries import TOO_LONG, Reject

LINE_CHARACTERS_MAX: Final = 4096  # sixteen times the longest name; a CSV row carries more
BLOCK_OCTETS: Final = 131_072  # decoding line by line takes 1.7 times as long
OVERLONG_MAX: Final = 10_000  # over-long lines in a row, waiting to be told
_LINE_OCTETS_MAX: Final = 4 * LINE_CHARACTERS_MAX  # UTF-8 takes 4 octets at most
_SHOWN_CHARACTERS: Final = 120


class Octets(Protocol):
    """What a list is read from: a file, or a part of one."""

    def read(self, size: int, /) -> bytes:
        """The next octets, `size` at most; none at the end."""
        ...


class LineFault(ValueError):
    """The content is no text of lines; the message is *what was given; what is allowed*."""


def decoded(file: Octets, overlong: list[Reject]) -> Iterator[str]:
    """The lines of `file` from its present position, without their ends and without a first byte
    order mark.

    An over-long line comes out blank, to keep the numbers right, and its `Reject` is appended to
    `overlong`, which the caller empties. Raises `LineFault` when `OVERLONG_MAX` wait there, and
    whatever `file.read` raises.
    """
    number = 0  # of lines given
    rest = b""  # the beginning of a line that goes on in the next block
    skipping = ""  # the beginning of an over-long line whose end is not read yet
    first = True
    while block := file.read(BLOCK_OCTETS):
        if first:
            block = block.removeprefix(b"\xef\xbb\xbf")
            first = False
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block = block[end + 1 :]
            number += 1
            _tell(overlong, number, skipping)
            skipping = ""
            yield ""
        whole, ended, tail = (rest + block if rest else block).rpartition(b"\n")
        if ended:
            lines = _split(whole)
            if max(map(len, lines)) > LINE_CHARACTERS_MAX:
                yield from _shortened(lines, number, overlong)
            else:
                yield from lines
            number += len(lines)
        if len(tail) > _LINE_OCTETS_MAX:
            skipping = _split(tail[:_LINE_OCTETS_MAX])[0]
            tail = b""
        rest = tail
    if skipping:
        _tell(overlong, number + 1, skipping)
        yield ""
    elif rest:
        yield from _shortened(_split(rest), number, overlong)


def _split(octets: bytes) -> list[str]:
    text = octets.decode("utf-8", errors="replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")  # the LF of the last is cut off
    return text.split("\n")


def _shortened(lines: list[str], before: int, overlong: list[Reject]) -> Iterator[str]:
    """The lines, over-long ones told and blank; `before` is how many lines came earlier."""
    for number, line in enumerate(lines, before + 1):
        if len(line) > LINE_CHARACTERS_MAX:
            _tell(overlong, number, line)
            yield ""
        else:
            yield line


def _tell(overlong: list[Reject], number: int, line: str) -> None:
    if len(overlong) >= OVERLONG_MAX:
        raise LineFault(
            f"{OVERLONG_MAX} lines in a row of more than {LINE_CHARACTERS_MAX} characters; "
            "allowed is a text of lines"
        )
    overlong.append(Reject(number, line[:_SHOWN_CHARACTERS], TOO_LONG))
