"""The week by the clock on the wall, held against a naive reading of that clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.timetable import HORIZON_DAYS_MAX, Timetable, expand
from policy.types import Action, Period, Profile

from .college import TAXONOMY, instant
from .test_properties import ZONES, instants, periods


def timetable(zone: str, *written: Period, **actions: Action) -> Timetable:
    """The timetable of a profile with these periods."""
    profile = Profile("p", "P", "nxdomain", True, "off", actions, tuple(written))
    return Timetable(profile, TAXONOMY, ZoneInfo(zone))


def holds(period: Period, at: float, zone: str) -> bool:
    """Whether a period holds, by looking at the clock on the wall and nothing else."""
    wall = datetime.fromtimestamp(at, ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    if period.start_minute < period.end_minute:
        return wall.weekday() in period.days and period.start_minute <= minute < period.end_minute
    evening = wall.weekday() in period.days and minute >= period.start_minute
    yesterday = (wall.weekday() - 1) % 7
    return evening or (yesterday in period.days and minute < period.end_minute)


@given(st.lists(periods, max_size=3), instants, st.sampled_from(ZONES))
def test_segment_is_what_the_clock_shows(written: list[Period], at: float, zone: str) -> None:
    """The periods that hold are applied in order, the later over the earlier."""
    expected = {category: TAXONOMY[category].action for category in TAXONOMY}
    for period in written:
        if holds(period, at, zone):
            expected |= expand(period.actions, TAXONOMY)
    assert expected == timetable(zone, *written).segment(at).actions


@given(st.lists(periods, max_size=2), instants, st.sampled_from(ZONES))
def test_changes_are_neither_late_nor_invented(written: list[Period], at: float, zone: str) -> None:
    """Until a category's next change it stays the same; and then it does change."""
    table = timetable(zone, *written)
    now = table.segment(at)
    for category, then in table.changes(at).items():
        assert at < then <= at + HORIZON_DAYS_MAX * 86400
        before, after = table.segment(then - 1), table.segment(then)
        assert before.actions[category] == now.actions[category]
        if then < at + HORIZON_DAYS_MAX * 86400:
            assert after.actions[category] != now.actions[category] or after.origins.get(
                category
            ) is not now.origins.get(category)
        # Every quarter of an hour in between.
        for step in range(int((then - at) // 900)):
            assert table.segment(at + step * 900).actions[category] == now.actions[category]


@pytest.mark.parametrize(
    ("day", "minutes"),
    [("2026-03-28", 60), ("2026-03-29", 0), ("2026-10-24", 60), ("2026-10-25", 120)],
)
def test_an_hour_skipped_and_an_hour_repeated(day: str, minutes: int) -> None:
    """01:00 to 02:00 lasts 0 minutes when the clocks go forward, 120 when they go back."""
    night = Period("night", frozenset(range(7)), 60, 120, {"chat": "allow"})
    table = timetable("Europe/London", night)
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/London"))
    start = midnight.astimezone(UTC)
    open_minutes = sum(
        table.segment((start + timedelta(minutes=n)).timestamp()).actions["chat"] == "allow"
        for n in range(6 * 60)
    )
    assert minutes == open_minutes


def test_a_period_lost_to_summer_time_is_not_the_last() -> None:
    """A Sunday 01:00 to 02:00 that does not happen on 29 March must not be taken for never."""
    night = Period("night", frozenset({6}), 60, 120, {"chat": "allow"})
    table = timetable("Europe/London", night)
    at = instant("2026-03-22T02:00:00+00:00")
    assert {"chat": at + HORIZON_DAYS_MAX * 86400} == table.changes(at)
    assert {"chat": instant("2026-04-05T00:00:00+00:00")} == table.changes(at + 8 * 86400)


def test_a_period_across_the_end_of_the_week() -> None:
    """Sunday 23:00 to 01:00 is still running on Monday at 00:30, and over at 01:00."""
    night = Period("night", frozenset({6}), 1380, 60, {"chat": "allow"})
    table = timetable("Europe/London", night)
    times = ("2026-03-08 22:59", "2026-03-08 23:00", "2026-03-09 00:59", "2026-03-09 01:00")
    actions = [table.segment(instant(at)).actions["chat"] for at in times]
    assert actions == ["block", "allow", "allow", "block"]
    assert table.changes(instant("2026-03-09 00:30"))["chat"] == instant("2026-03-09 01:00")


def test_touching_periods_leave_no_gap() -> None:
    """A period up to 24:00 and one from 00:00 are one stretch, though the period changes."""
    late = Period("late", frozenset({0}), 1380, 1440, {"chat": "allow"})
    early = Period("early", frozenset({1}), 0, 60, {"chat": "allow"})
    table = timetable("Europe/London", late, early)
    midnight = instant("2026-03-03 00:00")
    assert tuple(table.segment(at).origins["chat"].name for at in (midnight - 1, midnight)) == (
        "late",
        "early",
    )


def test_children_inherit_what_was_given_not_what_is_default() -> None:
    """Only the mentioned parent speaks for its children."""
    given_actions: dict[str, Action] = {"extremism": "warn", "extremism-other": "monitor"}
    expanded = expand(given_actions, TAXONOMY)
    assert expanded["extremism-right-wing"] == "warn"
    assert expanded["extremism-other"] == "monitor"
    assert "gambling" not in expanded


def test_nothing_changes_without_periods() -> None:
    """No period, or only periods that repeat the profile: no edge is worth an early look."""
    same = Period("same", frozenset({0}), 60, 120, {})
    assert timetable("Europe/London", same).changes(0.0) == {}
