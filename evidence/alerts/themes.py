"""Themes of alerts from categories, and how much each category matters. Pure, but for its file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final, Literal

from categoriser.taxonomy import Severity, Taxonomy
from evidence.reading.blocked import bypass_categories

AlertSeverity = Literal["low", "medium", "high"]

SEVERITIES: Final[tuple[AlertSeverity, ...]] = ("low", "medium", "high")
OTHER: Final = "other"
"""The theme of a category that no theme names."""


@dataclass(frozen=True, slots=True)
class Theme:
    """What alerts are about."""

    id: str
    title: str
    categories: tuple[str, ...]
    always: bool = False
    """One look makes an alert, and nothing is held back."""


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """What an organisation chose."""

    severity: Mapping[str, Severity] = field(default_factory=dict)
    """Other severities than those of the taxonomy, by category; `none`: no alerts."""
    digest_only: frozenset[str] = frozenset()
    """Categories whose alerts wait for the next digest."""
    alert_days: float = 730
    note_days: float = 365
    held_days: float = 90


@cache
def themes() -> tuple[Theme, ...]:
    """Every theme, in the order of `themes.toml`; the last takes what is left."""
    text = resources.files("evidence.alerts").joinpath("themes.toml").read_text(encoding="utf-8")
    found = [
        Theme(one["id"], one["title"], tuple(one["categories"]), one.get("always", False))
        for one in tomllib.loads(text)["theme"]
    ]
    return (*found, Theme(OTHER, "Other concerns", ()))


def theme_of(category: str, taxonomy: Taxonomy) -> Theme:
    """The theme of a category."""
    family = {category, *(taxonomy.ancestors(category) if category in taxonomy else ())}
    return next((one for one in themes() if family & {*one.categories}), themes()[-1])


def alerting(taxonomy: Taxonomy) -> frozenset[str]:
    """The categories whose events may make alerts: those that matter, and ways round the filter."""
    matters = {id for id, category in taxonomy.items() if category.safeguarding != "none"}
    return frozenset(matters) | bypass_categories(taxonomy)


def severity_of(
    category: str, taxonomy: Taxonomy, chosen: Mapping[str, Severity]
) -> AlertSeverity | None:
    """How much an event of a category matters; None: not at all.

    Ways round the filter matter a little even where the taxonomy says `none`: repeated, they do.
    """
    if category in chosen:
        given = chosen[category]
        return None if given == "none" else given
    if category not in taxonomy:
        return None
    own = taxonomy[category].safeguarding
    if own == "none":
        return "low" if category in bypass_categories(taxonomy) else None
    return own


def graver(first: AlertSeverity, second: AlertSeverity) -> AlertSeverity:
    """The graver of two."""
    return max(first, second, key=SEVERITIES.index)


def raised(severity: AlertSeverity, steps: int) -> AlertSeverity:
    """Some steps graver, `high` at most."""
    return SEVERITIES[min(SEVERITIES.index(severity) + steps, len(SEVERITIES) - 1)]


def at_least(severity: str) -> Sequence[str]:
    """This severity and all graver ones."""
    return SEVERITIES[SEVERITIES.index(severity) :] if severity in SEVERITIES else ()
