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


@dataclass(frozen=True, slots=True)
class StoredParts:
    """Some keys of the raw document, which nobody may change."""

    raw: dict[str, Any]
    stamps: Mapping[Kind, str]
    """A random word of the last commit of each kind, also of kinds that are not in `raw`."""


async def read_document(
    connection: AsyncConnection, known: StoredDocument | None = None
) -> StoredDocument:
    """The whole document, in the transaction that is open."""
    result = await connection.execute(select(revisions.c.kind, revisions.c.revision))
    committed: dict[str, int] = {row.kind: row.revision for row in result}
    parts = await read_parts(connection, tuple(STORED), known)
    store_id = await connection.scalar(select(facts.c.value).where(facts.c.name == "id"))
    numbers: dict[Kind, int] = {kind: committed[kind] for kind in parts.stamps}
    print_of = hashlib.sha256(msgspec.json.encode([store_id, numbers, parts.stamps]))
    return StoredDocument(
        raw=parts.raw,
        revision=max(numbers.values(), default=0),
        revisions=numbers,
        fingerprint=print_of.hexdigest(),
        stamps=parts.stamps,
    )


async def read_parts(
    connection: AsyncConnection,
    keys: Collection[str],
    known: StoredDocument | StoredParts | None = None,
) -> StoredParts:
    """Some keys of the document; those that did not change since `known` are the same objects."""
    result = await connection.execute(select(revisions.c.kind, revisions.c.stamp))
    found = {row.kind: row.stamp for row in result}
    stamps: dict[Kind, str] = {kind: found[kind] for kind in STORED_KINDS if kind in found}
    same = {kind for kind in STORED_KINDS if known and known.stamps.get(kind) == stamps.get(kind)}
    raw: dict[str, Any] = {}
    changed = []
    for key in keys:
        if not same.issuperset(STORED[key]):
            changed.append(key)
        elif known and key in known.raw:
            raw[key] = known.raw[key]
    raw |= await read_keys(connection, changed)
    return StoredParts(raw={key: raw[key] for key in keys if key in raw}, stamps=stamps)


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
