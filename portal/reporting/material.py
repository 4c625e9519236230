"""What figures and report are made of, read at one time for one period and venues."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from categoriser.taxonomy import Taxonomy
from evidence.figures import (
    Alerts,
    Blocking,
    Candidate,
    Decided,
    DueForReview,
    Period,
    Reviews,
    decisions,
    due_for_review,
    read_figures,
    reviews,
)
from evidence.figures.candidates import DEVICES_MIN
from evidence.reading.places import Venues
from evidence.store import EvidenceStore
from policy.store import Store, StoreFault


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to tell. Nobody is named in it but those who decided."""

    period: Period
    at: float
    blocking: Blocking | None
    """None: telemetry is off, or cannot be read now; so with `alerts`."""
    alerts: Alerts | None
    candidates: tuple[Candidate, ...]
    reviews: Reviews
    decided: Decided
    due: tuple[DueForReview, ...]


async def read_material(
    store: Store,
    evidence: EvidenceStore | None,
    taxonomy: Taxonomy,
    period: Period,
    venues: Venues,
    at: float,
    zone: ZoneInfo,
) -> Material:
    """Read it. Raises `StoreFault` when decisions cannot be read; without telemetry it goes on."""
    async with store.reading() as decided:
        due = await due_for_review(decided, datetime.fromtimestamp(at, zone).date(), venues)
        async with AsyncExitStack() as stack:
            try:
                if evidence is None:
                    raise _Nothing
                happened = await stack.enter_async_context(evidence.reading())
                found = await read_figures(happened, decided, taxonomy, period, venues, at)
            except (StoreFault, _Nothing):
                return Material(
                    period,
                    at,
                    None,
                    None,
                    (),
                    await reviews(decided, period, venues, at),
                    await decisions(decided, period, venues, at),
                    tuple(due),
                )
    # A site that fewer devices asked for might be somebody.
    named = tuple(one for one in found.blocking.top if one.devices >= DEVICES_MIN)
    return Material(
        period,
        at,
        replace(found.blocking, top=named),
        found.alerts,
        found.candidates,
        found.reviews,
        found.decided,
        tuple(due),
    )


class _Nothing(Exception):
    """There is no telemetry."""
