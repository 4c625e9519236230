"""List formats, one module each; the file name is the word used in configuration.

A format turns a list into entries and rejects, streaming, and knows nothing else: no disk, network,
category or suffix rule. Most read lines of text (`Format`); an archive is read as octets
(`PackedFormat`). To add one, add a module with the two functions of either; nothing here changes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final, Protocol, TypeGuard, cast

from blocklists.entries import Entry, Reject
from blocklists.lines import LINE_CHARACTERS_MAX, LineFault, decoded

__all__ = [
    "HEAD_OCTETS",
    "LINE_CHARACTERS_MAX",
    "Format",
    "FormatFault",
    "PackedFormat",
    "detect",
    "find",
    "is_packed",
    "names",
    "read",
]

HEAD_OCTETS: Final = 65_536  # what `detect` should be given: past the longest licence header seen
SAMPLE_LINES: Final = 2_000  # of the head; a longer sample recognises no better
_LEAST_SHARE: Final = 0.5  # of the sample's content; real lists are above 0.95


class FormatFault(ValueError):
    """No such format, none recognises the content, or an archive is damaged; the message is
    *where: what was given; what is allowed*.
    """


class Format(Protocol):
    """What a module of this folder provides whose lists are lines of text."""

    def recognise(self, lines: Sequence[str]) -> float:
        """The share, 0 to 1, of the content lines (not blank, not comment) that look like this
        format.
        """
        ...

    def read(self, lines: Iterable[str]) -> Iterator[Entry | Reject]:
        """What is in these lines, in order; blank lines and comments are left out. Never raises on
        content.
        """
        ...


class PackedFormat(Protocol):
    """What a module of this folder provides whose lists are archives, already decompressed."""

    def recognise_octets(self, head: bytes) -> bool:
        """Whether a file that begins so is of this format."""
        ...

    def read_octets(self, file: BinaryIO) -> Iterator[Entry | Reject]:
        """What is in this archive, in order. Raises `FormatFault` when it is damaged."""
        ...


def names() -> list[str]:
    """The formats there are: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(word: str) -> Format | PackedFormat:
    """The format of this name. Raises `FormatFault`."""
    if word not in names():
        raise FormatFault(f"format: {word!r}; allowed are {', '.join(names())}")
    return cast("Format | PackedFormat", importlib.import_module(f"{__name__}.{word}"))


def is_packed(chosen: Format | PackedFormat) -> TypeGuard[PackedFormat]:
    """Whether a format reads octets, and not lines."""
    return hasattr(chosen, "read_octets")


def detect(head: bytes) -> str:
    """The name of the format that recognises most of the first `HEAD_OCTETS` of a list,
    decompressed.

    `plain` takes the most, so it is chosen only where no other recognises as much. Raises
    `FormatFault` if none recognises half.
    """
    lines = _sample(head)
    best, best_share = "plain", 0.0
    for word in names():
        chosen = find(word)
        if is_packed(chosen):
            if chosen.recognise_octets(head):
                return word
            continue
        share = cast("Format", chosen).recognise(lines)
        if share > best_share or (share == best_share and best == "plain"):
            best, best_share = word, share
    if best_share < _LEAST_SHARE:
        raise FormatFault(
            f"no format recognises the content (best: {best}, {best_share:.0%} of the lines); "
            f"there are {', '.join(names())}"
        )
    return best


def read(file: BinaryIO, word: str) -> Iterator[Entry | Reject]:
    """What the format `word` makes of a list, from the present position of `file` to its end.

    Memory is bounded whatever the file holds; a line of more than `LINE_CHARACTERS_MAX` is a
    `Reject`. Raises `FormatFault` at once when there is no such format, and while reading when the
    content is no list at all; and what `file.read` raises.
    """
    chosen = find(word)
    if is_packed(chosen):
        return chosen.read_octets(file)
    return _read_lines(file, cast("Format", chosen))


def _read_lines(file: BinaryIO, chosen: Format) -> Iterator[Entry | Reject]:
    overlong: list[Reject] = []
    try:
        for item in chosen.read(decoded(file, overlong)):
            if overlong:
                yield from overlong
                overlong.clear()
            yield item
    except LineFault as fault:
        raise FormatFault(f"list: {fault}") from None
    yield from overlong


def _sample(head: bytes) -> list[str]:
    """The first lines, without one that the end of the head cuts in two; over-long ones blank."""
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace").split("\n")
    if len(head) >= HEAD_OCTETS and len(lines) > 1:
        lines.pop()
    return [
        line.removesuffix("\r") if len(line) <= LINE_CHARACTERS_MAX else ""
        for line in lines[:SAMPLE_LINES]
    ]
