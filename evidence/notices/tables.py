"""The outbox: what people are to be told, one row for each of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, Index, Integer, Table, Text

from evidence.tables import METADATA, NUMBER

WAITING: Final = "waiting"
SENT: Final = "sent"
FAILED: Final = "failed"
STATES: Final = (WAITING, SENT, FAILED)

outbox = Table(
    "telemetry_notices",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("venue", Text, nullable=False),  # empty: none
    Column("text", Text, nullable=False),
    Column("path", Text, nullable=False),  # of the page in the portal
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("done_at", Double, nullable=True),
    Index("ix_telemetry_notices_state", "state", "due_at"),
)
