"""Typed reading of one TOML table, collecting every fault with its path instead of stopping.

A `Table` remembers which keys it was asked for, so that `finish` can answer each other key with the
nearest one that exists.  After a fault a reading method returns its default, so that reading goes
on; whoever reads must look at `Faults.lines` before using what came out.
Knows TOML, time zones and networks, and nothing of policies.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta, tzinfo
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

from policy.types import Address, Network

W = TypeVar("W", bound=str)

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")

_NUMBER_MAX = 2**53
"""Numbers beyond this are not safe in JSON."""

_SOUGHT_MAX = 50
"""Unknown words of one document for which the nearest known one is sought."""

_SOUGHT_CHARACTERS_MAX = 100

_SUGGEST_WORDS_MAX = 12
"""Up to this many known words are listed whole in a message; of more, only the nearest."""


class Faults:
    """Every fault of one document, as *where: what was given; what is allowed*."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: list[str] = []
        self._sought = 0
        """Words for which the nearest known one was sought."""

    def add(self, path: str, given: str, allowed: str) -> None:
        """Note one fault."""
        at = f"{self.where}: {path}" if path else self.where
        self.lines.append(f"{at}: {given}; {allowed}")

    def unknown(self, path: str, word: str, kind: str, known: Collection[str]) -> None:
        """Note a word that should have been one of the known ones."""
        # One search among 20,000 words takes 40 ms: a document of faults must not take hours.
        sought = self._sought < _SOUGHT_MAX and len(word) <= _SOUGHT_CHARACTERS_MAX
        nearest = difflib.get_close_matches(word, sorted(known), n=1) if sought else []
        self._sought += 1
        if nearest:
            allowed = f"did you mean {show(nearest[0])}?"
        elif len(known) <= _SUGGEST_WORDS_MAX:
            allowed = f"allowed: {', '.join(sorted(known)) or 'none, there are none yet'}"
        else:
            allowed = f"allowed: one of {len(known)} such as {', '.join(sorted(known)[:4])}"
        self.add(path, f"{show(word)} is not a {kind}", allowed)


