"""Configuration of Unbound: ``local-zone`` by its type, and ``local-data`` that is a sink.

A zone means its name and everything below it. Types that answer, refuse or drop by themselves
block; types that let a query through (``transparent`` and kin) are exceptions of this list.
``local-data: "x A 0.0.0.0"`` stands for the name and everything below it, as the same line would in
a hosts file, which such lists are made from; other data is an answer of its own, and no block.
Other settings are skipped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Final

from blocklists.entries import (
    NOT_A_LINE,
    NOT_A_NAME,
    NOT_A_SINK,
    OTHER_ACTION,
    PATTERN,
    Entry,
    Reject,
)
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, read_name

_BLOCKING: Final = frozenset(
    "always_deny always_nodata always_null always_nxdomain always_refuse block_a deny "
    "inform_deny inform_redirect redirect refuse static".split()
)
_OPENING: Final = frozenset(
    "always_transparent inform nodefault transparent typetransparent".split()
)
_QUICK: Final = re.compile(
    rf'local-zone: "({QUICK_NAME})\.?" (?:{"|".join(sorted(_BLOCKING))})'
).fullmatch
_ZONE: Final = re.compile(r"""local-zone\s*:\s*(?:"([^"]*)"|'([^']*)'|(\S+))\s+["']?(\w+)["']?""")
_DATA: Final = re.compile(r"""local-data\s*:\s*(?:"(.*)"|'(.*)'|(.*\S))""")
_SECTION: Final = re.compile(r"[a-z][a-z-]*\s*:")
_SETTING: Final = re.compile(r"[a-z][a-z0-9-]*\s*:\s*\S.*")
_COMMENT: Final = re.compile(r"(?:\s|\A)#.*")
_TTL_OR_CLASS: Final = re.compile(r"[0-9]+[smhdw]?|in", re.IGNORECASE)


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that are a ``local-`` setting or the head of a section."""
    content = [text for line in lines if (text := _content(line))]
    if not content:
        return 0.0
    known = sum(text.startswith("local-") or text == "server:" for text in content)
    return known / len(content)


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line."""
    new = tuple.__new__  # saves a third of the time of the constructor
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line)
        if quick and len(name := quick[1]) <= NAME_CHARACTERS_MAX:
            yield new(Entry, (number, name, "domain", False, ""))
        elif (text := _content(line)) and not _SECTION.fullmatch(text):
            yield _read_text(number, text)


def _content(line: str) -> str:
    text = line.lstrip("\ufeff").strip()
    return _COMMENT.sub("", text).rstrip() if "#" in text else text


def _read_text(number: int, text: str) -> Entry | Reject:
    if zone := _ZONE.fullmatch(text):
        return _read_zone(number, text, zone[1] or zone[2] or zone[3] or "", zone[4].lower())
    if data := _DATA.fullmatch(text):
        return _read_data(number, text, (data[1] or data[2] or data[3] or "").split())
    broken = text.startswith(("local-zone:", "local-data:")) or not _SETTING.fullmatch(text)
    return Reject(number, text, NOT_A_LINE if broken else OTHER_ACTION)


def _read_zone(number: int, text: str, name: str, kind: str) -> Entry | Reject:
    if kind not in _BLOCKING and kind not in _OPENING:
        return Reject(number, text, OTHER_ACTION)
    item = _read_name(number, text, name)
    return item._replace(allow=True) if kind in _OPENING and isinstance(item, Entry) else item


def _read_data(number: int, text: str, words: list[str]) -> Entry | Reject:
    """One record: name, perhaps TTL and class, type, data."""
    name, *rest = words or [""]
    while rest and _TTL_OR_CLASS.fullmatch(rest[0]):
        del rest[0]
    if len(rest) < 2:
        return Reject(number, text, NOT_A_LINE)
    if rest[0].upper() not in ("A", "AAAA"):
        return Reject(number, text, OTHER_ACTION)
    try:
        address = ip_address(rest[1])
    except ValueError:
        return Reject(number, text, NOT_A_LINE)
    if not (address.is_loopback or address.is_unspecified or address.packed[0] == 0):
        return Reject(number, text, NOT_A_SINK)
    return _read_name(number, text, name)


def _read_name(number: int, text: str, name: str) -> Entry | Reject:
    if name == ".":
        return Reject(number, text, NOT_A_NAME)
    if "*" in name:
        return Reject(number, text, PATTERN)
    return read_name(number, text, name)
