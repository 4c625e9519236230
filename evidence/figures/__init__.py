"""The figures of the filter, for a period and venues: one place, so that all who show them agree.

Metrics, portal and report call `read_figures`, or one of its parts. Nothing here tells who somebody
is, and no part writes. What a reader may see is their matter: they give `venues`.

    period = Period(since, until)
    async with evidence.reading() as happened, store.reading() as decided:
        found = await read_figures(happened, decided, taxonomy, period, venues, at)

Lists and where they come from are not here: this room does not know them (`blocklists.standing`).
Where an order is not told, the greatest comes first, and words in their order after it: the same
data give the same figures, to the letter.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence.figures.alerting import AlertCount, Alerts, alerts
from evidence.figures.blocking import Blocking, CategoryBlocked, ListBlocked, blocking
from evidence.figures.candidates import Candidate, candidates
from evidence.figures.checking import CheckedPlace, Checks, checks
from evidence.figures.deciding import (
    Decided,
    DueForReview,
    ExceptionCount,
    PolicyChange,
    decisions,
    due_for_review,
)
from evidence.figures.holding import InForce, in_force
from evidence.figures.periods import Period
from evidence.figures.reviewing import Judged, Reviews, reviews
from evidence.reading.places import Venues

__all__ = [
    "AlertCount",
    "Alerts",
    "Blocking",
    "Candidate",
    "CategoryBlocked",
    "CheckedPlace",
    "Checks",
    "Decided",
    "DueForReview",
    "ExceptionCount",
    "Figures",
    "InForce",
    "Judged",
    "ListBlocked",
    "Period",
    "PolicyChange",
    "Reviews",
    "alerts",
    "blocking",
    "candidates",
    "checks",
    "decisions",
    "due_for_review",
    "in_force",
    "read_figures",
    "reviews",
]


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them."""

    period: Period
    blocking: Blocking
    reviews: Reviews
    alerts: Alerts
    decided: Decided
    candidates: tuple[Candidate, ...]
    """Blocked sites that look as if they were blocked in error, the likeliest first."""
    checks: Checks


async def read_figures(
    happened: AsyncConnection,
    decided: AsyncConnection,
    taxonomy: Taxonomy,
    period: Period,
    venues: Venues,
    at: float,
    *,
    with_devices: bool = False,
) -> Figures:
    """All figures, of a read connection of each database.

    `with_devices` counts devices by category too, which looks at every event.
    """
    return Figures(
        period,
        await blocking(happened, taxonomy, period, venues, with_devices=with_devices),
        await reviews(decided, period, venues, at),
        await alerts(happened, period, venues),
        await decisions(decided, period, venues, at),
        tuple(await candidates(happened, decided, period, venues)),
        await checks(happened, period, venues),
    )
