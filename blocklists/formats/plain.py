"""One name a line: plain domain lists, and those of our own pattern lines that name a domain.

``example.com``, ``.example.com`` and ``*.example.com`` are the name and everything below it: lists
that write the star here and there mean the name as well. ``=example.com`` is the name alone.
``*.bet``, ``bet365.*`` and ``~casino`` are rejected here: an index of names cannot hold them. A
port is left out. Comments: ``#`` or ``!`` at the start, or ``#`` after white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blocklists.entries import ADDRESS, NOT_A_NAME, PATTERN, Entry, Reject, Scope
from categoriser.names import NameFault, normal

NAME_CHARACTERS_MAX: Final = 253  # RFC 1035: 255 octets with the length octets
QUICK_NAME: Final = r"(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9_-]{0,62}"
"""Most names of most lists, already in normal form but for a length above `NAME_CHARACTERS_MAX`.
The last label begins with a letter, so that no address is taken for a name."""

_QUICK: Final = re.compile(rf"(?:\*?\.)?({QUICK_NAME})\.?").fullmatch
_COMMENT: Final = re.compile(r"\s#.*")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")
_ADDRESS: Final = re.compile(r"[0-9.]+|(?=[^:]*:[^:]*:)[0-9a-f:.]+", re.IGNORECASE)
_LOOKS_PLAIN: Final = re.compile(r"[=~]?[*.]{0,2}[\w-]+(?:\.[\w*-]+)*\.?(?::[0-9]{1,5})?")


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that are one word of name characters."""
    content = [text for line in lines if (text := content_of(line))]
    if not content:
        return 0.0
    return sum(bool(_LOOKS_PLAIN.fullmatch(text)) for text in content) / len(content)


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line."""
    return read_labelled(lines, "")


def read_labelled(lines: Iterable[str], label: str) -> Iterator[Entry | Reject]:
    """As `read`, for a list that is one category of several."""
    new = tuple.__new__  # takes half the time of the constructor
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line.lower())
        if quick and len(name := quick[1]) <= NAME_CHARACTERS_MAX:
            yield new(Entry, (number, name, "domain", False, label))
        elif text := content_of(line):
            yield _read_word(number, text, label)


def content_of(line: str) -> str:
    """The line without white space around it and without its comment; "" if nothing is left."""
    text = line.strip().lstrip("\ufeff")
    if "#" in text:
        text = "" if text[0] == "#" else _COMMENT.sub("", text).rstrip()
    return "" if text.startswith("!") else text


def _read_word(number: int, text: str, label: str) -> Entry | Reject:
    name = text
    scope: Scope = "domain"
    if name.startswith("="):
        name = name[1:]
        scope = "exact"
    elif name.startswith("*."):
        name = name[2:]
        if "." not in name.rstrip("."):
            return Reject(number, text, PATTERN)
    elif name.startswith("."):
        name = name[1:]
    if name.startswith("~") or "*" in name:
        return Reject(number, text, PATTERN)
    return read_name(number, text, name, scope, label)


def read_name(
    number: int, text: str, name: str, scope: Scope = "domain", label: str = ""
) -> Entry | Reject:
    """The entry of a name that may be an address, carry a port, or be no name; `text` is shown in
    a reject.
    """
    if _ADDRESS.fullmatch(name):
        return Reject(number, text, ADDRESS)
    if ":" in name:
        name = _PORT.sub("", name)
        if _ADDRESS.fullmatch(name):
            return Reject(number, text, ADDRESS)
    try:
        return Entry(number, normal(name), scope, False, label)
    except NameFault:
        return Reject(number, text, NOT_A_NAME)
