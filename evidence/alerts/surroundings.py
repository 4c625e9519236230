"""What the rules ask about the surroundings of a group, looked up once for one transaction."""

from __future__ import annotations

from typing import Final

from sqlalchemy import distinct, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence import tables
from evidence.alerts import noise
from evidence.alerts.grouping import Group
from evidence.alerts.noise import Around
from evidence.alerts.rows import Kept, from_row
from evidence.alerts.tables import ALERTS, CLOSED, groups
from evidence.instants import first_id, minute_of

FALSE_POSITIVE: Final = "false-positive"
ROWS_MAX: Final = 500
_DAY: Final = 86_400.0


class Surroundings:
    """Remembers answers: many groups of one moment ask the same."""

    def __init__(self, connection: AsyncConnection, at: float) -> None:
        self._connection: Final = connection
        self._at: Final = at
        self._earlier: dict[tuple[str, str], list[int]] | None = None
        self._false: Final[dict[tuple[str, str], frozenset[str]]] = {}
        self._traffic: Final[dict[tuple[str, int], int]] = {}
        self._devices: Final[dict[tuple[str, str, int], int]] = {}

    async def of(self, kept: Kept, *, always: bool) -> Around:
        """What is known around a group."""
        group = kept.group
        if self._earlier is None:
            self._earlier = await self._read_earlier()
        before = self._earlier.get((group.pseudonym, group.theme), [])
        earlier = sum(id != kept.id for id in before)
        if always or kept.is_open:
            return Around(self._at, always, earlier=earlier)
        return Around(
            self._at,
            traffic=await self.traffic(group) if group.look_count == 1 else 0,
            devices=await self.devices(group),
            earlier=earlier,
            false_positives=await self.false_positives(group),
        )

    async def _read_earlier(self) -> dict[tuple[str, str], list[int]]:
        """Alerts of a week, by device and theme."""
        asked = select(groups.c.id, groups.c.pseudonym, groups.c.theme).where(
            groups.c.state.in_(ALERTS), groups.c.made_at >= self._at - noise.EARLIER_DAYS * _DAY
        )
        found: dict[tuple[str, str], list[int]] = {}
        for id, pseudonym, theme in await self._connection.execute(asked):
            found.setdefault((pseudonym, theme), []).append(id)
        return found

    async def false_positives(self, group: Group) -> frozenset[str]:
        """Sites that a lead of this venue called false positives: none decides for another's."""
        key = (group.theme, group.venue)
        if key not in self._false:
            asked = select(groups).where(
                groups.c.state == CLOSED,
                groups.c.outcome == FALSE_POSITIVE,
                groups.c.theme == group.theme,
                groups.c.venue == group.venue,
                groups.c.closed_at >= self._at - noise.FALSE_POSITIVE_DAYS * _DAY,
            )
            rows = await self._connection.execute(asked.limit(ROWS_MAX))
            self._false[key] = frozenset(
                domain for row in rows for domain in from_row(row).group.domains
            )
        return self._false[key]

    async def traffic(self, group: Group) -> int:
        """Allowed queries at the venue in the minute of the first look."""
        key = (group.venue, minute_of(group.first_at))
        if key not in self._traffic:
            minutes, origins = tables.traffic["minutes"], tables.origins
            asked = (
                select(func.sum(minutes.c.queries))
                .join(origins, origins.c.id == minutes.c.venue_id)
                .where(minutes.c.at == key[1], origins.c.venue == group.venue)
            )
            self._traffic[key] = int(await self._connection.scalar(asked) or 0)
        return self._traffic[key]

    async def devices(self, group: Group) -> int:
        """Devices at the venue that asked for the one site of a group about then."""
        if len(group.domains) != 1:
            return 1
        domain = next(iter(group.domains))
        key = (group.venue, domain, minute_of(group.last_at))
        if key not in self._devices:
            events, names, origins = tables.events, tables.names, tables.origins
            asked = (
                select(func.count(distinct(events.c.pseudonym_id)))
                .join(names, names.c.id == events.c.name_id)
                .join(tables.domains, tables.domains.c.id == names.c.domain_id)
                .join(origins, origins.c.id == events.c.origin_id)
                .where(
                    tables.domains.c.domain == domain,
                    origins.c.venue == group.venue,
                    events.c.id >= first_id(group.first_at - noise.VENUE_WIDE_SECONDS),
                    events.c.id <= first_id(group.last_at + noise.VENUE_WIDE_SECONDS),
                )
            )
            self._devices[key] = int(await self._connection.scalar(asked) or 0)
        return self._devices[key]
