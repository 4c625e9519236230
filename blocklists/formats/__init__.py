"""List formats, one module each; the file name is the word used in configuration.

A format turns lines of text into entries and rejects, streaming, and knows nothing else: no file,
network, category or suffix rule. To add one, add a module with the two functions of `Format`;
nothing here changes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, cast

from blocklists.entries import Entry, Reject

SAMPLE_LINES: Final = 400  # enough to be past the longest licence header seen
_LEAST_SHARE: Final = 0.5  # of the sample's content; real lists are above 0.95


class FormatFault(ValueError):
    """No such format, or none recognises the content; the message lists the formats there are."""


class Format(Protocol):
    """What each module in this folder provides."""

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


def names() -> list[str]:
    """The formats there are: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(word: str) -> Format:
    """The format of this name. Raises `FormatFault`."""
    if word not in names():
        raise FormatFault(f"format: {word!r}; allowed are {', '.join(names())}")
    return cast("Format", importlib.import_module(f"{__name__}.{word}"))


def detect(lines: Sequence[str]) -> str:
    """The name of the format that recognises most of a sample. Raises `FormatFault` if none
    recognises half.
    """
    share, word = max((find(word).recognise(lines), word) for word in names())
    if share < _LEAST_SHARE:
        raise FormatFault(
            f"no format recognises the content (best: {word}, {share:.0%} of the lines); "
            f"there are {', '.join(names())}"
        )
    return word
