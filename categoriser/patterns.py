"""Patterns people write by hand, and one Aho-Corasick automaton that finds all of them in one pass
over a name.

The automaton knows nothing of labels, so the boundaries are part of each key: in
``"\\n.www.bet365.com.\\n"`` the key ``".bet365.com.\\n"`` can only be found at a boundary and at
the end. Three traps of the library: `iter_long` loses overlapping matches (we use `iter`), integer
stores wrap at 32 bits (we store objects), and building holds the GIL (seconds per million words:
bulk lists belong into `indexfile`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

import ahocorasick

from categoriser.matches import Match
from categoriser.names import NameFault, Spelling, from_text, to_text

T = TypeVar("T")
Kind = Literal["domain", "exact", "wildcard", "keyword"]

MIN_KEYWORD_CHARACTERS: Final = 3  # a token of two letters is in a third of all names

_PLAIN_DOMAIN: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_KEYWORD: Final = re.compile(r"[a-z0-9_-]{3,63}")
_EXCEPTION: Final = re.compile(r"[a-z0-9_.-]{3,253}")
_ALLOWED: Final = "allowed are example.com, =example.com, *.bet, bet365.*, *.example.*, ~casino"


class PatternFault(ValueError):
    """This is not a pattern; the message is *what was given; what is allowed*."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of a hand-written list.

    | written       | matches                                                              |
    |---------------|----------------------------------------------------------------------|
    | `example.com` | the name itself and everything below it                              |
    | `=example.com`| this name only                                                       |
    | `*.bet`       | one or more labels, then `bet` at the end                            |
    | `bet365.*`    | `bet365`, then one or more labels; and everything below              |
    | `*.example.*` | `example` with at least one label on both sides                      |
    | `~casino`     | the characters anywhere inside a label; only ever a suggestion       |

    `text` is the normalised spelling (lower case, IDNA encoded); `key` is what the automaton looks
    for; a keyword's `exceptions` are texts that cancel a hit they cover (`revengeporn` for
    `~porn`).
    """

    text: str
    kind: Kind
    key: str
    exceptions: tuple[str, ...] = ()

    @staticmethod
    def parse(text: str, exceptions: Iterable[str] = ()) -> Pattern:
        """Read one pattern. Raises `PatternFault`."""
        # Fast path: nine in ten of 4,000 starter entries, read at every start.
        if len(text) < 254 and _PLAIN_DOMAIN.fullmatch(text):
            return Pattern(text, "domain", f".{text}.\n")
        if text.startswith("~"):
            return _keyword(text, tuple(exceptions))
        try:
            if text.startswith("="):
                name = _plain(text[1:])
                return Pattern(f"={name}", "exact", f"\n.{name}.\n")
            if text.startswith("*.") or text.endswith(".*"):
                return _wildcard(text)
            name = _plain(text)
            return Pattern(name, "domain", f".{name}.\n")
        except NameFault as fault:
            raise PatternFault(f"{text!r}: {fault}; {_ALLOWED}") from None


def _plain(text: str) -> str:
    name = to_text(from_text(text))
    if name == ".":
        raise PatternFault(f"{text!r}: the root covers every name; {_ALLOWED}")
    return name


def _wildcard(text: str) -> Pattern:
    before, after = text.startswith("*."), text.endswith(".*")
    inner = text[2 if before else 0 : -2 if after else None]
    if not inner or "*" in inner:
        raise PatternFault(f"{text!r}: a star stands for whole labels at an end; {_ALLOWED}")
    name = _plain(inner)
    key = f".{name}." if after else f".{name}.\n"
    return Pattern(f"{'*.' * before}{name}{'.*' * after}", "wildcard", key)


def _keyword(text: str, exceptions: tuple[str, ...]) -> Pattern:
    token = text[1:].lower()
    if not _KEYWORD.fullmatch(token):
        raise PatternFault(f"{text!r}: a keyword is 3 to 63 letters, digits, hyphens, underscores")
    for exception in exceptions:
        if token not in exception or not _EXCEPTION.fullmatch(exception):
            raise PatternFault(
                f"{text!r}: exception {exception!r}; "
                f"allowed is lower-case text that contains {token!r}, so that it can cover a hit"
            )
    return Pattern(f"~{token}", "keyword", token, exceptions)


class PatternTable(Generic[T]):
    """Patterns, each with a value, found by one scan. Immutable; used for categories and for policy
    rules alike.
    """

    __slots__ = ("_scan", "_size")

    def __init__(self, entries: Iterable[tuple[Pattern, T]]) -> None:
        by_key: dict[str, list[tuple[Pattern, T]]] = {}
        size = 0
        for pattern, value in entries:
            by_key.setdefault(pattern.key, []).append((pattern, value))
            size += 1
        automaton = ahocorasick.Automaton(ahocorasick.STORE_ANY)
        for key, group in by_key.items():
            # One word holds one value: equal keys (~bet and ~bet, *.bet and bet) share a tuple.
            automaton.add_word(key, tuple((_test(pattern), value) for pattern, value in group))
        automaton.make_automaton()
        self._size = size
        # An automaton without words has no `iter`.
        self._scan = automaton.iter if by_key else _scan_nothing

    def __len__(self) -> int:
        return self._size

    def find_values(self, forward: str) -> list[T]:
        """The values of all patterns that match `Spelling.forward`, each entry once, in order of
        the matches' end.
        """
        found: list[T] = []
        seen: list[object] = []
        for end, group in self._scan(forward):
            for entry in group:
                test, value = entry
                if test is None:  # anchored at the end of the name: cannot be found twice
                    found.append(value)
                elif test.holds(forward, end) and not any(entry is old for old in seen):
                    seen.append(entry)
                    found.append(value)
        return found


@dataclass(frozen=True, slots=True)
class _Test:
    """What the key cannot say: labels that must stand beside it, or texts that cancel it."""

    size: int
    label_before: bool
    label_after: bool
    exceptions: tuple[str, ...]

    def holds(self, forward: str, end: int) -> bool:
        start = end + 1 - self.size
        if self.label_before and start <= 1:  # forward[0] is the newline, forward[1] the first dot
            return False
        if self.label_after and end >= len(forward) - 2:  # the last dot and the newline
            return False
        # `find` is bounded so that any occurrence it returns covers the hit.
        return all(
            forward.find(text, max(0, end + 1 - len(text)), start + len(text)) < 0
            for text in self.exceptions
        )


def _test(pattern: Pattern) -> _Test | None:
    if pattern.kind in ("domain", "exact"):
        return None
    return _Test(
        size=len(pattern.key),
        label_before=pattern.text.startswith("*."),
        label_after=pattern.text.endswith(".*"),
        exceptions=pattern.exceptions,
    )


def _scan_nothing(forward: str) -> tuple[()]:
    return ()


class StarterTable:
    """Patterns that name categories, as a `CategoryTable`: the starter lists, or any hand-written
    list.
    """

    __slots__ = ("_table",)

    def __init__(self, entries: Iterable[tuple[Pattern, Match]]) -> None:
        self._table = PatternTable(entries)

    def __len__(self) -> int:
        return len(self._table)

    def find(self, spelling: Spelling) -> Sequence[Match]:
        return self._table.find_values(spelling.forward)
