"""What a format makes of a list, in short words that tests can hold against each other."""

from __future__ import annotations

import io
from typing import Final

from blocklists import formats
from blocklists.entries import Entry, Reject

_MARKS: Final = {"domain": "", "exact": "=", "below": "*."}


def answers(word: str, *lines: str) -> list[str]:
    """``name``, ``=name`` (exact), ``*.name`` (below), each with ``@@`` before an exception and
    `` [label]`` after it, or the reason of a rejection.
    """
    return [_short(item) for item in items(word, "\n".join(lines).encode())]


def items(word: str, octets: bytes) -> list[Entry | Reject]:
    """What the format `word` makes of a file of these octets."""
    return list(formats.read(io.BytesIO(octets), word))


def text_formats() -> list[str]:
    """The formats that read lines."""
    return [word for word in formats.names() if not formats.is_packed(formats.find(word))]


def _short(item: Entry | Reject) -> str:
    if isinstance(item, Reject):
        return item.reason
    label = f" [{item.label}]" if item.label else ""
    return f"{'@@' * item.allow}{_MARKS[item.scope]}{item.name}{label}"
