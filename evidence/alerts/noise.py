"""What becomes of a group: an alert and how grave, or held back and by which rule. Pure.

The rules are data, `noise.toml`, which pages show; the first that fits counts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from evidence.alerts.grouping import Group, is_periodic
from evidence.alerts.themes import AlertSeverity, raised

VENUE_WIDE: Final = "venue-wide"
VENUE_WIDE_SECONDS: Final = 900.0
"""Devices that ask for the same site within so long are counted together."""
SETTLE_SECONDS: Final = 45.0
"""The longest `settle_seconds` of a rule: what waits is judged again after it."""
FALSE_POSITIVE_DAYS: Final = 30.0
EARLIER_DAYS: Final = 7.0
_LABEL: Final = re.compile(r"[.-]")

Becomes = Literal["alert", "hold", "wait"]


@dataclass(frozen=True, slots=True)
class Raise:
    """Makes an alert one step graver."""

    id: str
    reason: str
    looks_min: int | None = None
    domains_min: int | None = None
    earlier_min: int | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Holds a group back, when everything that is given is so."""

    id: str
    title: str
    reason: str
    settle_seconds: float = 0.0
    severities: tuple[str, ...] = ()
    looks_min: int | None = None
    looks_max: int | None = None
    names_max: int | None = None
    labels: frozenset[str] = frozenset()
    only_names: frozenset[str] = frozenset()
    traffic_min: int | None = None
    devices_min: int | None = None
    false_positive: bool = False
    interval_seconds_min: float | None = None
    interval_spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of `noise.toml`."""

    thresholds: Mapping[AlertSeverity, tuple[int, int]]
    """Looks, and names, that make an alert."""
    raises: tuple[Raise, ...]
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """What else is known when a group is judged."""

    at: float
    always: bool = False
    """Its theme makes alerts at once."""
    traffic: int = 0
    """Allowed queries at its venue in the minute of its first look."""
    devices: int = 1
    """Devices at its venue that asked for its only site within a quarter of an hour."""
    earlier: int = 0
    """Alerts of the same device and theme within a week."""
    false_positives: frozenset[str] = frozenset()
    """Sites of alerts about this theme that were closed as false positives lately."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a group now."""

    becomes: Becomes
    severity: AlertSeverity
    rule: str = ""
    """What holds it back."""
    raises: tuple[str, ...] = ()


@cache
def rules() -> Rules:
    """The rules that ship."""
    text = resources.files("evidence.alerts").joinpath("noise.toml").read_text(encoding="utf-8")
    return read_rules(text)


def read_rules(text: str) -> Rules:
    """Rules from their document. Raises KeyError or TypeError for what is no rule."""
    raw = tomllib.loads(text)
    return Rules(
        {severity: (one["looks_min"], one["names_min"]) for severity, one in raw["alert"].items()},
        tuple(Raise(**one) for one in raw["raise"]),
        tuple(Hold(**_frozen(one)) for one in raw["hold"]),
    )


def judge(group: Group, around: Around, by: Rules | None = None) -> Judged:
    """An alert, held back, or not to be told yet."""
    known = by or rules()
    raises = tuple(one.id for one in known.raises if _raises(one, group, around))
    severity = raised(group.severity, len(raises))
    if around.always:
        return Judged("alert", severity, raises=raises)
    looks, names = known.thresholds[group.severity]
    enough = group.look_count >= looks or len(group.names) >= names
    for rule in known.holds:
        # What needs patience to be told holds nothing back that is enough already.
        if enough and rule.settle_seconds:
            continue
        if _holds(rule, group, around):
            settled = around.at - group.last_at >= rule.settle_seconds
            return Judged("hold" if settled else "wait", severity, rule.id if settled else "")
    return Judged("alert" if enough else "wait", severity, raises=raises if enough else ())


def _raises(rule: Raise, group: Group, around: Around) -> bool:
    return (
        (rule.looks_min is None or group.look_count >= rule.looks_min)
        and (rule.domains_min is None or len(group.domains) >= rule.domains_min)
        and (rule.earlier_min is None or around.earlier >= rule.earlier_min)
    )


def _holds(rule: Hold, group: Group, around: Around) -> bool:
    if rule.severities and group.severity not in rule.severities:
        return False
    if rule.looks_min is not None and group.look_count < rule.looks_min:
        return False
    if rule.looks_max is not None and group.look_count > rule.looks_max:
        return False
    if rule.names_max is not None and len(group.names) > rule.names_max:
        return False
    if rule.traffic_min is not None and around.traffic < rule.traffic_min:
        return False
    if rule.devices_min is not None and (
        around.devices < rule.devices_min or len(group.domains) > 1
    ):
        return False
    if rule.false_positive and not group.domains.keys() <= around.false_positives:
        return False
    if rule.only_names and not group.names <= rule.only_names:
        return False
    if rule.labels and not all(_is_part(name, rule.labels) for name in group.names):
        return False
    return rule.interval_seconds_min is None or is_periodic(
        group.looks, rule.looks_min or 3, rule.interval_seconds_min, rule.interval_spread
    )


def _is_part(name: str, labels: frozenset[str]) -> bool:
    """Whether the name reads like that of a part of a page: `cdn7.example.com`, `img-ads.x.net`."""
    first = name.lower().partition(".")[0]
    return any(part.rstrip("0123456789") in labels for part in _LABEL.split(first))


def _frozen(one: dict[str, Any]) -> dict[str, Any]:
    def freeze(key: str, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return tuple(value) if key == "severities" else frozenset(value)

    return {key: freeze(key, value) for key, value in one.items()}


def titles(by: Sequence[Hold] | None = None) -> dict[str, str]:
    """What rules that hold back are called."""
    return {one.id: one.title for one in by or rules().holds}
