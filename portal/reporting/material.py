"""What figures and report are made of, read at one time for one period and venues."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence.figures import (
    Alerts,
    Blocking,
    Candidate,
    Checks,
    Decided,
    DueForReview,
    Figures,
    InForce,
    Period,
    Reviews,
    decisions,
    due_for_review,
    in_force,
    read_figures,
    reviews,
)
from evidence.figures.candidates import DEVICES_MIN
from evidence.reading.places import Venues
from evidence.store import EvidenceStore
from policy.store import Store, StoreFault


@dataclass(frozen=True, slots=True)
class Happened:
    """What telemetry has to tell. Nobody is named in it."""

    blocking: Blocking
    alerts: Alerts
    candidates: tuple[Candidate, ...]
    checks: Checks


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to tell. Nobody is named in it but those who decided."""

    period: Period
    at: float
    happened: Happened | None
    """None: telemetry is off, or cannot be read now."""
    trouble: str
    """Why it cannot be read; empty when it can, or is off."""
    reviews: Reviews
    decided: Decided
    due: tuple[DueForReview, ...]
    in_force: InForce

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Sites that may be blocked in error."""
        return self.happened.candidates if self.happened else ()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it is read."""

    store: Store
    evidence: EvidenceStore | None
    """None: telemetry is off."""
    taxonomy: Taxonomy


async def read_material(
    sources: Sources, period: Period, venues: Venues, at: float, zone: ZoneInfo
) -> Material:
    """Read it. Raises `StoreFault` when decisions cannot be read; without telemetry it goes on."""
    today = datetime.fromtimestamp(at, zone).date()
    async with sources.store.reading() as decided:
        figures, trouble = await _figures(sources, decided, period, venues, at)
        return Material(
            period,
            at,
            None if figures is None else _happened(figures),
            trouble,
            figures.reviews if figures else await reviews(decided, period, venues, at),
            figures.decided if figures else await decisions(decided, period, venues, at),
            tuple(await due_for_review(decided, today, venues)),
            await in_force(decided, venues, at, zone),
        )


async def _figures(
    sources: Sources, decided: AsyncConnection, period: Period, venues: Venues, at: float
) -> tuple[Figures | None, str]:
    """All figures; or none of them, and why."""
    if sources.evidence is None:
        return None, ""
    try:
        async with sources.evidence.reading() as happened:
            taxonomy = sources.taxonomy
            return await read_figures(happened, decided, taxonomy, period, venues, at), ""
    except StoreFault as fault:
        return None, str(fault)


def _happened(found: Figures) -> Happened:
    # A site that fewer devices asked for might be somebody.
    named = tuple(one for one in found.blocking.top if one.devices >= DEVICES_MIN)
    blocking = replace(found.blocking, top=named)
    return Happened(blocking, found.alerts, found.candidates, found.checks)
