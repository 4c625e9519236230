"""The table of what waits to go out, on the metadata of `telemetry.db`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Table, Text

from evidence.tables import METADATA, NUMBER

outbox = Table(
    "telemetry_outward",
    METADATA,
    Column("event_id", NUMBER, primary_key=True, autoincrement=False),
    Column("identity", Text, nullable=False),
)
"""Events that were not sent yet: put in with the event itself. `identity` is empty, but where the
settings want device, host name and address (JSON) to go along; it is gone once the event is."""

STANDING: Final = "outward"
"""The name in `telemetry_facts` under which it is remembered how sending goes."""
