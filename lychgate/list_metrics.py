"""How the category lists stand, for Prometheus: how old, how long, held or in trouble.

Read from disk when somebody asks, at most once a second. Only enabled sources, and no name of a
site. Documented in `dashboards/README.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:  # imported when first asked for: no start need wait 50 ms for figures of lists
    from blocklists.sources import Source
    from blocklists.standing import SourceStatus

SOURCES_MAX: Final = 200
"""Sources with figures of their own; `lychgate_list_sources` shows when there are more."""
CACHED_SECONDS: Final = 1.0

_AGE: Final = "lychgate_list_age_seconds"
_CHECKED: Final = "lychgate_list_checked_age_seconds"
_ENTRIES: Final = "lychgate_list_entries"
_GATES: Final = "lychgate_list_gate_failures"
_PROBLEM: Final = "lychgate_list_problem"
_REFRESH: Final = "lychgate_list_refresh_seconds"
_SOURCES: Final = "lychgate_list_sources"
_FAMILIES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    _SOURCES: ("Enabled sources of lists", ()),
    _ENTRIES: ("Entries of the list in use", ("source", "category")),
    _AGE: ("Time since the list in use was fetched", ("source",)),
    _CHECKED: ("Time since the publisher last said what is newest", ("source",)),
    _REFRESH: ("How often the list is to be refreshed", ("source",)),
    _GATES: ("1 while a gate stops a newer version", ("source", "gate")),
    _PROBLEM: ("1 while the list cannot be fetched or read", ("source",)),
}


class ListCollector(Collector):
    """Gives the figures of all enabled sources below `root`.

    `sources` is called for each scrape (at most once a second); `clock` gives POSIX seconds. If
    either the sources or the disk fails, the scrape has no figures of lists, and nothing else is
    lost.
    """

    def __init__(
        self, root: Path, sources: Callable[[], Sequence[Source]], clock: Callable[[], float]
    ) -> None:
        self._root: Final = root
        self._sources: Final = sources
        self._clock: Final = clock
        self._cached: list[GaugeMetricFamily] = []
        self._cached_at = -math.inf

    def describe(self) -> list[GaugeMetricFamily]:
        """The families without figures: what may be registered needs no disk."""
        return [
            GaugeMetricFamily(name, text, labels=labels)
            for name, (text, labels) in _FAMILIES.items()
        ]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families with figures."""
        at = self._clock()
        if not 0 <= at - self._cached_at < CACHED_SECONDS:
            self._cached, self._cached_at = self._measure(at), at
        yield from self._cached

    def _measure(self, at: float) -> list[GaugeMetricFamily]:
        from blocklists.standing import status

        families = self.describe()
        try:
            enabled = [source for source in self._sources() if source.enabled]
            found = status(enabled[:SOURCES_MAX], self._root, at)
        except Exception:  # whatever it is, queries are answered and their figures are wanted
            return families
        named = {family.name: family for family in families}
        named[_SOURCES].add_metric([], len(enabled))
        for each in found:
            _add(named, each)
        return families


def _add(families: dict[str, GaugeMetricFamily], each: SourceStatus) -> None:
    for category, entries in each.entries.items():
        families[_ENTRIES].add_metric([each.id, category], entries)
    for name, age in ((_AGE, each.age_seconds), (_CHECKED, each.checked_age_seconds)):
        families[name].add_metric([each.id], math.inf if age is None else max(age, 0.0))
    families[_REFRESH].add_metric([each.id], each.refresh_seconds)
    for gate in sorted({finding.gate for finding in each.findings}):
        families[_GATES].add_metric([each.id, gate], 1)
    families[_PROBLEM].add_metric([each.id], 1 if each.problem else 0)
