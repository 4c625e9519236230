"""What the recorder says of itself: one small file, written again every second or two.

The recorder has no HTTP server; the resolver's `/metrics` and the portal show what is here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from evidence.small_files import read_small, write_small

OCTETS_MAX: Final = 1 << 20
STALE_SECONDS: Final = 30.0
"""A recorder that has not written for so long is down."""


class DutyStanding(msgspec.Struct):
    """How a periodic duty stands."""

    ran_at: float | None = None
    """When it last began."""
    failures: int = 0
    problem: str = ""
    """Of the last time; empty: it went well."""


class Standing(msgspec.Struct):
    """How the recorder stands. Instants are POSIX seconds; counts are since it was started."""

    written_at: float = 0.0
    started_at: float = 0.0
    last_event_at: float | None = None
    """When the newest event was that is in the database."""
    backlog_batches: int = 0
    backlog_octets: int = 0
    batches: int = 0
    """Batches taken in."""
    details: int = 0
    lost_queries: int = 0
    """Queries that resolvers could not note."""
    damaged_batches: int = 0
    """Batches moved aside."""
    new_databases: int = 0
    """Times a damaged database was moved aside and a new one begun."""
    pruned_rows: int = 0
    database_octets: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
    duties: dict[str, DutyStanding] = msgspec.field(default_factory=dict)


def write_standing(path: Path, standing: Standing) -> None:
    """Write it, by rename. Raises OSError."""
    write_small(path, standing)


def read_standing(path: Path) -> Standing | None:
    """What the recorder said last; None when there is nothing, or nothing that can be read."""
    return read_small(path, Standing, OCTETS_MAX)
