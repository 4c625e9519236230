"""The small tables, read whole: where queries came from, and what was decided about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.tables import CHECK, origins, verdicts

ROWS_MAX: Final = 20_000
"""Of each small table; they hold some hundreds."""

Venues = Collection[str] | None
"""Venues that a reader may see; None: all."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where queries came from."""

    venue: str
    room: str
    profile: str
    transport: str


NOWHERE: Final = Origin("", "", "", "")
"""Of an origin that is gone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided."""

    action: str
    reason: str
    category: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Both tables, by the numbers that events have of them."""

    origins: dict[int, Origin]
    verdicts: dict[int, Verdict]

    @classmethod
    async def read(cls, connection: AsyncConnection) -> Places:
        """Read them."""
        came = await connection.execute(select(origins).limit(ROWS_MAX))
        decided = await connection.execute(select(verdicts).limit(ROWS_MAX))
        return cls(
            {row.id: Origin(row.venue, row.room, row.profile, row.transport) for row in came},
            {
                row.id: Verdict(row.action, row.reason, row.category, tuple(row.sources.split()))
                for row in decided
            },
        )

    def from_venues(self, venues: Venues, room: str = "", profile: str = "") -> list[int] | None:
        """Origins in these places; None when any will do."""
        if venues is None and not room and not profile:
            return None
        return [
            id
            for id, origin in self.origins.items()
            if (venues is None or origin.venue in venues)
            and (not room or origin.room == room)
            and (not profile or origin.profile == profile)
        ]

    def of_people(self, venues: Venues) -> list[int] | None:
        """Origins in these venues but those of checks of the filter; None when any will do."""
        if venues is None and not any(one.transport == CHECK for one in self.origins.values()):
            return None
        return [
            id
            for id, origin in self.origins.items()
            if origin.transport != CHECK and (venues is None or origin.venue in venues)
        ]

    def decided(
        self,
        *,
        action: str = "",
        reason: str = "",
        categories: Collection[str] = (),
        source: str = "",
    ) -> list[int] | None:
        """Verdicts of this kind; None when any will do."""
        if not (action or reason or categories or source):
            return None
        return [
            id
            for id, verdict in self.verdicts.items()
            if (not action or verdict.action == action)
            and (not reason or verdict.reason == reason)
            and (not categories or verdict.category in categories)
            and (not source or source in verdict.sources)
        ]

    def venue_ids(self, venues: Venues) -> list[int] | None:
        """Origins that stand for whole venues, in traffic and days; None when any will do."""
        if venues is None:
            return None
        return [
            id
            for id, origin in self.origins.items()
            if origin.venue in venues and not origin.profile and not origin.room
        ]
