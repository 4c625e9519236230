"""When something that is opened for a class begins and ends, as a form says it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from portal.forms import Form
from portal.words import t

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LESSON_MINUTES: Final[Sequence[int]] = (60, 90)
DAY_END: Final = "17:00"
OTHER: Final = "other"


def ends(zone: ZoneInfo, at: float) -> list[tuple[str, str, str]]:
    """The choices for the end: of this lesson, of the day, another."""
    found = [
        (str(minutes), t("exceptions.until_lesson", minutes=minutes), "")
        for minutes in LESSON_MINUTES
    ]
    if datetime.fromtimestamp(at, zone).strftime("%H:%M") < DAY_END:
        found.append((DAY_END, t("exceptions.until_time", time=DAY_END), ""))
    return [*found, (OTHER, t("exceptions.until_other"), t("exceptions.until_other_hint"))]


def local_time(form: Form) -> str | None:
    """What stands in `day` and `time`, as `services.explain` has it; None for now."""
    day, time = form.text("day", "", 10), form.text("time", "", 5)
    if day and not is_day(day):
        form.wrong("day", t("checking.day_wrong"))
    if time and not TIME.fullmatch(time):
        form.wrong("time", t("checking.time_wrong"))
    if day and not time:
        form.wrong("time", t("checking.time_missing"))
    if form.errors.keys() & {"day", "time"} or not time:
        return None
    return f"{day}T{time}" if day else time


def read_start(form: Form, zone: ZoneInfo, at: float) -> float | None:
    """When it begins, by `day` and `time`; None: now."""
    text = local_time(form)
    if text is None:
        return None
    day, _, time = text.rpartition("T")
    return instant(day or _today(zone, at), time, zone)


def read_end(form: Form, zone: ZoneInfo, start: float) -> float | None:
    """When it ends; None, and what is wrong, when nobody could say."""
    chosen = form.chosen("until", [*map(str, LESSON_MINUTES), DAY_END, OTHER])
    if not chosen:
        form.wrong("until", t("exceptions.until_missing"))
        return None
    if chosen[0].isdigit():
        return start + int(chosen[0]) * 60
    if chosen[0] == DAY_END:
        return instant(_today(zone, start), DAY_END, zone)
    time, day = form.text("end_time", "", 5), form.text("end_day", "", 10)
    if not TIME.fullmatch(time):
        form.wrong("end_time", t("exceptions.time_wrong"))
    if day and not is_day(day):
        form.wrong("end_day", t("exceptions.day_wrong"))
    if form.errors.keys() & {"end_time", "end_day"}:
        return None
    return instant(day or _today(zone, start), time, zone)


def is_day(text: str) -> bool:
    """Whether a calendar has this day, and we may count on it."""
    if not DAY.fullmatch(text):
        return False
    try:
        return 2000 < date.fromisoformat(text).year < 3000
    except ValueError:
        return False


def instant(day: str, time: str, zone: ZoneInfo) -> float:
    """A day and a time on the organisation's clock. Raises ValueError."""
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone).timestamp()


def _today(zone: ZoneInfo, at: float) -> str:
    return datetime.fromtimestamp(at, zone).date().isoformat()
