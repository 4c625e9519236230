"""What the filter did today and in 30 days, as pages and reports count it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evidence.figures import blocking
from evidence.figures.venues import actions_by_venue, sites_by_venue
from evidence.measuring import Family, Given, Sample, bounded

LISTS_MAX: Final = 200
NEEDS_STORE: Final = False

_QUERIES: Final = "lychgate_period_queries"
_SITES: Final = "lychgate_blocked_sites"
_ALL_SITES: Final = "lychgate_distinct_blocked_sites"
_VENUE_SITES: Final = "lychgate_venue_blocked_sites"
_LISTS: Final = "lychgate_list_blocked_queries"
_BYPASS: Final = "lychgate_bypass_queries"
_DEVICES: Final = "lychgate_bypass_devices"

FAMILIES: Final = (
    Family(_QUERIES, "Queries of a period, by what was decided", ("period", "venue", "action")),
    Family(_SITES, "Different registered domains blocked in a period", ("period", "category")),
    Family(_ALL_SITES, "The same of all categories together", ("period",)),
    Family(_VENUE_SITES, "The same by venue", ("period", "venue")),
    Family(_LISTS, "Queries blocked because a list has the name", ("period", "source")),
    Family(_BYPASS, "Queries of names by which people get round a filter", ("period",)),
    Family(_DEVICES, "Different devices that made such queries", ("period",)),
)


async def measure(given: Given) -> Mapping[str, Sequence[Sample]]:
    """Read it."""
    found: dict[str, list[tuple[tuple[str, ...], float]]] = {one.name: [] for one in FAMILIES}
    for word, period in given.periods.items():
        done = await blocking(given.happened, given.taxonomy, period)
        for (venue, action), queries in (await actions_by_venue(given.happened, period)).items():
            found[_QUERIES].append(((word, venue, action), queries))
        for one in done.by_category:
            found[_SITES].append(((word, one.category), one.sites))
        for venue, sites in (await sites_by_venue(given.happened, period)).items():
            found[_VENUE_SITES].append(((word, venue), sites))
        for source in done.by_list[:LISTS_MAX]:
            found[_LISTS].append(((word, source.source), source.queries))
        found[_ALL_SITES].append(((word,), done.sites))
        found[_BYPASS].append(((word,), done.bypass_queries))
        found[_DEVICES].append(((word,), done.bypass_devices))
    return {name: bounded(rows) for name, rows in found.items()}
