"""Sites that may be blocked in error: asked for by people, or by many devices."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.domains import registered
from evidence.figures.periods import Period
from evidence.reading import top_blocked
from evidence.reading.places import Venues
from policy.store.requests import requests

DEVICES_MIN: Final = 5
"""A site that fewer devices asked for is named only if somebody asked for it openly."""
CANDIDATES_MAX: Final = 50
LOOKED_AT_MAX: Final = 200
ASKER_WEIGHT: Final = 20
"""Somebody who asks for a review counts for so many devices that were turned away."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A blocked site that is worth a look."""

    site: str
    """Its registered domain."""
    category: str
    queries: int
    """Blocked ones."""
    devices: int
    """Different ones, a device once a week; 0: fewer than `DEVICES_MIN`."""
    askers: int
    """Who asked openly that it be opened, and was not answered yet."""

    @property
    def weight(self) -> int:
        """What the order goes by."""
        return self.askers * ASKER_WEIGHT + self.devices


async def candidates(
    happened: AsyncConnection,
    decided: AsyncConnection,
    period: Period,
    venues: Venues = None,
    *,
    devices_min: int = DEVICES_MIN,
) -> list[Candidate]:
    """The likeliest first, at most `CANDIDATES_MAX`."""
    asked: Counter[str] = Counter()
    categories: dict[str, str] = {}
    for request in await requests(decided):
        is_ours = venues is None or request.venue in venues
        if request.kind == "open" and request.waits(period.until) and is_ours:
            site = registered(request.site) or request.site
            asked[site] += request.askers
            categories.setdefault(site, request.said.category or "")
    top = await top_blocked(happened, period.since, period.until, venues, limit=LOOKED_AT_MAX)
    found = {
        one.domain: Candidate(
            one.domain,
            one.category,
            one.queries,
            one.devices if one.devices >= devices_min else 0,
            asked[one.domain],
        )
        for one in top
        if one.domain and (one.devices >= devices_min or one.domain in asked)
    }
    for site, askers in asked.items():
        if askers and site not in found:
            found[site] = Candidate(site, categories[site], 0, 0, askers)
    return sorted(found.values(), key=lambda one: (-one.weight, -one.queries, one.site))[
        :CANDIDATES_MAX
    ]
