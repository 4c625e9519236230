"""What pages ask of alerts. `venues`: those whose alerts the reader may see, None for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.alerts.rows import Kept, from_row
from evidence.alerts.tables import ALERTS, HELD, groups, suspicions
from evidence.notices.tables import STATES, outbox
from evidence.reading.places import Venues

PAGE_MAX: Final = 200


async def alerts(
    connection: AsyncConnection,
    venues: Venues = None,
    *,
    state: str = "",
    severity: str = "",
    theme: str = "",
    pseudonym: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[Kept]:
    """Alerts: those nobody looks after first, then graver ones, then newer ones."""
    table = groups.c
    asked = _seen(select(groups), venues).where(table.state.in_([state] if state else ALERTS))
    for column, value in ((table.severity, severity), (table.theme, theme)):
        asked = asked.where(column == value) if value else asked
    asked = asked.where(table.pseudonym == pseudonym) if pseudonym else asked
    if before is not None:
        asked = asked.where(table.id < before).order_by(table.id.desc())
    else:
        order = case({"new": 0, "acknowledged": 1}, value=table.state, else_=2)
        grave = case({"high": 0, "medium": 1}, value=table.severity, else_=2)
        closed = table.state == "closed"
        asked = asked.order_by(order, case((closed, 0), else_=grave), table.id.desc())
    rows = await connection.execute(asked.limit(min(limit, PAGE_MAX)))
    return [from_row(row) for row in rows]


async def alert(connection: AsyncConnection, id: int, venues: Venues = None) -> Kept | None:
    """One alert; None when there is none, or elsewhere."""
    asked = _seen(select(groups).where(groups.c.id == id), venues)
    row = (await connection.execute(asked.where(groups.c.state.in_(ALERTS)))).first()
    return None if row is None else from_row(row)


async def counts(connection: AsyncConnection, venues: Venues = None) -> dict[tuple[str, str], int]:
    """How many alerts there are, by state and severity."""
    keys = (groups.c.state, groups.c.severity)
    asked: Select[Any] = _seen(select(*keys, func.count()), venues)
    rows = await connection.execute(asked.where(groups.c.state.in_(ALERTS)).group_by(*keys))
    return {(state, severity): int(count) for state, severity, count in rows}


async def held(
    connection: AsyncConnection, since: float, venues: Venues = None, *, limit: int = 100
) -> tuple[dict[str, tuple[int, int]], list[Kept]]:
    """What was held back since an instant: groups and queries by rule; and the newest ones."""
    mine = (groups.c.state == HELD, groups.c.last_at >= since)
    keys: Select[Any] = select(groups.c.rule, func.count(), func.sum(groups.c.queries))
    counted = await connection.execute(_seen(keys.where(*mine), venues).group_by(groups.c.rule))
    by_rule = {rule: (int(count), int(queries)) for rule, count, queries in counted}
    newest = _seen(select(groups).where(*mine), venues).order_by(groups.c.last_at.desc())
    rows = await connection.execute(newest.limit(min(limit, PAGE_MAX)))
    return by_rule, [from_row(row) for row in rows]


async def suspected(
    connection: AsyncConnection, since: float, venues: Venues = None
) -> Sequence[Row[Any]]:
    """Sites for which a whole venue asked at once."""
    asked = select(suspicions).where(suspicions.c.last_at >= since)
    if venues is not None:
        asked = asked.where(suspicions.c.venue.in_(venues))
    return (
        await connection.execute(asked.order_by(suspicions.c.last_at.desc()).limit(PAGE_MAX))
    ).all()


async def notices(
    connection: AsyncConnection, venues: Venues = None, *, limit: int = 100
) -> tuple[dict[str, int], Sequence[Row[Any]]]:
    """How notices were delivered: by state, and the newest ones."""
    counted: Select[Any] = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    newest = select(outbox).order_by(outbox.c.id.desc())
    if venues is not None:
        counted = counted.where(outbox.c.venue.in_(venues))
        newest = newest.where(outbox.c.venue.in_(venues))
    by_state = dict.fromkeys(STATES, 0)
    by_state |= {state: int(count) for state, count in await connection.execute(counted)}
    rows = await connection.execute(newest.limit(min(limit, PAGE_MAX)))
    return by_state, rows.all()


def _seen(asked: Select[Any], venues: Venues) -> Select[Any]:
    return asked if venues is None else asked.where(groups.c.venue.in_(venues))
