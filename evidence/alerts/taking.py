"""From events to alerts, in one write transaction: each event exactly once.

The decisions are those of `grouping` and `noise`; here rows are read and written, and what the
rules ask about the surroundings is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence.alerts import noise
from evidence.alerts.grouping import HELD_SECONDS, Group, Seen
from evidence.alerts.noise import Around, judge
from evidence.alerts.rows import Kept, from_row, to_row
from evidence.alerts.surroundings import Surroundings
from evidence.alerts.tables import (
    CLOSED,
    HELD,
    NEW,
    PENDING,
    groups,
    inbox,
    suspicions,
)
from evidence.alerts.themes import SEVERITIES, AlertSettings, severity_of, theme_of, themes
from evidence.counting import put
from evidence.notices import NoticeSettings, notify
from evidence.reading.events import Event, read_events

EVENTS_MAX: Final = 300
"""Events of one transaction."""
WAITING_MAX: Final = 300
"""Groups that wait and are judged again in one transaction."""
_DAY: Final = 86_400.0


@dataclass(slots=True)
class Took:
    """What came of one transaction."""

    events: int = 0
    alerts: list[int] = field(default_factory=list)
    """Alerts that were made."""


class Taking:
    """Takes events in."""

    def __init__(
        self,
        taxonomy: Taxonomy,
        settings: AlertSettings,
        notices: NoticeSettings,
        zone: str,
    ) -> None:
        self._taxonomy: Final = taxonomy
        self._settings: Final = settings
        self._notices: Final = notices
        self._zone: Final = zone
        self._always: Final = {one.id: one.always for one in themes()}
        self._noted: Final[dict[tuple[str, str], int]] = {}
        """Suspicions of this transaction, and how many devices they have."""
        self._titles: Final = {one.id: one.title for one in themes()}

    async def take(self, connection: AsyncConnection, at: float) -> Took:
        """Look at what is in the inbox, and again at what waits."""
        asked = select(inbox.c.event_id).order_by(inbox.c.event_id).limit(EVENTS_MAX)
        ids = list(await connection.scalars(asked))
        found = sorted(await read_events(connection, ids), key=lambda one: one.id)
        took = Took(len(ids))
        touched = await self._gather(connection, [self._seen(one) for one in found])
        waiting = (
            select(groups)
            .where(
                groups.c.state == PENDING,
                groups.c.last_at <= at - noise.SETTLE_SECONDS,
                groups.c.id.not_in(list(touched)),
            )
            .order_by(groups.c.last_at)
            .limit(WAITING_MAX)
        )
        for row in await connection.execute(waiting):
            touched[row.id] = from_row(row)
        around = Surroundings(connection, at)
        self._noted.clear()
        for kept in touched.values():
            await self._settle(connection, kept, at, around, took)
        if touched:
            columns = [column.name for column in groups.columns if column.name != "id"]
            written = update(groups).where(groups.c.id == bindparam("_id"))
            written = written.values({name: bindparam(name) for name in columns})
            rows = [to_row(kept) for kept in touched.values()]
            await connection.execute(written, [{**row, "_id": row.pop("id")} for row in rows])
        await connection.execute(delete(inbox).where(inbox.c.event_id.in_(ids)))
        return took

    def _seen(self, event: Event) -> Seen | None:
        severity = severity_of(event.category, self._taxonomy, self._settings.severity)
        if severity is None:
            return None
        return Seen(
            event.id,
            event.at,
            event.pseudonym,
            event.venue,
            event.room,
            event.name,
            event.domain,
            event.category,
            event.action,
            event.sources,
            event.queries,
            severity,
        )

    async def _gather(
        self, connection: AsyncConnection, found: Sequence[Seen | None]
    ) -> dict[int, Kept]:
        """Put events into their groups; those that changed, by number."""
        seen = [one for one in found if one is not None and one.pseudonym]
        if not seen:
            return {}
        known = await self._known(connection, seen)
        last = int(await connection.scalar(select(func.max(groups.c.id))) or 0)
        touched: dict[int, Kept] = {}
        for one in seen:
            theme = theme_of(one.category, self._taxonomy).id
            key = (one.pseudonym, theme, one.venue)
            mine = known.setdefault(key, [])
            kept = next(
                (
                    it
                    for it in reversed(mine)
                    if it.state != CLOSED and it.group.takes(one, held=not it.is_open)
                ),
                None,
            )
            if kept is None:
                last += 1
                before = [it.id for it in mine if it.state == CLOSED]
                refers = before[-1] if before else None
                group = Group.begun(one, theme)
                kept = Kept(last, group, PENDING, one.severity, refers_to=refers)
                mine.append(kept)
                await connection.execute(insert(groups), to_row(kept))
            else:
                kept.group.add(one)
            touched[kept.id] = kept
        return touched

    async def _known(
        self, connection: AsyncConnection, seen: Sequence[Seen]
    ) -> dict[tuple[str, str, str], list[Kept]]:
        """Groups that events may belong to, the oldest first."""
        since = min(one.at for one in seen) - HELD_SECONDS
        asked = (
            select(groups)
            .where(
                groups.c.pseudonym.in_({one.pseudonym for one in seen}),
                or_(groups.c.last_at >= since, groups.c.state == CLOSED),
            )
            .order_by(groups.c.id)
        )
        known: dict[tuple[str, str, str], list[Kept]] = {}
        for row in await connection.execute(asked):
            known.setdefault((row.pseudonym, row.theme, row.venue), []).append(from_row(row))
        return known

    async def _settle(
        self,
        connection: AsyncConnection,
        kept: Kept,
        at: float,
        surroundings: Surroundings,
        took: Took,
    ) -> None:
        """Judge one group."""
        always = self._always.get(kept.group.theme, False)
        around = await surroundings.of(kept, always=always)
        judged = judge(kept.group, around)
        was = kept.severity
        if kept.is_open:
            kept.severity = max(was, judged.severity, key=SEVERITIES.index)
            kept.raises = judged.raises or kept.raises
            if kept.severity != was:
                await self._tell(connection, kept, at, told=was)
        elif judged.becomes == "alert":
            kept.state, kept.rule, kept.made_at = NEW, "", at
            kept.severity, kept.raises = judged.severity, judged.raises
            took.alerts.append(kept.id)
            await self._tell(connection, kept, at)
        elif judged.becomes == "hold":
            kept.state, kept.rule, kept.severity = HELD, judged.rule, judged.severity
            if judged.rule == noise.VENUE_WIDE:
                await self._suspect(connection, kept, around, at)
        elif kept.state == HELD and judged.becomes == "wait":
            kept.state, kept.rule = PENDING, ""

    async def _tell(
        self, connection: AsyncConnection, kept: Kept, at: float, *, told: str = ""
    ) -> None:
        title = self._titles.get(kept.group.theme, kept.group.theme)
        await notify(
            connection,
            self._notices,
            at,
            kind="alert",
            severity=kept.severity,
            venue=kept.group.venue,
            text=title,
            path=f"/alerts/id/{kept.id}",
            zone=self._zone,
            digest=set(kept.group.categories) <= self._settings.digest_only,
            told=told,
        )

    async def _suspect(
        self, connection: AsyncConnection, kept: Kept, around: Around, at: float
    ) -> None:
        """Note that a list may be wrong; tell somebody, once a day."""
        group = kept.group
        domain, asked = next(iter(group.domains.items()))
        noted = (group.venue, domain)
        if self._noted.get(noted) == around.devices:
            return
        self._noted[noted] = around.devices
        key = (suspicions.c.venue == group.venue, suspicions.c.domain == domain)
        before = (await connection.execute(select(suspicions).where(*key))).first()
        samples = await read_events(connection, group.samples[:1])
        row: dict[str, Any] = {
            "venue": group.venue,
            "domain": domain,
            "category": asked.category,
            "sources": " ".join(samples[0].sources) if samples else "",
            "devices": around.devices,
            "first_at": before.first_at if before else group.first_at,
            "last_at": group.last_at,
        }
        if before is not None:
            row["devices"] = max(around.devices, before.devices)
            row["last_at"] = max(group.last_at, before.last_at)
        await put(connection, suspicions, [row], over=("devices", "last_at", "sources"))
        if before is None or group.last_at - before.last_at > _DAY:
            await notify(
                connection,
                self._notices,
                at,
                kind="list",
                severity="medium",
                venue=group.venue,
                text="Many devices asked for one listed site at once: the list may be wrong",
                path="/alerts/held",
                zone=self._zone,
            )
