"""Reads the store as a raw document, in pieces small enough that a loop beside it goes on.

What did not change since the document before is the very same object again, so that nobody files
50,000 rules anew because of one exception.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from policy.entries import STORED, STORED_KINDS, Kind, join
from policy.store.rows import TABLES
from policy.store.tables import facts, revisions

_ROWS_AT_ONCE: Final = 1_000
"""About 2 ms of work between two turns of the loop."""

decode_body = msgspec.json.Decoder(dict[str, Any]).decode
"""The body of a row."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """The store as a raw document, which nobody may change: parts of it live on in later ones."""

    raw: dict[str, Any]
    revision: int
    """The last commit that changed the policy, counted from 1."""
    revisions: Mapping[Kind, int]
    """The last commit that changed each kind; a kind that never had an entry is missing."""
    fingerprint: str
    """SHA-256 over which store it is and every kind's last change, in hexadecimal."""
    stamps: Mapping[Kind, str]
    """A random word of each of those commits; after a backup two histories share their numbers."""


async def read_document(
    connection: AsyncConnection, known: StoredDocument | None = None
) -> StoredDocument:
    """The whole document, in the transaction that is open."""
    result = await connection.execute(
        select(revisions.c.kind, revisions.c.revision, revisions.c.stamp)
    )
    rows = {row.kind: row for row in result}
    stamps: dict[Kind, str] = {kind: rows[kind].stamp for kind in STORED_KINDS if kind in rows}
    same = {kind for kind in STORED_KINDS if known and known.stamps.get(kind) == stamps.get(kind)}
    raw: dict[str, Any] = {}
    changed = []
    for key, kinds in STORED.items():
        if not same.issuperset(kinds):
            changed.append(key)
        elif known and key in known.raw:
            raw[key] = known.raw[key]
    raw |= await read_keys(connection, changed)
    store_id = await connection.scalar(select(facts.c.value).where(facts.c.name == "id"))
    numbers: dict[Kind, int] = {kind: rows[kind].revision for kind in stamps}
    print_of = hashlib.sha256(msgspec.json.encode([store_id, numbers, stamps]))
    return StoredDocument(
        raw={key: raw[key] for key in STORED if key in raw},
        revision=max(numbers.values(), default=0),
        revisions=numbers,
        fingerprint=print_of.hexdigest(),
        stamps=stamps,
    )


async def read_keys(connection: AsyncConnection, keys: Collection[str]) -> dict[str, Any]:
    """Some keys of the raw document; those that hold nothing are left out."""
    raw: dict[str, Any] = {}
    for key in keys:
        entries = {kind: await read_entries(connection, kind) for kind in STORED[key]}
        value = join(key, entries)
        if value is not None:
            raw[key] = value
    return raw


async def read_entries(connection: AsyncConnection, kind: Kind) -> list[tuple[Any, dict[str, Any]]]:
    """All entries of a kind with their ids, in the order of the document."""
    table = TABLES[kind]
    order = table.c.position if "position" in table.c else table.c.id
    id = table.c.venue_id + "/" + table.c.id if kind == "rooms" else table.c.id
    entries: list[tuple[Any, dict[str, Any]]] = []
    async with connection.stream(select(id, table.c.body).order_by(order)) as result:
        async for rows in result.partitions(_ROWS_AT_ONCE):
            entries += [(key, decode_body(body)) for key, body in rows]
    return entries
