"""A dashboard and its panels, as they are told to `dashboards.py`, which writes them for Grafana.

Each panel says what good looks like, in words that need no engineer where the dashboard is for
people who are none. Metrics are those of `dashboards/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: a question, and the figures that answer it."""

    title: str
    kind: Literal["stat", "lines", "bars", "table"]
    queries: tuple[tuple[str, str], ...]
    """PromQL, and what a line is called."""
    description: str
    unit: str = "short"
    width: int = 8
    """Of 24."""
    height: int = 8
    amber: float | None = None
    """From where on it needs a look; and `red`, from where on somebody should act. When `red` is
    less than `amber`, less is worse."""
    red: float | None = None
    decimals: int | None = None
    empty: str = ""
    """What it says when there is nothing."""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard."""

    name: str
    title: str
    description: str
    variables: tuple[str, ...]
    panels: tuple[Panel, ...]
    since: str = "now-24h"


def stat(title: str, query: str, description: str, unit: str = "short", **more: object) -> Panel:
    """A single figure."""
    return Panel(
        title, "stat", ((query, ""),), description, unit, **{"width": 6, "height": 5, **more}
    )  # type: ignore[arg-type]


def lines(
    title: str, query: str, legend: str, description: str, unit: str = "short", **more: object
) -> Panel:
    """A course of time."""
    size: dict[str, Any] = {"width": 12, **more}
    return Panel(title, "lines", ((query, legend),), description, unit, **size)


def bars(
    title: str, query: str, legend: str, description: str, unit: str = "short", **more: object
) -> Panel:
    """A comparison as it stands now."""
    size: dict[str, Any] = {"width": 12, **more}
    return Panel(title, "bars", ((query, legend),), description, unit, **size)


def both(
    title: str,
    kind: Literal["lines", "bars"],
    queries: tuple[tuple[str, str], ...],
    description: str,
    unit: str = "short",
    **more: object,
) -> Panel:
    """Several questions on one panel."""
    size: dict[str, Any] = {"width": 12, **more}
    return Panel(title, kind, queries, description, unit, **size)


HERE: Final = 'venue=~"$venue", profile=~"$profile"'
ASKED: Final = f'{HERE}, category=~"$category"'
QUERIES: Final = "lychgate_queries_total"
BYPASS: Final = 'category=~"circumvention.*", action=~"block|warn|monitor"'
