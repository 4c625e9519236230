"""Putting a notice into the outbox, for everybody who is to be told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.alerts.themes import at_least
from evidence.notices.settings import KINDS, NoticeSettings, Recipient
from evidence.notices.tables import WAITING, outbox

WAITING_MAX: Final = 2_000
"""Notices that wait; more are not put in, for nobody could read them."""
TEXT_CHARACTERS_MAX: Final = 200
GATHER_SECONDS: Final = 3.0
"""Notices wait so long for others, so that several go out as one message."""


async def notify(
    connection: AsyncConnection,
    settings: NoticeSettings,
    at: float,
    *,
    kind: str,
    severity: str,
    venue: str = "",
    text: str,
    path: str,
    zone: str = "Europe/London",
    digest: bool = False,
    told: str = "",
) -> int:
    """Tell everybody whom the settings name; how many that are.

    `text` is a line for the body of a message. It must hold nothing personal: no name of a site, no
    pseudonym, nobody's name. `path` is the page of the portal. `digest`: nobody is told at once.
    `told`: whoever is told of this lesser severity knows already. Raises ValueError for a kind
    that is none.
    """
    if kind not in KINDS:
        raise ValueError(f"notice: {kind!r}; allowed: {', '.join(KINDS)}")
    new = [
        one
        for one in settings.recipients
        if _concerns(one, kind, severity, venue)
        and not (told and _concerns(one, kind, told, venue))
    ]
    if not new:
        return 0
    waiting = select(func.count()).select_from(outbox).where(outbox.c.state == WAITING)
    room = WAITING_MAX - int(await connection.scalar(waiting) or 0)
    last = int(await connection.scalar(select(func.max(outbox.c.id))) or 0)
    rows = [
        {
            "id": last + number,
            "at": at,
            "kind": kind,
            "severity": severity,
            "venue": venue,
            "text": _plain(text),
            "path": path,
            "channel": one.channel,
            "recipient": one.to,
            "state": WAITING,
            "due_at": due_at(one, at, ZoneInfo(zone), digest=digest),
            "attempts": 0,
            "problem": "",
            "done_at": None,
        }
        for number, one in enumerate(new, 1)
    ][: max(room, 0)]
    if rows:
        await connection.execute(insert(outbox), rows)
    return len(rows)


def due_at(recipient: Recipient, at: float, zone: ZoneInfo, *, digest: bool = False) -> float:
    """When somebody is told of what happened at an instant. Pure."""
    if recipient.when == "at once" and not digest:
        return at + GATHER_SECONDS
    local = datetime.fromtimestamp(at, zone)
    then = local.replace(hour=recipient.hour, minute=0, second=0, microsecond=0)
    days = (recipient.weekday - local.weekday()) % 7 if recipient.when == "weekly" else 0
    then += timedelta(days=days)
    if then <= local:
        then += timedelta(days=7 if recipient.when == "weekly" else 1)
    return then.timestamp()


def _concerns(one: Recipient, kind: str, severity: str, venue: str) -> bool:
    where = not one.venues or venue in one.venues
    return kind in one.kinds and where and severity in at_least(one.severity)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:TEXT_CHARACTERS_MAX]
