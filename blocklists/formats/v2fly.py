"""Lists of the v2fly community: files of its `data` folder, and the dump of all of them.

A file has one rule a line: ``domain:x`` or a bare ``x`` is the name and all below, ``full:x`` the
name alone; ``keyword:`` and ``regexp:`` are patterns, ``include:`` names another file. Attributes
(``@ads``) and affiliations (``&x``) after the rule are ignored. The dump (``dlc.dat_plain.yml``)
groups rules, written ``domain:x:@ads``, under ``- name: LIST``: the list's name is their label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blocklists.entries import NOT_A_LINE, OTHER_ACTION, PATTERN, Entry, Reject
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, read_name

_LABEL_CHARACTERS_MAX: Final = 80
_QUICK: Final = re.compile(
    rf'(?: *- *"?)?(?:domain|(full)):({QUICK_NAME})(?::@[^ "#]*)?"?'
).fullmatch
_FRAME: Final = re.compile(r"---|(?:lists|rules):|length: *[0-9]+").fullmatch
_LIST: Final = re.compile(r"- +name: *[\"']?([^\"'\s]+)[\"']?").fullmatch
_ITEM: Final = re.compile(r"- *[\"']?(.*?)[\"']?").fullmatch
_MARKED: Final = re.compile(r"(?:domain|full|keyword|regexp|include):\S").match
_BARE: Final = re.compile(r"[\w-]+(?:\.[\w-]+)*(?:\s+[@&]\S+)*").fullmatch


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that are rules or the frame of a dump; none if no rule is marked with its
    kind: then it is a plain list.
    """
    content = [text for line in lines if (text := _content(line))]
    marked = bare = 0
    for text in content:
        item = _ITEM(text)
        if _MARKED(item[1] if item else text):
            marked += 1
        elif _FRAME(text) or _LIST(text) or _BARE(text):
            bare += 1
    return (marked + bare) / len(content) if marked else 0.0


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line."""
    new = tuple.__new__  # takes half the time of the constructor
    label = ""
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line.lower())
        if quick and len(name := quick[2]) <= NAME_CHARACTERS_MAX:
            yield new(Entry, (number, name, "exact" if quick[1] else "domain", False, label))
        elif text := _content(line):
            if found := _LIST(text):
                label = found[1].lower()[:_LABEL_CHARACTERS_MAX]
            elif not _FRAME(text):
                item = _ITEM(text)
                yield _read_rule(number, item[1] if item else text, label)


def _content(line: str) -> str:
    return line.lstrip("\ufeff").partition("#")[0].strip()


def _read_rule(number: int, text: str, label: str) -> Entry | Reject:
    kind, colon, rest = text.partition(":")
    if colon and kind in ("keyword", "regexp"):
        return Reject(number, text, PATTERN)
    if colon and kind == "include":
        return Reject(number, text, OTHER_ACTION)
    words = (rest if kind in ("domain", "full") else text).partition(":@")[0].split()
    if not words or not all(word.startswith(("@", "&")) for word in words[1:]):
        return Reject(number, text, NOT_A_LINE)
    return read_name(number, text, words[0], "exact" if kind == "full" else "domain", label)
