"""The database of what happened, open: `telemetry.db`, or PostgreSQL by its address."""

from __future__ import annotations

from typing import ClassVar

from evidence.schema import KEEPING, TELEMETRY, load_tables
from policy.store.database import Database
from policy.store.engine import Keeping
from policy.store.versions import Schema

load_tables()


class EvidenceStore(Database):
    """An open telemetry database. Pages use `reading()`; the recorder alone uses `changing()`,
    besides short acts of people (an alert that is acknowledged).

    Every method raises `policy.store.faults.StoreFault` when the database fails, and has then
    changed nothing.
    """

    schema: ClassVar[Schema] = TELEMETRY
    keeping: ClassVar[Keeping] = KEEPING
    setting: ClassVar[str] = "telemetry.url"
