"""A small file of figures for Prometheus: written by the recorder, and by the portal; read by the
resolver's `/metrics`. No database is needed to read or write it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from evidence.small_files import read_small, write_small

OCTETS_MAX: Final = 8 << 20
RECORDER_FILE: Final = "figures.json"
"""In the state folder."""
PORTAL_FILE: Final = "portal-figures.json"


class Sample(msgspec.Struct, array_like=True, frozen=True):
    """A figure and the values of its labels, in the order of its family."""

    labels: tuple[str, ...]
    value: float


class Family(msgspec.Struct, frozen=True):
    """One metric, as Prometheus knows it; with figures, as it is written into the file."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: str = "gauge"
    """Or `counter`, or `histogram`: then samples are what `buckets` gives."""
    samples: tuple[Sample, ...] = ()


class Measured(msgspec.Struct, frozen=True):
    """The whole file."""

    written_at: float
    seconds: float
    """What working it out took."""
    families: tuple[Family, ...]


def write_measured(path: Path, measured: Measured) -> None:
    """Write it, by rename. Raises OSError."""
    write_small(path, measured)


def read_measured(path: Path) -> Measured | None:
    """What was written last; None when there is nothing, or nothing that can be read."""
    return read_small(path, Measured, OCTETS_MAX)


def buckets(took: Iterable[float], bounds: Sequence[float]) -> tuple[Sample, ...]:
    """The samples of a histogram: cumulative buckets, and last, without a label, the sum. Pure."""
    found = [0] * (len(bounds) + 1)
    total = 0.0
    for seconds in took:
        found[bisect_left(bounds, seconds)] += 1
        total += seconds
    return cumulative(found, bounds, total)


def cumulative(counts: Sequence[int], bounds: Sequence[float], total: float) -> tuple[Sample, ...]:
    """The same of what was counted already, by the first bound that is not below it. Pure."""
    samples, so_far = [], 0
    for bound, count in zip((*bounds, math.inf), counts, strict=True):
        so_far += count
        samples.append(Sample(("+Inf" if bound == math.inf else f"{bound}",), float(so_far)))
    return (*samples, Sample((), total))
