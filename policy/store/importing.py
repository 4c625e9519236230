"""Makes the store hold exactly what a raw document says, and touches only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policy.comparing import Difference, Entry, compare, entries_of
from policy.entries import KINDS, Kind
from policy.store.writing import Writing


async def replace_document(writing: Writing, raw: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Replace the whole policy by a document that was accepted; what changed.

    Rules, exceptions and terms that are in both keep their numbers, and what the document has no
    word for (why a site is essential) stays.
    """
    there = {kind: await _entries(writing, kind) for kind in KINDS}
    changes = compare(there, entries_of(raw))
    for kind in KINDS:
        of_kind = [change for change in changes if change.kind == kind]
        entries = [(change.id, change.after) for change in of_kind if change.after is not None]
        await writing.put_many(kind, entries)
    for kind in reversed(KINDS):  # nothing refers any more to what goes
        gone = [c.id for c in changes if c.kind == kind and c.after is None and c.id is not None]
        await writing.remove_many(kind, gone)
    return changes


async def _entries(writing: Writing, kind: Kind) -> list[Entry]:
    found = await writing.all(kind)
    return [(id, {} if kind == "essentials" else body) for id, body in found.items()]
