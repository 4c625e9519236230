"""The store of decisions: tables in SQLite or PostgreSQL, read as a raw document.

SQLAlchemy Core, asynchronous.  What is read here has the shape of `policy.toml` and is built by the
same reader, so that both mean the same; what is written here comes from `policy.commands` alone.
Not part of the pure half: `policy` outside this folder and `policy.commands` knows no database.
"""

from __future__ import annotations

from policy.entries import KINDS, Body, EntryId, Kind
from policy.store.backups import backup
from policy.store.faults import StoreFault
from policy.store.reading import StoredDocument
from policy.store.store import Store
from policy.store.watch import Watch
from policy.store.writing import Writing

__all__ = [
    "KINDS",
    "Body",
    "EntryId",
    "Kind",
    "Store",
    "StoreFault",
    "StoredDocument",
    "Watch",
    "Writing",
    "backup",
]
