"""Kinds of entries, and how a raw document falls into entries and is put together again.

An entry is one thing that people decide about by itself: a venue, a rule, a text for the block
page.  Its body has the keys that `policy.toml` has for it, as pure JSON values: dates and instants
are ISO 8601 text.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from typing import Any, Final, Literal, get_args

Kind = Literal[
    "profiles",
    "organisation",
    "venues",
    "rooms",
    "devices",
    "bundles",
    "essentials",
    "pages",
    "terms",
    "roles",
    "people",
    "rules",
    "exceptions",
    "passes",
]
EntryId = str | int
"""Text where people name the entry (`crewe`, a room `crewe/it-suite`, an essential `=nhs.uk`, a
page by its category), a number for `NUMBERED` kinds."""
Body = Mapping[str, Any]

STORED_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""All that a resolver reads from the store: also passes, which are nobody's decision about the
policy, last minutes, and so belong into no document that people export, compare or import."""

KINDS: Final[tuple[Kind, ...]] = tuple(kind for kind in STORED_KINDS if kind != "passes")
"""In the order in which they may refer to each other: a later one to an earlier one."""

NUMBERED: Final[frozenset[Kind]] = frozenset({"terms", "rules", "exceptions", "passes"})
"""Kinds whose entries get a number from the store, never used again."""

ORGANISATION: Final = "organisation"
"""The id of the one entry of kind `organisation`."""

KEYS: Final[Mapping[str, tuple[Kind, ...]]] = {
    "organisation": ("organisation",),
    "terms": ("terms",),
    "profiles": ("profiles",),
    "venues": ("venues", "rooms"),
    "devices": ("devices",),
    "bundles": ("bundles",),
    "essentials": ("essentials",),
    "pages": ("pages",),
    "roles": ("roles",),
    "people": ("people",),
    "rules": ("rules",),
    "exceptions": ("exceptions",),
}
"""The keys of a raw document, in the order in which it is written, with the kinds they hold."""

STORED: Final[Mapping[str, tuple[Kind, ...]]] = {**KEYS, "passes": ("passes",)}
"""The same for what a resolver reads from the store; see `STORED_KINDS`."""


_TABLES: Final[tuple[Kind, ...]] = ("pages", "roles", "people")
_ARRAYS: Final[tuple[Kind, ...]] = ("terms", "rules", "exceptions")


def split(raw: Mapping[str, Any]) -> Iterator[tuple[Kind, EntryId | None, Body]]:
    """The entries of a raw document that was accepted, in the order of `KINDS`.

    The id is None where the document gives no number. Blanks around texts, which the reader passes
    over, are gone: whoever looks for what names `room:crewe/lab` must find ` room:crewe/lab` too.
    """
    document = _trimmed(plain(raw))
    venues = document.get("venues", {})
    for id, body in document.get("profiles", {}).items():
        yield "profiles", id, body
    if "organisation" in document:
        yield "organisation", ORGANISATION, document["organisation"]
    for id, body in venues.items():
        yield "venues", id, {key: value for key, value in body.items() if key != "rooms"}
    for venue, body in venues.items():
        for room, inner in body.get("rooms", {}).items():
            yield "rooms", f"{venue}/{room}", inner
    for id, body in document.get("devices", {}).items():
        yield "devices", id, body
    for id, body in document.get("bundles", {}).items():
        yield "bundles", id, body
    for site in document.get("essentials", {}).get("sites", ()):
        yield "essentials", site, {}
    for kind in _TABLES:
        for id, body in document.get(kind, {}).items():
            yield kind, id, body
    for kind in _ARRAYS:
        for body in document.get(kind, ()):
            yield kind, body.get("id"), {key: value for key, value in body.items() if key != "id"}


def join(key: str, entries: Mapping[Kind, Iterable[tuple[Any, dict[str, Any]]]]) -> Any:
    """What a raw document has under a key of `STORED`; None for nothing.

    `entries`: those of the key's kinds, with their ids. Takes the bodies over and may add to them.
    """
    if key == "venues":
        venues = dict(entries["venues"])
        for id, body in entries["rooms"]:
            venue, _, room = id.partition("/")
            venues[venue].setdefault("rooms", {})[room] = body
        return venues or None
    (kind,) = STORED[key]
    if key == "organisation":
        return dict(entries[kind]).get(ORGANISATION)
    if key == "essentials":
        sites = [site for site, _ in entries[kind]]
        return {"sites": sites} if sites else None
    if key == "terms":  # a term has no number in a document
        return [body for _, body in entries[kind]] or None
    if kind in NUMBERED:
        numbered = []
        for id, body in entries[kind]:
            body["id"] = id
            numbered.append(body)
        return numbered or None
    return dict(entries[kind]) or None


def _trimmed(value: Any) -> Any:
    """Pure JSON values without blanks around their texts."""
    if isinstance(value, dict):
        return {key: _trimmed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_trimmed(inner) for inner in value]
    return value.strip() if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """A raw document, or a part of one, as pure JSON values: dates and times as text."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, time):  # "12:00" as a period has it
        return value.isoformat("minutes" if not (value.second or value.microsecond) else "auto")
    if isinstance(value, date):
        return value.isoformat()
    return value
