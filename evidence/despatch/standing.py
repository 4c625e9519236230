"""How sending goes: kept in the database with what it is about, and shown in a small file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.counting import put
from evidence.despatch.tables import STANDING
from evidence.small_files import read_small, write_small
from evidence.tables import facts

FILE: Final = "outward.json"
"""In the state folder."""
OCTETS_MAX: Final = 1 << 16


class Sending(msgspec.Struct):
    """How it stands. Counts are since the database was begun."""

    written_at: float = 0.0
    decision: int = 0
    """The last entry of the audit log that was sent."""
    queries: int = 0
    decisions: int = 0
    """Records that were sent, of each kind."""
    dropped: int = 0
    """Events that waited too long, or were too many."""
    failures: int = 0
    """Tries that failed."""
    in_a_row: int = 0
    """Of these the ones since the last that did not."""
    due_at: float = 0.0
    """No try before this instant."""
    problem: str = ""
    """Of the last try; empty: it went well."""
    waiting: int = 0


async def read_sending(connection: AsyncConnection) -> Sending:
    """What the database remembers."""
    value = await connection.scalar(select(facts.c.value).where(facts.c.name == STANDING))
    try:
        return Sending() if value is None else msgspec.json.decode(value, type=Sending)
    except (msgspec.MsgspecError, UnicodeError):
        return Sending()


async def keep_sending(connection: AsyncConnection, sending: Sending) -> None:
    """Remember it, in the write transaction that is open."""
    row = {"name": STANDING, "value": msgspec.json.encode(sending).decode()}
    await put(connection, facts, [row], over=("value",))


def show_sending(folder: Path, sending: Sending) -> None:
    """Write the file, by rename. Raises OSError."""
    write_small(folder / FILE, sending)


def shown_sending(folder: Path) -> Sending | None:
    """What was written last; None when there is nothing, or nothing that can be read."""
    return read_small(folder / FILE, Sending, OCTETS_MAX)
