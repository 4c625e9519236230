"""Wildcard lists: every name has its star, ``*.example.com``, which means the name as well.

So OISD (``domainswild``) and HaGeZi (``wildcard``) write them. The difference from `plain`, where a
star here and there changes nothing: in a list that writes the star wherever everything below is
meant, a name without one is that name alone. Detection therefore chooses this format only where
every line of the sample has the star; give it by name for a list that has both. Lists of the kind
``domainswild2``, without any star, are `plain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blocklists.entries import PATTERN, Entry, Reject
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, content_of, read_name

_QUICK: Final = re.compile(rf"\*\.({QUICK_NAME})").fullmatch


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that begin with a star and a dot and are one word."""
    content = [text for line in lines if (text := content_of(line))]
    if not content:
        return 0.0
    starred = sum(text.startswith("*.") and len(text.split()) == 1 for text in content)
    return starred / len(content)


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line."""
    new = tuple.__new__  # takes half the time of the constructor
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line.lower())
        if quick and len(name := quick[1]) <= NAME_CHARACTERS_MAX:
            yield new(Entry, (number, name, "domain", False, ""))
        elif text := content_of(line):
            yield _read_text(number, text)


def _read_text(number: int, text: str) -> Entry | Reject:
    starred = text.startswith("*.")
    name = text[2:] if starred else text
    if "*" in name:
        return Reject(number, text, PATTERN)
    return read_name(number, text, name, "domain" if starred else "exact")
