"""Response policy zones: master files whose owner names are triggers and whose records are actions.

``x CNAME .`` is the name alone and ``*.x CNAME .`` what is below it, which is why lists write both.
``CNAME .``, ``CNAME *.``, ``CNAME rpz-drop.`` block, and so do data of the zone's own (a walled
garden): other CNAME, A, AAAA, TXT. ``CNAME rpz-passthru.``, or a CNAME to the trigger itself, is an
exception of this list. Triggers may be relative to ``$ORIGIN`` or end with the name of the zone,
which is that of the SOA, or else the first ``$ORIGIN``. Triggers by address or name server are
skipped and counted.

The reader is a small one of our own: a library for zones wants the whole zone, and refuses it all
for one bad line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from blocklists.entries import (
    ADDRESS,
    NOT_A_LINE,
    NOT_A_NAME,
    OTHER_ACTION,
    PATTERN,
    Entry,
    Reject,
    Scope,
)
from blocklists.formats.plain import NAME_CHARACTERS_MAX, QUICK_NAME, read_name
from categoriser.names import NameFault, normal

CONTINUED_LINES_MAX: Final = 20  # of one record in parentheses; an SOA takes 6

_QUICK: Final = re.compile(
    rf"(\*\.)?({QUICK_NAME})[ \t]+(?:[0-9]+[ \t]+)?(?:IN[ \t]+)?CNAME[ \t]+\*?\.(?:[ \t]*;.*)?"
).fullmatch
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|;.*|[()]|(?:[^\s;()"\\]|\\.?)+')
_TTL: Final = re.compile(r"[0-9][0-9smhdw]*", re.IGNORECASE)
_TYPE: Final = re.compile(r"[A-Z][A-Z0-9]*")
_OWN_DATA: Final = frozenset({"A", "AAAA", "TXT"})
_NOT_BY_NAME: Final = re.compile(r"(?:\A|\.)rpz-(client-ip|ip|nsdname|nsip)(?:\.|\Z)")
_RECORD: Final = re.compile(
    r"\S*\s+(?:[0-9]+[smhdw]?\s+|IN\s+)*(?:CNAME|SOA|NS|A|AAAA|TXT)\s+\S|\$(?:TTL|ORIGIN)\s",
    re.IGNORECASE,
)


def recognise(lines: Sequence[str]) -> float:
    """The share of lines that are a record of a zone or its ``$TTL`` or ``$ORIGIN``; those within
    parentheses are left out.
    """
    content = known = 0
    within = False
    for line in lines:
        text = line.partition(";")[0].rstrip().lstrip("\ufeff")
        opened, within = within, ("(" in text or within) and ")" not in text
        if text and not opened:
            content += 1
            known += bool(_RECORD.match(text))
    return known / content if content else 0.0


def read(lines: Iterable[str]) -> Iterator[Entry | Reject]:
    """Entries and rejects, line by line; those of a record in parentheses carry its first line."""
    zone = _Zone()
    new = tuple.__new__  # saves a third of the time of the constructor
    for number, line in enumerate(lines, 1):
        quick = _QUICK(line) if zone.is_quick and ".rpz-" not in line else None
        if quick and len(name := quick[2]) <= NAME_CHARACTERS_MAX:
            zone.owner = (quick[1] or "") + name
            yield new(Entry, (number, name, "below" if quick[1] else "exact", False, ""))
        else:
            yield from zone.read_line(number, line)
    yield from zone.give_up()


class _Held(NamedTuple):
    """One line of a record whose parenthesis is open."""

    number: int
    text: str
    tokens: list[str]


class _Zone:
    """What lines of a zone file hand down to later ones."""

    def __init__(self) -> None:
        self.owner = ""  # of the record before, as written
        self.is_quick = True  # names are relative to the zone, and no parenthesis is open
        self._apex: str | None = None  # the zone's name, lower case, without its final dot
        self._origin: str | None = None  # likewise; None: the zone itself, whatever its name
        self._held: list[_Held] = []
        self._depth = 0  # open parentheses

    def read_line(self, number: int, line: str) -> Iterator[Entry | Reject]:
        """What this line, together with those held, gives."""
        tokens = [token for token in _TOKEN.findall(line.lstrip("\ufeff")) if token[0] != ";"]
        if not tokens and not self._held:
            return
        if line[:1].isspace():
            tokens.insert(0, "")  # the owner is left out
        self._held.append(_Held(number, line.strip(), tokens))
        self._depth += tokens.count("(") - tokens.count(")")
        if self._depth > 0:
            self.is_quick = False
            if len(self._held) > CONTINUED_LINES_MAX:
                yield from self.give_up()
            return
        first = self._held[0]
        rest = [word for held in self._held for word in held.tokens if word not in ("", "(", ")")]
        words = rest if first.tokens[0] else ["", *rest]
        self._forget()
        yield from self._read_record(first.number, first.text, words)
        self.is_quick = self._is_direct()

    def give_up(self) -> Iterator[Reject]:
        """Reject the lines of a record whose parenthesis is never closed."""
        for held in self._held:
            yield Reject(held.number, held.text, NOT_A_LINE)
        self._forget()

    def _forget(self) -> None:
        self._held = []
        self._depth = 0
        self.is_quick = self._is_direct()

    def _is_direct(self) -> bool:
        return self._origin is None or self._origin == self._apex

    def _read_record(self, number: int, text: str, words: list[str]) -> Iterator[Entry | Reject]:
        if words and words[0].startswith("$"):
            if reason := self._read_directive(words):
                yield Reject(number, text, reason)
            return
        owner = (words.pop(0) if words else "") or self.owner
        while words and (words[0].upper() == "IN" or _TTL.fullmatch(words[0])):
            del words[0]
        if len(words) < 2 or not owner or not _TYPE.fullmatch(kind := words[0].upper()):
            yield Reject(number, text, NOT_A_LINE)
            return
        self.owner = owner
        if kind == "SOA":
            self._apex = self._absolute(owner)
        elif kind != "NS" and owner.lower() not in ("localhost", "localhost."):  # NS and its glue
            yield self._read_trigger(number, text, owner, kind, words[1])

    def _read_directive(self, words: list[str]) -> str:
        """Why this directive is rejected, or "" if it is not."""
        word = words[0].upper()
        if word == "$ORIGIN" and len(words) == 2:
            origin = self._absolute(words[1]) or ""
            try:
                normal(origin or ".")  # a chain of relative origins cannot grow without end
            except NameFault:
                return NOT_A_NAME
            self._origin = origin
            self._apex = self._apex or origin or None  # ``$ORIGIN .`` names no zone
            return ""
        if word == "$TTL" and len(words) == 2:
            return ""
        return {"$INCLUDE": OTHER_ACTION, "$GENERATE": PATTERN}.get(word, NOT_A_LINE)

    def _absolute(self, name: str) -> str | None:
        """Lower case, without the final dot; None: relative to a zone whose name is not known."""
        name = name.lower()
        if name.endswith("."):
            return name[:-1]
        if self._origin is None:
            return None if name == "@" else name
        return self._origin if name == "@" else f"{name}.{self._origin}".removesuffix(".")

    def _read_trigger(
        self, number: int, text: str, owner: str, kind: str, data: str
    ) -> Entry | Reject:
        relative = self._origin is None and not owner.endswith(".")
        name = self._absolute(owner)
        if not name or name == self._apex:  # data of the zone itself
            return Reject(number, text, OTHER_ACTION)
        if not relative and self._apex:
            if not name.endswith("." + self._apex):  # a server would leave it out, too
                return Reject(number, text, NOT_A_LINE)
            name = name.removesuffix("." + self._apex)
        if other := _NOT_BY_NAME.search(name):
            return Reject(number, text, OTHER_ACTION if other[1] == "nsdname" else ADDRESS)
        allow = False
        if kind == "CNAME":
            target = data.lower().removesuffix(".")
            if target == "rpz-tcp-only":
                return Reject(number, text, OTHER_ACTION)
            allow = target in ("rpz-passthru", name)
        elif kind not in _OWN_DATA:
            return Reject(number, text, OTHER_ACTION)
        scope: Scope = "below" if name.startswith("*.") else "exact"
        name = name.removeprefix("*.")
        if "*" in name:
            return Reject(number, text, PATTERN)
        item = read_name(number, text, name, scope)
        return item._replace(allow=True) if allow and isinstance(item, Entry) else item
