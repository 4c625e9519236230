"""Times as people type them: `12:00`, `2026-03-03T12:00`, `2026-03-03`, `+2h`.

Without an offset they are on the organisation's own clock. Pure: the present is an argument.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ALLOWED: Final = "use 12:00 for today, 2026-03-03T12:00, 2026-03-03, or +2h, +30m, +7d from now"
_DAY_ALLOWED: Final = "use 2026-03-03, or +7d from today"

_INSTANT_MAX: Final = 200e9
"""In the year 8307: `datetime` ends with 9999, in whatever time zone."""

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")
_FROM_NOW: Final = re.compile(r"\+(\d{1,5})([dhm])")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


class InstantFault(ValueError):
    """A text that is no time; *where: what was given; what is allowed*."""


def read_instant(
    text: str, now: float, zone: ZoneInfo, where: str, *, whole_day: bool = False
) -> float:
    """An instant in POSIX seconds. Raises `InstantFault`; `where` begins it.

    A bare date is the start of that day, or its end (`whole_day`): who writes "until 31 January"
    means that day to be in. `+2h` is two hours from now; `+7d` the same time on the clock in a
    week.
    """
    try:
        at = _read(text, now, zone, whole_day)
        if 0 <= at < _INSTANT_MAX:
            return at
    except (ValueError, OverflowError):
        pass
    raise InstantFault(f"{where}: {text!r} is not a time; {ALLOWED}")


def _read(text: str, now: float, zone: ZoneInfo, whole_day: bool) -> float:
    local = datetime.fromtimestamp(now // 1, zone)
    if later := _FROM_NOW.fullmatch(text):
        count, unit = int(later[1]), later[2]
        if unit == "d":
            return (local + timedelta(days=count)).timestamp()
        return now // 1 + count * (3600 if unit == "h" else 60)
    if _CLOCK.fullmatch(text):
        text = f"{local.date().isoformat()}T{text.zfill(5)}"
    if _DAY.fullmatch(text):
        day = datetime.combine(date.fromisoformat(text), datetime.min.time(), zone)
        return (day + timedelta(days=1) if whole_day else day).timestamp()
    given = datetime.fromisoformat(text)
    return (given if given.tzinfo else given.replace(tzinfo=zone)).timestamp()


def read_day(text: str, now: float, zone: ZoneInfo, where: str) -> date:
    """A date, as in `2026-03-03` or `+7d`. Raises `InstantFault`."""
    later = _FROM_NOW.fullmatch(text)
    try:
        if later and later[2] == "d":
            return datetime.fromtimestamp(now, zone).date() + timedelta(days=int(later[1]))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InstantFault(f"{where}: {text!r} is not a date; {_DAY_ALLOWED}") from None


def write_instant(at: float, zone: ZoneInfo) -> str:
    """An instant as the policy has it: ISO 8601 on the local clock, with its offset."""
    return datetime.fromtimestamp(at // 1, zone).isoformat(timespec="seconds")


def show_span(start: float, end: float, zone: ZoneInfo) -> tuple[str, str]:
    """Two instants in a table, on the local clock: `2026-03-03 09:00`, and `12:00` for an end on
    the same day; "" for one without bounds.
    """
    first, last = (
        "" if math.isinf(at) else f"{datetime.fromtimestamp(at // 1, zone):%Y-%m-%d %H:%M}"
        for at in (start, end)
    )
    same_day = first[:10] and first[:10] == last[:10]
    return first, last[11:] if same_day else last
