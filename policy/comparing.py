"""Two raw documents side by side: which entries one has that the other has not, or has otherwise.

Compared as written: a title that is left out is not the same as one that repeats the id.  Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from policy.entries import KINDS, NUMBERED, Body, EntryId, Kind, split

Entry = tuple[EntryId | None, Body]

_encode = msgspec.json.Encoder(order="sorted").encode

_IDENTITY: Final[Mapping[Kind, tuple[str, ...]]] = {
    "terms": ("name",),
    "rules": ("action", "pattern", "address", "bundle", "scope"),
    "exceptions": ("where", "from", "purpose"),
}
"""What makes two entries without a number the same entry, written otherwise."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that differs: added where `before` is None, removed where `after` is."""

    kind: Kind
    id: EntryId | None
    """None for a rule, exception or term that was given no number."""
    before: Body | None
    after: Body | None


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What changes from one raw document to another, both accepted, by kind.

    Rules, exceptions and terms are found again by their number, else by what they say, else by whom
    and what they are about.
    """
    return compare(entries_of(before), entries_of(after))


def entries_of(raw: Mapping[str, Any]) -> dict[Kind, list[Entry]]:
    """The entries of a raw document by kind."""
    found: dict[Kind, list[Entry]] = {}
    for kind, id, body in split(raw):
        found.setdefault(kind, []).append((id, body))
    return found


def compare(
    before: Mapping[Kind, list[Entry]], after: Mapping[Kind, list[Entry]]
) -> tuple[Difference, ...]:
    """`difference` of entries that were already told apart."""
    found: list[Difference] = []
    for kind in KINDS:
        old, new = before.get(kind, []), after.get(kind, [])
        pairs, removed, added = _pair(old, new, lambda entry: entry[0])
        if kind in NUMBERED:
            for key in (_content, _identity(kind)):
                more, removed, added = _pair(removed, added, key)
                pairs += more
        found += [
            Difference(kind, one[0] if one[0] is not None else other[0], one[1], other[1])
            for one, other in pairs
            if _content(one) != _content(other)
        ]
        found += [Difference(kind, id, body, None) for id, body in removed]
        found += [Difference(kind, id, None, body) for id, body in added]
    return tuple(found)


def _pair(
    old: Iterable[Entry], new: Iterable[Entry], key: Callable[[Entry], Hashable | None]
) -> tuple[list[tuple[Entry, Entry]], list[Entry], list[Entry]]:
    """Entries with the same key, two by two; what is left of the old ones; of the new ones."""
    waiting: dict[Hashable, list[Entry]] = {}
    left: list[Entry] = []
    for entry in old:
        word = key(entry)
        if word is None:
            left.append(entry)
        else:
            waiting.setdefault(word, []).append(entry)
    pairs, added = [], []
    for entry in new:
        word = key(entry)
        same = None if word is None else waiting.get(word)
        if same:
            pairs.append((same.pop(0), entry))
        else:
            added.append(entry)
    return pairs, left + [entry for same in waiting.values() for entry in same], added


def _content(entry: Entry) -> Hashable:
    return _encode(entry[1])


def _identity(kind: Kind) -> Callable[[Entry], Hashable]:
    keys = _IDENTITY[kind]
    return lambda entry: tuple(str(entry[1].get(key)) for key in keys)
