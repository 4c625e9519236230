"""Tables with a column of names and perhaps a column of categories.

Commas, semicolons, tabs or bars; quoted fields; a header or none. Columns are found by the words of
the header (which may be a ``#`` comment, as abuse.ch writes it), or else by what is in them. The
label of an entry is its category, lower-cased. A URL is its host only where the whole site is
meant; with a path, it is one page. Each row is one line: a stray quote costs one row, and not the
rest of the list.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

from blocklists.entries import ADDRESS, NOT_A_LINE, NOT_A_NAME, NOT_FOR_DNS, PATTERN, Entry, Reject
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, read_name

SAMPLE_LINES_MAX: Final = 200  # looked at before the first entry, to find the columns
_LABEL_CHARACTERS_MAX: Final = 80
_DELIMITERS: Final = ",;\t|"
_NAME_WORDS: Final = (  # in order: a table of domains may have a column of URLs beside
    *("domain", "domains", "domain_name", "domain name", "fqdn", "hostname", "host", "hosts"),
    *("name", "site", "website", "url", "urls", "uri", "address"),
)
_LABEL_WORDS: Final = (
    *("category", "categories", "label", "labels", "type", "kind", "class", "classification"),
    *("topic", "group", "threat", "tag", "tags"),
)
_QUICK: Final = re.compile(rf"(?:https?://)?({QUICK_NAME})/?").fullmatch
_URL: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?)?([^/?#]*)(/?)(.*)", re.IGNORECASE
).fullmatch
_WORD: Final = re.compile(r"[^\W\d][\w &/+-]*").fullmatch


class Layout(NamedTuple):
    """How a table is written. `label` is None where there is no column of categories."""

    delimiter: str
    fields: int
    name: int
    label: int | None
    header: tuple[str, ...] | None


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that are rows of the table the sample shows.

    Zone files and hosts files are written with tabs too, so a table with tabs needs a header.
    """
    layout = find_layout(lines[:SAMPLE_LINES_MAX])
    if layout is None or (layout.delimiter == "\t" and layout.header is None):
        return 0.0
    rows = [_row(line, layout.delimiter) for line in lines if _is_content(line)]
    good = sum(
        len(row) == layout.fields
        and (_looks_named(row[layout.name]) or _words(row) == layout.header)
        for row in rows
    )
    return good / len(rows) if rows else 0.0


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line. Without a column of names, every line is a reject."""
    iterator = iter(lines)
    sample = list(islice(iterator, SAMPLE_LINES_MAX))
    layout = find_layout(sample)
    new = tuple.__new__  # takes half the time of the constructor
    for number, line in enumerate(chain(sample, iterator), 1):
        if not _is_content(line):
            continue
        row = _row(line, layout.delimiter) if layout else []
        if layout is None or len(row) <= max(layout.name, layout.label or 0):
            yield Reject(number, line.strip(), NOT_A_LINE)
            continue
        field = row[layout.name].strip()
        label = ""
        if layout.label is not None:
            label = row[layout.label].strip().lower()[:_LABEL_CHARACTERS_MAX]
        quick = _QUICK(field.lower())
        if quick and len(name := quick[1]) <= NAME_CHARACTERS_MAX:
            yield new(Entry, (number, name, "domain", False, label))
        elif not (field.lower() in _NAME_WORDS and _words(row) == layout.header):
            yield _read_name(number, line, field, label)


def find_layout(lines: Sequence[str]) -> Layout | None:
    """How the table is written that these lines begin; None if they are none with a column of
    names.
    """
    content = [line for line in lines if _is_content(line)]
    comments = [line for line in lines if not _is_content(line)]
    candidates = []
    for place, delimiter in enumerate(_DELIMITERS):
        sizes = Counter(len(_row(line, delimiter)) for line in content)
        del sizes[0], sizes[1]
        for fields, count in sizes.most_common(1):
            candidates.append((-count, place, delimiter, fields))
    layouts = (
        _layout_by_header(delimiter, fields, [*content[:1], *reversed(comments)])
        or _layout_by_content(delimiter, fields, content)
        for _, _, delimiter, fields in sorted(candidates)
    )
    return next(filter(None, layouts), None)


def _layout_by_header(delimiter: str, fields: int, lines: Sequence[str]) -> Layout | None:
    for line in lines:
        words = _words(_row(line.lstrip("\ufeff #"), delimiter))
        if len(words) == fields and (name := _first(words, _NAME_WORDS)) is not None:
            return Layout(delimiter, fields, name, _first(words, _LABEL_WORDS), words)
    return None


def _layout_by_content(delimiter: str, fields: int, lines: Sequence[str]) -> Layout | None:
    """The columns of names and of categories by what is in them: categories are words, and fewer
    than names.
    """
    rows = [row for line in lines if len(row := _row(line, delimiter)) == fields]
    columns = list(zip(*rows, strict=True))
    named = [sum(map(_looks_named, column)) / len(column) for column in columns]
    name = named.index(max(named))
    if named[name] < 0.5:
        return None
    words = [
        (len(set(column)), place)
        for place, column in enumerate(columns)
        if place != name and all(_WORD(field.strip()) for field in column)
    ]
    label = min(words)[1] if words else None
    return Layout(delimiter, fields, name, label, None)


def _is_content(line: str) -> bool:
    text = line.lstrip("\ufeff \t")
    return bool(text) and not text.startswith("#") and not text.isspace()


def _row(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.lstrip("\ufeff").split(delimiter)
    try:
        return next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter, skipinitialspace=True))
    except (csv.Error, StopIteration):
        return []


def _words(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(field.strip().lower() for field in row)


def _first(words: Sequence[str], wanted: Sequence[str]) -> int | None:
    """The place of the first of the wanted words that is there."""
    return next((words.index(word) for word in wanted if word in words), None)


def _looks_named(field: str) -> bool:
    url = _URL(field.strip().lower())
    host = url[1].partition(":")[0] if url else ""
    return bool(_QUICK(host.removeprefix("*.").removesuffix(".")))


def _read_name(number: int, line: str, field: str, label: str) -> Entry | Reject:
    url = _URL(field)
    if url is None or not url[1]:
        return Reject(number, line.strip(), NOT_A_NAME)
    if url[3]:
        return Reject(number, line.strip(), NOT_FOR_DNS)
    host = url[1].removeprefix("*.")
    if "*" in host:
        return Reject(number, line.strip(), PATTERN)
    if host.startswith("["):  # RFC 3986 section 3.2.2
        return Reject(number, line.strip(), ADDRESS)
    return read_name(number, line.strip(), host, "domain", label)
