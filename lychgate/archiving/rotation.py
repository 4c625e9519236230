"""Which archives stay: the newest of each day, week and month, so many of each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_FORM: Final = re.compile(r"(\d{1,3})/(\d{1,3})/(\d{1,3})")
ALLOWED: Final = "DAILY/WEEKLY/MONTHLY, as in 7/4/12"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"lychgate-(\d{8}T\d{6}Z)\.tar\.gz")
_BEFORE: Final = re.compile(r"before-.{1,80}-(\d{8}T\d{6}Z)\.tar\.gz")
BEFORE_SECONDS: Final = 366 * 86_400
"""How long the archive from before a migration is kept."""


@dataclass(frozen=True)
class Keep:
    """How many days, weeks and months have an archive."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 12


def read_keep(text: str) -> Keep:
    """`7/4/12`. Raises ValueError as *what was given; what is allowed*."""
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} says not how many to keep; use {ALLOWED}")
    return Keep(*map(int, found.groups()))


def name_of(at: float) -> str:
    """The name of an archive made at an instant."""
    return f"lychgate-{datetime.fromtimestamp(at, UTC).strftime(_STAMP)}.tar.gz"


def made_at(name: str) -> datetime | None:
    """When an archive of this name was made; None for a file that is none of ours."""
    return _instant(_NAME.fullmatch(name))


def outlived(names: Iterable[str], at: float) -> list[str]:
    """Archives from before a migration that are older than a year."""
    dated = ((_instant(_BEFORE.fullmatch(name)), name) for name in names)
    return [name for made, name in dated if made and at - made.timestamp() > BEFORE_SECONDS]


def _instant(found: re.Match[str] | None) -> datetime | None:
    try:
        return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def superfluous(names: Iterable[str], keep: Keep) -> list[str]:
    """Those to remove. The newest always stays; a file with another name is nobody's business."""
    dated = sorted(
        ((at, name) for name in names if (at := made_at(name)) is not None), reverse=True
    )
    kept = {name for _, name in dated[:1]}
    for count, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        seen: set[tuple[int, ...]] = set()
        for at, name in dated:
            if len(seen) >= count:
                break
            if period(at) not in seen:
                seen.add(period(at))
                kept.add(name)
    return [name for _, name in dated if name not in kept]


def _day(at: datetime) -> tuple[int, ...]:
    return at.year, at.month, at.day


def _week(at: datetime) -> tuple[int, ...]:
    return at.isocalendar()[:2]


def _month(at: datetime) -> tuple[int, ...]:
    return at.year, at.month
