"""Figures for Prometheus that need the databases: worked out now and then by the recorder, written
into a small file, and shown by the resolver's `/metrics` (`lychgate.figure_metrics`). So a scrape
reads one file, however much has happened, and no resolver opens a database for it.

An area is one file, found by folder: `evidence/measuring/<area>.py` has::

    FAMILIES: Final = (Family("lychgate_alerts", "Alerts that are kept", ("theme",)),)

    async def measure(given: Given) -> Mapping[str, Sequence[Sample]]: ...

One that reads nothing but telemetry says `NEEDS_STORE: Final = False`, and has figures without a
store. Labels are words of the policy, of the taxonomy or of this code; `bounded` holds every family
below `SERIES_MAX`. No device and no pseudonym; the name of a site is in one family, `candidates`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from categoriser.taxonomy import Taxonomy
from evidence.figures import Period
from evidence.measured import Family, Sample

__all__ = ["Area", "Family", "Given", "MeasuringSettings", "Sample", "areas", "bounded"]

SERIES_MAX: Final = 2_000
"""Of one family; the smallest are added up under `OTHERS`."""
LABEL_CHARACTERS_MAX: Final = 120
OTHERS: Final = "(others)"

DAY: Final = "day"
"""Today so far, on the organisation's clock."""
MONTH: Final = "month"
"""Today so far and the 29 days before."""
MONTH_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class MeasuringSettings:
    """What may be set (`[metrics]`)."""

    candidates: bool = True
    """Whether sites that may be blocked in error are named."""
    devices_min: int = 5
    """Sites that fewer devices asked for are named only if somebody asked for them openly."""


@dataclass(frozen=True, slots=True)
class Given:
    """What an area is given."""

    happened: AsyncConnection
    """A read connection of the telemetry database."""
    decided: AsyncConnection
    """One of the store. An area with `NEEDS_STORE = False` does not touch it."""
    taxonomy: Taxonomy
    periods: Mapping[str, Period]
    """`DAY` and `MONTH`."""
    at: float
    zone: ZoneInfo
    """The organisation's."""
    settings: MeasuringSettings


@dataclass(frozen=True, slots=True)
class Area:
    """One file of this folder."""

    name: str
    families: tuple[Family, ...]
    needs_store: bool
    measure: Callable[[Given], Awaitable[Mapping[str, Sequence[Sample]]]]


@cache
def areas() -> tuple[Area, ...]:
    """Every area, by name."""
    found = []
    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        loaded = import_module(f"{__name__}.{module.name}")
        if hasattr(loaded, "FAMILIES"):
            needs = getattr(loaded, "NEEDS_STORE", True)
            found.append(Area(module.name, tuple(loaded.FAMILIES), needs, loaded.measure))
    return tuple(found)


def bounded(
    rows: Iterable[tuple[tuple[str, ...], float]], most: int = SERIES_MAX
) -> tuple[Sample, ...]:
    """The figures of a family, equal labels added up: at most `most`, the greatest; what is beyond
    is one more, whose labels all say `OTHERS`. Hostile words are cut short. Pure.
    """
    sums: Counter[tuple[str, ...]] = Counter()
    for labels, value in rows:
        sums[tuple(_plain(label) for label in labels)] += value  # type: ignore[assignment]
    ordered = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    kept = ordered if len(ordered) <= most else ordered[: most - 1]
    found = [Sample(labels, float(value)) for labels, value in sorted(kept)]
    if len(kept) < len(ordered):
        rest = ordered[len(kept) :]
        labels = (OTHERS,) * len(rest[0][0])
        found.append(Sample(labels, float(sum(value for _, value in rest))))
    return tuple(found)


def _plain(label: str) -> str:
    """A label without what could not be read, or could not be written in UTF-8."""
    text = label[:LABEL_CHARACTERS_MAX]
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
