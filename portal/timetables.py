"""A profile's week as it falls on the calendar, for the chart and the table beside it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from policy.calendar import Calendar
from policy.types import Period, Profile
from portal.charts import Stretch, week_grid
from portal.words import t

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As a policy document has them, Monday first."""
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Held:
    """A period on one day."""

    period: Period
    start: int
    """Minutes after midnight."""
    end: int
    is_now: bool


@dataclass(frozen=True, slots=True)
class Week:
    """The week that an instant lies in."""

    chart: Markup
    today: Sequence[Held]
    """What holds today, in order of time."""


def week_of(profile: Profile, calendar: Calendar, at: float, zone: ZoneInfo) -> Week:
    """The week around an instant, on the organisation's clock."""
    local = datetime.fromtimestamp(at, zone)
    monday = local.date() - timedelta(days=local.weekday())
    minute = local.hour * 60 + local.minute
    days = [monday + timedelta(days=number) for number in range(7)]
    stretches: list[Stretch] = []
    today: list[Held] = []
    for number, day in enumerate(days):
        held = [
            (period, start, end)
            for period in profile.periods
            for start, end, begins in _parts(period)
            if _begins(period, day - timedelta(days=begins), calendar)
        ]
        for period, start, end in sorted(held, key=lambda one: one[1:]):
            stretches.append(Stretch(number, start, end, period.name))
            if number == local.weekday():
                today.append(Held(period, start, end, start <= minute < end))
    chart = week_grid(
        "week",
        t("profiles.chart_title", title=profile.title),
        t("profiles.chart_text"),
        [f"{day:%a} {day.day} {day:%b}" for day in days],
        stretches,
        (local.weekday(), minute),
    )
    return Week(chart, today)


def clock_of(minute: int) -> str:
    """`12:30` for 750; the end of a day is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def days_of(period: Period) -> str:
    """`Monday to Friday`, or the days one by one."""
    days = sorted(period.days)
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return t("periods.days_range", first=_day(days[0]), last=_day(days[-1]))
    return ", ".join(_day(day) for day in days)


def _day(number: int) -> str:
    return t("day." + DAYS[number])


def _parts(period: Period) -> Sequence[tuple[int, int, int]]:
    """Start, end, and how many days ago it began: one that goes past midnight has two parts."""
    if period.end_minute > period.start_minute:
        return [(period.start_minute, period.end_minute, 0)]
    return [(period.start_minute, _DAY_MINUTES, 0), (0, period.end_minute, 1)]


def _begins(period: Period, day: date, calendar: Calendar) -> bool:
    return day.weekday() in period.days and calendar.fits(period.when, day)
