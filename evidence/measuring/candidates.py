"""Blocked sites that may be blocked in error: the one family with the name of a site.

Never one that fewer than `devices_min` devices asked for, unless somebody asked openly that it be
opened; `metrics.candidates = false` turns it off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evidence.figures import candidates
from evidence.measuring import MONTH, Family, Given, Sample, bounded

SITES_MAX: Final = 50

_CANDIDATE: Final = "lychgate_review_candidate"

FAMILIES: Final = (
    Family(
        _CANDIDATE,
        "How much a blocked site is worth a look: devices in 30 days, 20 for each open request",
        ("site", "category"),
    ),
)


async def measure(given: Given) -> Mapping[str, Sequence[Sample]]:
    """Read it."""
    if not given.settings.candidates:
        return {_CANDIDATE: ()}
    found = await candidates(
        given.happened,
        given.decided,
        given.periods[MONTH],
        devices_min=given.settings.devices_min,
    )
    rows = [((one.site, one.category), float(one.weight)) for one in found[:SITES_MAX]]
    return {_CANDIDATE: bounded(rows, SITES_MAX)}
