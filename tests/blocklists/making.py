"""Sources, readings and lists made in one line, for tests of what happens to them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from blocklists.entries import NOT_A_NAME
from blocklists.protection import Hit, Protected
from blocklists.reading import Reading, Rejection, read_list
from blocklists.sources import Source
from categoriser.patterns import Pattern

AT: Final = 1_795_254_300.0  # 2026-11-21 09:45:00 UTC
HOUR: Final = 3600.0
PROTECTED: Final = Protected([Pattern.parse("bbc.co.uk"), Pattern.parse("www.nhs.uk")])


def source(word: str = "test:gambling", category: str = "gambling", **keys: Any) -> Source:
    """An enabled source of one category, at a URL that nobody serves unless `keys` say so."""
    place = {} if "file" in keys else {"url": "https://lists.example/gambling.txt"}
    given = {"title": word, "publisher": "Test", "enabled": True, "categories": {"": category}}
    return Source(id=word, **{**given, **place, **keys})


def reading(
    entries: int | dict[str, int] = 1000,
    *,
    broken: int = 0,
    lines: int | None = None,
    allows: int = 0,
    tlds: Iterable[str] = (),
    protected: Iterable[tuple[str, str]] = (),
    html: bool = False,
    sha256: str = "ab" * 32,
) -> Reading:
    """What a list with so many entries (of gambling, unless given by category) would give."""
    counts = {"gambling": entries} if isinstance(entries, int) else entries
    total = sum(counts.values()) + broken
    rejections = (Rejection(NOT_A_NAME, broken, ((7, "=== banner"),)),) if broken else ()
    return Reading(
        source="test:gambling",
        format="plain",
        octets=total * 15,
        sha256=sha256,
        lines=total if lines is None else lines,
        entries=counts,
        allows={"gambling": allows} if allows else {},
        rejections=rejections,
        labels={},
        dropped=(),
        tlds=tuple(tlds),
        protected=tuple(Hit(rule, name) for rule, name in protected),
        html=html,
    )


def names(count: int, word: str = "casino", top: str = "example") -> bytes:
    """A plain list of so many names."""
    return b"".join(b"%s-%d.%s\n" % (word.encode(), n, top.encode()) for n in range(count))


read_here = partial(read_list, protected=PROTECTED, octets_max=1 << 24)
"""Reads a list in this process, with few protected names: a `refreshing.Reader`."""


def write(path: Path, octets: bytes) -> Path:
    """A file with these octets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path
