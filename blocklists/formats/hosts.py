"""Hosts files: a sink address, then one or more names.

Any loopback or 0/8 address is a sink (lists use 127.0.0.7 too). A real address before a name is no
block, and is rejected. A name means itself and everything below it, as in every other list of ours:
who lists ``bet365.com`` does not mean to leave ``m.bet365.com`` open. A port is left out. The
machine's own names (``localhost`` and kin) are left out without a word.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blocklists.entries import NOT_A_NAME, NOT_A_SINK, Entry, Reject
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, read_name

_USUAL_SINKS: Final = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})
_QUICK: Final = re.compile(rf"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+({QUICK_NAME})").fullmatch
_OWN_NAMES: Final = frozenset(
    {
        "localhost",
        "localhost.localdomain",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
        "0.0.0.0",
    }
)

_WORDS: Final = re.compile(r"[^ \t\r\n\f\v]+")


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that are an address and at least one more word."""
    content = [words for line in lines if (words := _words(line))]
    if not content:
        return 0.0
    return sum(len(words) > 1 and _address(words[0]) is not None for words in content) / len(
        content
    )


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line; a line with several names gives several."""
    new = tuple.__new__  # takes half the time of the constructor
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line.lower())
        if quick and len(name := quick[1]) <= NAME_CHARACTERS_MAX and name not in _OWN_NAMES:
            yield new(Entry, (number, name, "domain", False, ""))
        elif words := _words(line):
            yield from _read_words(number, line, words)


def _read_words(number: int, line: str, words: list[str]) -> Iterator[Entry | Reject]:
    if words[0] not in _USUAL_SINKS and (reason := _fault(words)):
        if not _OWN_NAMES.issuperset(words[1:]) or len(words) == 1:
            yield Reject(number, line.strip(), reason)
        return
    for word in words[1:]:
        if word.lower() not in _OWN_NAMES:
            yield read_name(number, word, word)


def _words(line: str) -> list[str]:
    # Not `split()`: it would cut a name at any white space of Unicode.
    return _WORDS.findall(line.lstrip("\ufeff").partition("#")[0])


def _fault(words: list[str]) -> str | None:
    """Why the line's first word is not a sink, if it is not."""
    address = _address(words[0])
    if address is None:
        return NOT_A_NAME
    sink = address.is_loopback or address.is_unspecified or address.packed[0] == 0
    return None if sink else NOT_A_SINK


def _address(word: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        return None
