"""Names that administrators want to have checked as well: must be blocked, or must open."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.checks.tables import names

NAMES_MAX: Final = 100


class OwnName(msgspec.Struct, frozen=True):
    """One of them."""

    name: str
    expected: Literal["blocked", "open"]
    reason: str
    at: float
    who: str


async def own_names(connection: AsyncConnection) -> tuple[OwnName, ...]:
    """All of them, by name."""
    asked = select(names).order_by(names.c.name).limit(NAMES_MAX)
    return tuple(
        OwnName(row.name, row.expected, row.reason, row.at, row.who)
        for row in await connection.execute(asked)
    )
