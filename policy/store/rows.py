"""From an entry to the row that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Table

from policy.entries import NUMBERED, STORED_KINDS, Body, EntryId, Kind, plain
from policy.store import tables

TABLES: Final[Mapping[Kind, Table]] = {kind: tables.METADATA.tables[kind] for kind in STORED_KINDS}

_encode = msgspec.json.Encoder().encode
_TARGETS: Final = ("pattern", "address", "bundle")


def row_of(kind: Kind, id: EntryId, body: Body) -> dict[str, Any]:
    """The row of an entry, without its position."""
    kept = plain(body)
    if kind in NUMBERED:  # the number has a column; in a body it would be written down twice
        kept.pop("id", None)
    row = {**key_columns(kind, id), "body": _encode(kept).decode()}
    match kind:
        case "organisation":
            row["default_profile_id"] = kept.get("default_profile")
        case "venues" | "rooms" | "devices":
            row["profile_id"] = kept.get("profile")
        case "rules":
            row |= _scope_columns(kept.get("scope", ""), profiles=True)
            row["action"] = kept.get("action", "")
            target = next((kept[key] for key in _TARGETS if key in kept), "")
            row["target"] = str(target).lower()  # searched as patterns are read, whoever wrote it
            row["review"] = kept.get("review")
        case "exceptions":
            row |= _scope_columns(kept.get("where", ""), profiles=False)
            row["approver"] = kept.get("approver", "")
        case "passes":
            row |= {"who": kept["who"], "until": kept["until"]}
    return row


def key_columns(kind: Kind, id: EntryId) -> dict[str, EntryId]:
    """The columns that find an entry."""
    if kind != "rooms":
        return {"id": id}
    venue, _, room = str(id).partition("/")
    return {"venue_id": venue, "id": room}


def venues_of_person(body: Body) -> set[str]:
    """Venues that the roles of a person name."""
    return {venue for role in body.get("roles", ()) for venue in role.get("venues", ())}


def _scope_columns(scope: str, *, profiles: bool) -> dict[str, Any]:
    """A scope as columns that refer to what it names."""
    word, _, id = scope.partition(":")
    venue, _, room = id.partition("/")
    columns = {
        "venue_id": venue if word in ("venue", "room") else None,
        "room_id": room if word == "room" else None,
        "device_id": id if word == "device" else None,
    }
    return {**columns, "profile_id": id if word == "profile" else None} if profiles else columns
