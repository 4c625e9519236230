"""Exceptions as they stand in the store: when they began, when they ended, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.figures.roles import Roles, read_roles
from policy.reading import Faults, Table
from policy.store.tables import exceptions

EXCEPTIONS_MAX: Final = 20_000
"""That are read, the newest."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One exception. Instants are POSIX seconds."""

    venue: str
    """Empty: everywhere, or one device."""
    since: float
    until: float
    """When it ended, or will."""
    ended_early: bool
    role: str
    """Of whoever granted it, as it is now; empty: no longer known."""


async def standing_exceptions(connection: AsyncConnection, zone: ZoneInfo) -> list[Standing]:
    """All of them; one that cannot be read opens nothing, and is left out."""
    roles = await read_roles(connection)
    asked = select(exceptions.c.venue_id, exceptions.c.body).order_by(exceptions.c.id.desc())
    found = []
    for venue, body in await connection.execute(asked.limit(EXCEPTIONS_MAX)):
        one = _read(venue or "", msgspec.json.decode(body), zone, roles)
        if one is not None:
            found.append(one)
    return found


def _read(venue: str, body: dict[str, Any], zone: ZoneInfo, roles: Roles) -> Standing | None:
    faults = Faults("")
    table = Table(body, "", faults)
    since = table.instant("from", zone)
    until = table.instant("until", zone, whole_day=True)
    revoked = table.instant("revoked", zone) if body.get("revoked") else None
    if since is None or until is None:
        return None
    role = roles.named(str(body.get("approver", "")))
    if revoked is not None and revoked < until:
        return Standing(venue, since, max(revoked, since), True, role)
    return Standing(venue, since, until, False, role)
