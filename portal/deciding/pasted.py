"""Names as people paste them: one a line, from a hosts file, an address bar or another filter.

Only what surrounds a name is taken off; whether it is one is for whoever reads rules. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

LINES_MAX: Final = 5_000
"""Names of one paste: as many as one command takes."""

_COMMENT: Final = re.compile(r"(?:^|\s)[#!].*")


@dataclass(frozen=True, slots=True)
class Pasted:
    """One name, or network, and the line it stood in, from 1."""

    line: int
    text: str

    @property
    def is_network(self) -> bool:
        """Whether it is an address or a network of addresses."""
        try:
            ip_network(self.text, strict=False)
        except ValueError:
            return False
        return True


def read_pasted(text: str) -> list[Pasted]:
    """Every name of a text, each once, in the order of lines; commas part names too."""
    found: dict[str, Pasted] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for word in _words(_COMMENT.sub("", line)):
            found.setdefault(word, Pasted(number, word))
    return list(found.values())


def _words(line: str) -> list[str]:
    words = [word for word in re.split(r"[\s,;]+", line) if word]
    if len(words) > 1 and _is_address(words[0]):  # a hosts file: an address, then its names
        words = words[1:]
    return [plain for word in words if (plain := _plain(word))]


def _plain(word: str) -> str:
    """A word without what browsers and filters put around a name."""
    word = word.strip("\"'<>")
    if word.startswith("||"):  # Adblock
        word = word[2:].partition("^")[0]
    if "://" in word or word.startswith("//"):
        return _host(word)
    if "/" in word and not _is_network(word):
        word = word.partition("/")[0]
    if word.count(":") == 1 and word.rpartition(":")[2].isdigit():
        word = word.partition(":")[0]
    return word[:-1] if word.endswith(".") and len(word) > 1 else word


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


def _is_network(word: str) -> bool:
    try:
        ip_network(word, strict=False)
    except ValueError:
        return False
    return True
