"""Adblock lists, as AdGuard's DNS filters and EasyList write them: what DNS can express of them.

A rule blocks, and ``@@`` before it makes it an exception of this list. ``||host^`` is the name and
everything below it; ``||*.host^`` is what is below it; ``|host^`` and ``||host^|``, which end or
begin at the host, are the name alone, in a block and in an exception alike. A host without any
mark, or a line of a hosts file, means what it means in those formats.

Everything narrower is skipped and counted, never widened to a whole site: options that restrict a
rule by page, type, party, device or record type, parts of pages, addresses of pages, patterns.
``$badfilter`` is skipped too: it would take away a rule that may have been read long before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blocklists.entries import (
    NOT_A_LINE,
    NOT_A_NAME,
    NOT_FOR_DNS,
    OTHER_ACTION,
    PATTERN,
    Entry,
    Reject,
    Scope,
)
from blocklists.formats import hosts
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, read_name

_QUICK: Final = re.compile(rf"\|\|({QUICK_NAME})\^").fullmatch
_HARMLESS_OPTIONS: Final = frozenset({"", "_", "all", "important", "match-case"})
"""They restrict nothing that DNS could see: ``_`` fills a gap, names have no letter case."""

_HEADER: Final = re.compile(r"\[(?:ad|u)(?:block|guard)", re.IGNORECASE)
_COSMETIC: Final = re.compile(r"(?<!\s)#@?[$%?]{0,2}#(?=#?[^\s#])|(?<!\s)\$@?\$(?=[a-z])")
_REGEX: Final = re.compile(r"/.+/(?:\$[^/]*)?")
_HOSTS_LINE: Final = re.compile(r"(?=\S*[.:])[0-9A-Fa-f.:]+\s+\S.*")
_RULE: Final = re.compile(r"(\|\|?)?(\*\.)?([^|^]*)(\^?)(\|?)")
_NOT_IN_RULES: Final = re.compile(r"[\s<>\"{}\x00-\x1f\x7f\ufffd]")
_ADDRESS_MARKS: Final = re.compile(r"[/?=&%:;,~!@+()\[\]]")
_BARE_HOST: Final = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)+\.?")
_INLINE_COMMENT: Final = re.compile(r"\s#.*")


def recognise(lines: Sequence[str]) -> float:
    """The share of lines with the marks of a rule; 1 where the header says it, since rules without
    any mark are patterns that nobody could tell.
    """
    content = [text for line in lines if (text := line.lstrip("\ufeff").strip())]
    if content and _HEADER.match(content[0]):
        return 1.0
    content = [text for text in content if not _is_comment(text)]
    if not content:
        return 0.0
    return sum(_looks_like_rule(text) for text in content) / len(content)


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line; a hosts line with several names gives several."""
    new = tuple.__new__  # saves a third of the time of the constructor
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line)
        if quick and len(name := quick[1]) <= NAME_CHARACTERS_MAX:
            yield new(Entry, (number, name, "domain", False, ""))
        elif text := line.lstrip("\ufeff").strip():
            if _is_comment(text):
                continue
            if _HOSTS_LINE.fullmatch(text):
                for item in hosts.read([text]):
                    yield item._replace(line=number)
            else:
                yield _read_text(number, text)


def _is_comment(text: str) -> bool:
    if text[0] == "#":  # ``##.advert`` hides a part of every page
        return not _COSMETIC.match(text)
    return text[0] == "!" or bool(_HEADER.match(text))


def _looks_like_rule(text: str) -> bool:
    return text.startswith(("||", "@@", "|http")) or bool(
        _COSMETIC.search(text) or _REGEX.fullmatch(text)
    )


def _read_text(number: int, text: str) -> Entry | Reject:
    allow = text.startswith("@@")
    rule = text[2:] if allow else text
    if _COSMETIC.search(rule):
        return Reject(number, text, NOT_FOR_DNS)
    if _REGEX.fullmatch(rule):
        return Reject(number, text, PATTERN)
    body, _, options = rule.partition("$")
    if reason := _restriction(options):
        return Reject(number, text, reason)
    if not body.startswith("|"):
        body = _INLINE_COMMENT.sub("", body).rstrip()
    if "://" in body and not _NOT_IN_RULES.search(body):
        return Reject(number, text, NOT_FOR_DNS)
    item = _read_body(number, text, body)
    return item._replace(allow=True) if allow and isinstance(item, Entry) else item


def _restriction(options: str) -> str:
    """Why a rule with these options is none for DNS; "" if they restrict nothing."""
    words = {option.partition("=")[0].strip().lower() for option in options.split(",")}
    if "dnsrewrite" in words:
        return OTHER_ACTION
    return "" if words <= _HARMLESS_OPTIONS else NOT_FOR_DNS


def _read_body(number: int, text: str, body: str) -> Entry | Reject:
    """What the part of a rule before its options means."""
    shape = _RULE.fullmatch(body)
    if _NOT_IN_RULES.search(body):
        return Reject(number, text, NOT_A_NAME if body.startswith("|") else NOT_A_LINE)
    if not shape:  # something after the host: a path, or a pattern
        return Reject(number, text, PATTERN if "*" in body else NOT_FOR_DNS)
    start, star, name, _, end = shape.groups(default="")
    if _ADDRESS_MARKS.search(name):
        return Reject(number, text, NOT_FOR_DNS)
    if "*" in name or (star and start != "||"):
        return Reject(number, text, PATTERN)
    if not start:
        if name != body or not _BARE_HOST.fullmatch(name):
            return Reject(number, text, PATTERN)
        return read_name(number, text, name)
    if not name:
        return Reject(number, text, NOT_A_LINE)
    if "^" not in body and not end and (name.endswith(".") or "." not in name):
        return Reject(number, text, PATTERN)  # ``||ads.`` is the beginning of many names
    scope: Scope = "below" if star else "exact" if end or start == "|" else "domain"
    return read_name(number, text, name, scope)
