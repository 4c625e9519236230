"""One name a line: plain domain lists, and those of our own pattern lines that name a domain.

``example.com``, ``.example.com`` and ``*.example.com`` are the name and everything below it: lists
that write the star mean the name as well. ``=example.com`` is the name alone. ``*.bet``,
``bet365.*`` and ``~casino`` are rejected here: an index of names cannot hold them. Comments: ``#``
or ``!`` at the start, or ``#`` after white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blocklists.entries import ADDRESS, NOT_A_NAME, PATTERN, Entry, Reject
from categoriser.names import NameFault, from_text

_COMMENT: Final = re.compile(r"\s#.*")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")
_ADDRESS: Final = re.compile(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_LOOKS_PLAIN: Final = re.compile(r"[=~]?[*.]{0,2}[\w-]+(?:\.[\w*-]+)*\.?(?::[0-9]{1,5})?")


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that are one word of name characters."""
    content = [text for line in lines if (text := _content(line))]
    if not content:
        return 0.0
    return sum(bool(_LOOKS_PLAIN.fullmatch(text)) for text in content) / len(content)


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line."""
    for number, line in enumerate(lines, 1):
        if text := _content(line):
            yield _read_word(number, text)


def _content(line: str) -> str:
    text = line.strip().lstrip("\ufeff")
    if "#" in text:
        text = "" if text[0] == "#" else _COMMENT.sub("", text)
    return "" if text.startswith("!") else text


def _read_word(number: int, text: str) -> Entry | Reject:
    name = text
    exact = name.startswith("=")
    if exact:
        name = name[1:]
    elif name.startswith("*."):
        name = name[2:]
        if "." not in name.rstrip("."):
            return Reject(number, text, PATTERN)
    elif name.startswith("."):
        name = name[1:]
    if name.startswith("~") or name.endswith(".*") or "*" in name:
        return Reject(number, text, PATTERN)
    if _ADDRESS.fullmatch(name):
        return Reject(number, text, ADDRESS)
    if ":" in name:
        name = _PORT.sub("", name)
        if _ADDRESS.fullmatch(name):
            return Reject(number, text, ADDRESS)
    try:
        return Entry(number, from_text(name), exact)
    except NameFault:
        return Reject(number, text, NOT_A_NAME)
