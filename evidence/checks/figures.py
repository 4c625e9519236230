"""How the newest checks stand, in a small file that the resolver's `/metrics` shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from evidence.checks.results import Run
from evidence.small_files import read_small, write_small

FILE: Final = "checks.json"
"""In the state folder."""
RUNS_MAX: Final = 1_000
OCTETS_MAX: Final = 1 << 20


class CheckFigure(msgspec.Struct):
    """The newest run of one profile at one venue."""

    venue: str
    profile: str
    at: float
    counts: dict[str, int]


class CheckFigures(msgspec.Struct):
    """All of them. Instants are POSIX seconds."""

    written_at: float = 0.0
    runs: list[CheckFigure] = msgspec.field(default_factory=list)


def figures_of(newest: Sequence[Run], at: float) -> CheckFigures:
    """What is written of runs: the first `RUNS_MAX`."""
    return CheckFigures(
        at, [CheckFigure(one.venue, one.profile, one.at, one.counts) for one in newest[:RUNS_MAX]]
    )


def write_figures(path: Path, found: CheckFigures) -> None:
    """Write them, by rename. Raises OSError."""
    write_small(path, found)


def read_figures(path: Path) -> CheckFigures | None:
    """What was written last; None when there is nothing, or nothing that can be read."""
    return read_small(path, CheckFigures, OCTETS_MAX)
