"""A stretch of time that figures are told for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS_MAX: Final = 800
"""The longest period: counts are kept no longer."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant (inside) until another (outside), in POSIX seconds.

    What is counted by whole days (sites) takes the days of UTC that it touches.
    """

    since: float
    until: float

    @property
    def days(self) -> float:
        """How long it is."""
        return (self.until - self.since) / 86_400.0

    @classmethod
    def of_days(cls, first: date, last: date, zone: ZoneInfo) -> Period:
        """Whole days on the organisation's clock, the last one inside. Raises ValueError."""
        if not 0 <= (last - first).days < DAYS_MAX:
            given = f"{first.isoformat()} to {last.isoformat()}"
            raise ValueError(f"{given}; allowed: a first and a last day, {DAYS_MAX} days at most")
        begin = datetime.combine(first, time(), zone)
        end = datetime.combine(last + timedelta(days=1), time(), zone)
        return cls(begin.timestamp(), end.timestamp())

    @classmethod
    def last_days(cls, days: int, at: float, zone: ZoneInfo) -> Period:
        """Today so far, and the days before it: `days` together."""
        today = datetime.fromtimestamp(at, zone).date()
        whole = cls.of_days(today - timedelta(days=days - 1), today, zone)
        return cls(whole.since, min(whole.until, at))
