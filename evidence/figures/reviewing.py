"""Requests for review: what became of them, how much of the blocking was wrong, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.figures.periods import Period
from evidence.reading.places import Venues
from policy.requests import AskedFor, Outcome, ReviewRequest, Share, figures
from policy.store.requests import queue, requests


@dataclass(frozen=True, slots=True)
class Judged:
    """Of blocked sites that people judged, how many were blocked in error."""

    word: str
    """A category, or a list's id; empty: none."""
    decided: int
    upheld: int

    @property
    def ratio(self) -> float:
        """From 0 to 1."""
        return self.upheld / self.decided


@dataclass(frozen=True, slots=True)
class Reviews:
    """What became of requests."""

    asked: int
    """Requests that were made in the period."""
    outcomes: tuple[tuple[AskedFor, Outcome, int], ...]
    """Of those that were decided in the period, whenever they were made."""
    by_category: tuple[Judged, ...]
    by_list: tuple[Judged, ...]
    decided: int
    """How many people decided."""
    seconds_median: float | None
    """Half were decided sooner."""
    seconds_most: float | None
    """Nine of ten were decided sooner."""
    waiting: int
    """Now."""
    oldest_seconds: float | None
    """How long the one has waited that waits longest; None: none waits."""

    @property
    def upheld(self) -> Share:
        """Of requests to open a site those by which whoever asked was right."""
        rows = [row for row in self.outcomes if row[0] == "open" and row[1] != "lapsed"]
        return Share(sum(row[2] for row in rows), sum(row[2] for row in rows if row[1] in _RIGHT))


_RIGHT = frozenset({"allowed", "opened"})


async def reviews(
    connection: AsyncConnection, period: Period, venues: Venues, at: float
) -> Reviews:
    """Read it, of a read connection of the store."""
    kept = [one for one in await requests(connection) if venues is None or one.venue in venues]
    done = figures(one for one in kept if _within(one.decided_at, period))
    waits = [one for one in await queue(connection, at) if venues is None or one.venue in venues]
    outcomes = [(kind, outcome, count) for (kind, outcome), count in done.outcomes.items()]
    return Reviews(
        asked=sum(_within(one.asked_at, period) for one in kept),
        outcomes=tuple(sorted(outcomes)),
        by_category=_judged(done.by_category),
        by_list=_judged(done.by_source),
        decided=done.decided,
        seconds_median=done.seconds_median,
        seconds_most=done.quantile(0.9),
        waiting=len(waits),
        oldest_seconds=_oldest(waits, at),
    )


def _within(instant: float | None, period: Period) -> bool:
    return instant is not None and period.since <= instant < period.until


def _oldest(waiting: list[ReviewRequest], at: float) -> float | None:
    return max((max(0.0, at - one.asked_at) for one in waiting), default=None)


def _judged(shares: Mapping[str, Share]) -> tuple[Judged, ...]:
    found = [Judged(word, share.decided, share.upheld) for word, share in shares.items()]
    return tuple(sorted(found, key=lambda one: (-one.upheld, -one.decided, one.word)))
