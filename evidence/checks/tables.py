"""The tables of checks, on the metadata of `telemetry.db`."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, LargeBinary, Table, Text

from evidence.tables import METADATA, NUMBER


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


runs = Table(
    "telemetry_check_runs",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    *(_text(name) for name in ("venue", "profile", "who", "way")),
    _text("counts"),  # JSON: results by outcome
    _text("troubles"),  # JSON: results that did not pass
    Column("passed", LargeBinary, nullable=False),  # JSON of the others, deflated
    Index("ix_telemetry_check_runs_at", "at"),
    Index("ix_telemetry_check_runs_venue", "venue", "profile", "id"),
)
"""One run of one profile at one venue."""

notes = Table(
    "telemetry_check_notes",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("run_id", NUMBER, nullable=False),
    Column("at", Double, nullable=False),
    _text("who"),
    _text("text"),
    Index("ix_telemetry_check_notes_run_id", "run_id"),
)
"""What people did about a run: only ever added."""

names = Table(
    "telemetry_check_names",
    METADATA,
    Column("name", Text, primary_key=True),
    _text("expected"),  # blocked, open
    _text("reason"),
    Column("at", Double, nullable=False),
    _text("who"),
)
"""Names that administrators want to have checked as well."""

announced = Table(
    "telemetry_check_announced",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    _text("venue"),
    _text("address"),
    _text("names"),  # separated by spaces
)
"""What a check asks as a client of a venue, as whom, and when: written before it asks, so that it
is known from a learner."""