class Table:
    """One table of a document."""

    def __init__(self, raw: dict[str, Any], path: str, faults: Faults) -> None:
        self.raw = raw
        self.path = path
        self.faults = faults
        self._asked: dict[str, None] = {}

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def finish(self) -> None:
        """Answer each key nobody asked for with the nearest known one."""
        for key in self.raw:
            if key not in self._asked:
                self.faults.unknown(self.at(key), key, "known key", list(self._asked))

    def has(self, key: str) -> bool:
        """Whether the key is given; counts as asking for it."""
        self._asked[key] = None
        return key in self.raw

    def text(self, key: str, default: str | None = None) -> str:
        """Text that is not blank; required when there is no default."""
        if not self._given(key, required=default is None):
            return default or ""
        value = self.raw[key]
        if not isinstance(value, str) or not value.strip():
            self._wrong(key, value, "text", 'text in quotes, such as "Ellesmere Port"')
            return default or ""
        return value.strip()

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        if not self._given(key):
            return default
        value = self.raw[key]
        if not isinstance(value, bool):
            self._wrong(key, value, "yes or no", "true or false")
            return default
        return value

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number between two bounds, both in."""
        if not self._given(key):
            return default
        value = self.raw[key]
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._wrong(key, value, "possible number", f"a whole number from {low} to {high}")
        return default

    def number(self, key: str) -> int | None:
        """The number that the store gave to an entry; None where there is none."""
        return self.whole(key, 1, _NUMBER_MAX, 1) if self.has(key) else None

    def seconds(self, key: str) -> float:
        """A required instant, written as POSIX seconds."""
        if not self._given(key, required=True):
            return 0.0
        value = self.raw[key]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and abs(value) < _NUMBER_MAX:
            return float(value)
        self._wrong(key, value, "instant", "POSIX seconds")
        return 0.0

    def word(self, key: str, allowed: Collection[W], default: W, required: bool = False) -> W:
        """One of some words."""
        if not self._given(key, required):
            return default
        value = self.raw[key]
        for word in allowed:
            if word == value:
                return word
        self._wrong(key, value, "allowed word", f"{', '.join(allowed)}")
        return default

    def reference(self, key: str, known: Collection[str], kind: str) -> str | None:
        """The id of something that must exist."""
        if not self.has(key):
            return None
        value = self.text(key)
        if value and value not in known:
            self.faults.unknown(self.at(key), value, kind, known)
            return None
        return value or None

    def texts(self, key: str) -> list[tuple[str, str]]:
        """A list of texts, each with its path."""
        values: list[tuple[str, str]] = []
        for number, value in enumerate(self._list(key)):
            if isinstance(value, str) and value.strip():
                values.append((f"{self.at(key)}[{number}]", value.strip()))
            else:
                self._wrong(f"{key}[{number}]", value, "text", "text in quotes")
        return values

    def networks(self, key: str) -> list[tuple[str, Network]]:
        """A list of networks, each with its path."""
        found = []
        for path, text in self.texts(key):
            network = self.network(path, text)
            if network is not None:
                found.append((path, network))
        return found

    def network(self, path: str, text: str) -> Network | None:
        """One network, whose text was already read."""
        allowed = "allowed: CIDR such as 10.20.0.0/16"
        try:
            return ip_network(text)
        except ValueError:
            pass
        try:
            meant = ip_network(text, strict=False)
        except ValueError:
            self.faults.add(path, f"{show(text)} is not a network", allowed)
        else:
            self.faults.add(path, f"{show(text)} has host bits set", f"did you mean {meant}?")
        return None

    def addresses(self, key: str) -> list[tuple[str, Address]]:
        """A list of single addresses, each with its path."""
        found: list[tuple[str, Address]] = []
        for path, text in self.texts(key):
            try:
                found.append((path, ip_address(text)))
            except ValueError:
                allowed = "allowed: one address such as 10.20.3.7"
                self.faults.add(path, f"{show(text)} is not an address", allowed)
        return found

    def clock(self, key: str) -> int:
        """A time of day, in minutes after midnight, up to 1440 for 24:00."""
        if not self._given(key, required=True):
            return 0
        value = self.raw[key]
        if isinstance(value, time) and not value.second and not value.microsecond:
            return value.hour * 60 + value.minute
        if isinstance(value, str) and _CLOCK.fullmatch(value):
            return int(value[:2]) * 60 + int(value[3:])
        self._wrong(key, value, "time of day", '"00:00" to "24:00"')
        return 0

    def day(self, key: str) -> date | None:
        """A date."""
        if not self.has(key):
            return None
        value = self.raw[key]
        if isinstance(value, str):  # as JSON, which has no dates, writes it
            with suppress(ValueError):
                return date.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        self._wrong(key, value, "date", "a date such as 2027-01-31")
        return None

    def instant(self, key: str, zone: tzinfo, whole_day: bool = False) -> float | None:
        """An instant in POSIX seconds; local where no offset is written.

        A bare date is the start of that day, or its end (`whole_day`), for a person who writes
        "until 31 January" means that day to be in.
        """
        if not self.has(key):
            return None
        value = self.raw[key]
        if isinstance(value, str):  # as JSON, which has no dates, writes it
            with suppress(ValueError):
                value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=zone)).timestamp()
        if isinstance(value, date):
            start = datetime(value.year, value.month, value.day, tzinfo=zone)
            return (start + timedelta(days=1) if whole_day else start).timestamp()
        self._wrong(key, value, "date or time", "such as 2026-12-01 or 2026-12-01T12:00:00Z")
        return None

    def table(self, key: str) -> Table:
        """A table; an empty one when it is missing."""
        value = self.raw[key] if self.has(key) else {}
        if not isinstance(value, dict):
            self._wrong(key, value, "table", f"[{self.at(key)}]")
            value = {}
        return Table(value, self.at(key), self.faults)

    def named_tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """Tables below a key, with their ids."""
        outer = self.table(key)
        for id in outer.raw:
            if not _ID.fullmatch(id):
                allowed = "allowed: lower-case letters and digits with single hyphens between"
                self.faults.add(outer.at(id), f"{show(id)} is not an id", allowed)
            elif not isinstance(outer.raw[id], dict):
                outer._wrong(id, outer.raw[id], "table", f"[{outer.at(id)}]")
            else:
                yield id, Table(outer.raw[id], outer.at(id), self.faults)

    def tables(self, key: str) -> Iterator[tuple[int, Table]]:
        """An array of tables, with their positions from 0."""
        for number, value in enumerate(self._list(key)):
            if isinstance(value, dict):
                yield number, Table(value, f"{self.at(key)}[{number}]", self.faults)
            else:
                self._wrong(f"{key}[{number}]", value, "table", f"[[{self.at(key)}]]")

    def _list(self, key: str) -> list[Any]:
        value = self.raw[key] if self.has(key) else []
        if not isinstance(value, list):
            self._wrong(key, value, "list", "a list in square brackets")
            return []
        return value

    def _given(self, key: str, required: bool = False) -> bool:
        given = self.has(key)
        if required and not given:
            self.faults.add(self.at(key), "nothing is given", f"{key} is required")
        return given

    def _wrong(self, key: str, value: object, kind: str, allowed: str) -> None:
        article = "an" if kind[0] in "aeiou" else "a"
        given = f"{show(value)} is not {kind if kind in _MASS else f'{article} {kind}'}"
        self.faults.add(self.at(key), given, f"allowed: {allowed}")


_MASS = ("text", "yes or no")
"""Kinds that take no article."""


def show(value: object) -> str:
    """A value as its author wrote it, near enough to find it."""
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
