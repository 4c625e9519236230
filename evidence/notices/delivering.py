"""From the outbox to people: what is due to the same person goes out as one message.

Tried again with growing pauses, `ATTEMPTS_MAX` times and for `EXPIRY_SECONDS` at most. A message
may come twice if the recorder dies between sending and noting it; none is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.alerts.themes import SEVERITIES
from evidence.channels import ChannelFault, Item, Message, channels
from evidence.notices.settings import KINDS, NoticeSettings
from evidence.notices.tables import FAILED, SENT, WAITING, outbox
from evidence.store import EvidenceStore

ATTEMPTS_MAX: Final = 12
EXPIRY_SECONDS: Final = 3 * 86_400.0
PAUSE_SECONDS_MIN: Final = 5.0
PAUSE_SECONDS_MAX: Final = 3_600.0
MESSAGES_MAX: Final = 12
"""Of one run: at `SECONDS_MAX` each they end within the time of a duty."""
ITEMS_MAX: Final = 100
"""Notices of one message."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one run."""

    sent: int = 0
    failed: int = 0


async def deliver(
    evidence: EvidenceStore,
    settings: NoticeSettings,
    titles: Mapping[str, str],
    zone: str,
    at: float,
) -> Told:
    """Send what is due. No transaction is open while a server is talked to."""
    async with evidence.reading() as connection:
        due = await _due(connection, at)
    sent = failed = 0
    for rows in due:
        problem, for_good = "", False
        first = rows[0]
        try:
            send = channels().get(first.channel)
            if send is None:
                raise ChannelFault(f"{first.channel}: there is no such channel", for_good=True)
            await send(compose(rows, settings.portal, titles, zone), first.recipient, settings)
        except ChannelFault as fault:
            problem, for_good = str(fault), fault.for_good
        async with evidence.changing() as connection:
            await _note(connection, rows, problem, for_good, at)
        if problem:
            failed += 1
        else:
            sent += 1
    return Told(sent, failed)


def compose(rows: Sequence[Row[Any]], portal: str, titles: Mapping[str, str], zone: str) -> Message:
    """One message of some notices. Pure."""
    clock = ZoneInfo(zone)
    items = tuple(
        Item(
            row.at,
            row.kind,
            row.severity,
            titles.get(row.venue, row.venue),
            row.text,
            f"{portal}{row.path}" if portal else "",
        )
        for row in rows
    )
    lines = []
    for item in items:
        when = f"{datetime.fromtimestamp(item.at, clock):%d %B %Y, %H:%M}"
        where = f" at {item.venue}" if item.venue else ""
        lines.append(f"{item.text}{where} ({item.severity}), {when}")
        lines += [f"  {item.link}"] if item.link else []
    lines += [
        "",
        "What happened, and on which device, is shown in the portal only, to those who may see it.",
    ]
    # The same notices again are the same message: whoever took it before can tell.
    id = f"{rows[0].id}-{rows[-1].id}-{len(rows)}"
    return Message(id, subject(items), "\n".join(lines), items)


def subject(items: Sequence[Item]) -> str:
    """`2 new safeguarding alerts at Crewe hub (high)`. Pure."""
    counts = Counter(item.kind for item in items)
    parts = []
    for kind, count in counts.items():
        one, several = KINDS.get(kind, (kind, kind))
        parts.append(f"{count} {one if count == 1 else several}")
    venues = list(dict.fromkeys(item.venue for item in items if item.venue))
    where = f" at {venues[0]}" if len(venues) == 1 else f" at {len(venues)} venues"
    gravest = max((item.severity for item in items), key=_grave)
    said = f"{', '.join(parts)}{where if venues else ''} ({gravest})"
    return "".join(c if c.isprintable() else " " for c in said)[:150]


def pause_seconds(attempts: int) -> float:
    """How long to wait after so many attempts. Pure."""
    return float(min(PAUSE_SECONDS_MIN * 2 ** min(attempts, 16), PAUSE_SECONDS_MAX))


def _grave(severity: str) -> int:
    known: Sequence[str] = SEVERITIES
    return known.index(severity) if severity in known else -1


async def _due(connection: AsyncConnection, at: float) -> list[list[Row[Any]]]:
    """Notices that are due, those to the same person together."""
    asked = (
        select(outbox)
        .where(outbox.c.state == WAITING, outbox.c.due_at <= at)
        .order_by(outbox.c.id)
        .limit(MESSAGES_MAX * ITEMS_MAX)
    )
    together: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in await connection.execute(asked):
        together.setdefault((row.channel, row.recipient), []).append(row)
    return [rows[:ITEMS_MAX] for rows in list(together.values())[:MESSAGES_MAX]]


async def _note(
    connection: AsyncConnection,
    rows: Sequence[Row[Any]],
    problem: str,
    for_good: bool,
    at: float,
) -> None:
    for row in rows:
        attempts = row.attempts + 1
        values: dict[str, Any] = {"attempts": attempts, "problem": problem}
        over = for_good or attempts >= ATTEMPTS_MAX or at - row.at > EXPIRY_SECONDS
        if not problem:
            values |= {"state": SENT, "done_at": at}
        elif over:
            values |= {"state": FAILED, "done_at": at}
        else:
            values |= {"due_at": at + pause_seconds(row.attempts)}
        await connection.execute(update(outbox).where(outbox.c.id == row.id).values(values))
