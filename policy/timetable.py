"""A profile's timetable: which action each category has at an instant, and when that next changes.

The clock on the wall decides.  A period from 12:00 to 13:00 holds whenever a clock in the
organisation's time zone shows a time from 12:00 up to, not including, 13:00: an hour that
summer time skips is skipped, one that it repeats holds twice.  A period belongs to the day on which
it begins, also after midnight: Friday's evening class is over at 01:00 on Saturday, in term or not.
What a set of running periods amounts to is resolved once.
Knows nothing of clients, rules or exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from categoriser.taxonomy import Taxonomy
from policy.calendar import Calendar
from policy.types import ACTIONS, Action, Period, Profile

HORIZON_DAYS_MAX = 8
"""How far ahead the next change is sought: a week, and the day that summer time may swallow."""

_DAY_MINUTES = 24 * 60
_DAY_SECONDS = 86400
STRICTNESS = 10
"""Weight of one step of strictness: more than everything else that weighs."""

_SEVERITIES = ("none", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the week during which nothing changes."""

    actions: Mapping[str, Action]
    """Every category of the taxonomy."""
    origins: Mapping[str, Period]
    """The period that gave the action, for those categories where one did."""
    weights: Mapping[str, int]
    """Which of several categories of a name is the one that counts; see `weigh`."""


class Timetable:
    """One profile's actions by the clock and the calendar on the wall."""

    __slots__ = (
        "_always",
        "_calendar",
        "_edges",
        "_given",
        "_periods",
        "_segments",
        "_taxonomy",
        "_varying",
        "_zone",
    )

    def __init__(
        self,
        profile: Profile,
        taxonomy: Taxonomy,
        zone: ZoneInfo,
        calendar: Calendar = Calendar(),  # noqa: B008 - immutable
    ) -> None:
        self._zone = zone
        self._calendar = calendar
        self._taxonomy = taxonomy
        self._periods = profile.periods
        self._always = {category: entry.action for category, entry in taxonomy.items()}
        self._always |= expand(profile.actions, taxonomy)
        self._given = [expand(period.actions, taxonomy) for period in profile.periods]
        ends = {
            edge % _DAY_MINUTES
            for period in profile.periods
            for edge in (period.start_minute, period.end_minute)
        }
        self._edges = sorted(ends)
        """Minutes of the day at which something may begin or end."""
        self._varying = [c for c in taxonomy if any(c in given for given in self._given)]
        self._segments: dict[tuple[int, ...], Segment] = {}
        """By the periods that run, in the order of the document; made when first met."""

    def segment(self, at: float) -> Segment:
        """What holds at an instant."""
        local = datetime.fromtimestamp(at // 1, self._zone)
        today, minute = local.date(), local.hour * 60 + local.minute
        running = tuple(
            number
            for number, period in enumerate(self._periods)
            if self._runs(period, today, minute)
        )
        segment = self._segments.get(running)
        if segment is None:
            actions = dict(self._always)
            origins: dict[str, Period] = {}
            for number in running:  # the later period is laid over the earlier
                actions |= self._given[number]
                origins |= dict.fromkeys(self._given[number], self._periods[number])
            segment = Segment(actions, origins, weigh(actions, self._taxonomy))
            self._segments[running] = segment
        return segment

    def _runs(self, period: Period, today: date, minute: int) -> bool:
        """Whether a period that began today, or yesterday and ends after midnight, holds now."""
        start, end = period.start_minute, period.end_minute
        overnight = end <= start
        if minute >= start and (overnight or minute < end) and self._begins(period, today):
            return True
        return overnight and minute < end and self._begins(period, today - timedelta(days=1))

    def _begins(self, period: Period, day: date) -> bool:
        return day.weekday() in period.days and self._calendar.fits(period.when, day)

    def changes(self, at: float) -> dict[str, float]:
        """The first instant after `at` at which a category's action, or who gave it, differs.

        Only categories that any period touches.  One that stays as it is for the whole horizon is
        given the horizon's end: an early look is harmless, a missed change is not.
        """
        if not self._varying:
            return {}
        horizon = at + HORIZON_DAYS_MAX * _DAY_SECONDS
        now = self.segment(at)
        found: dict[str, float] = {}
        remaining = self._varying
        for instant in self._instants(at, horizon):
            then = self.segment(instant)
            if then is now:
                continue
            found |= {c: instant for c in remaining if _differs(now, then, c)}
            remaining = [c for c in remaining if c not in found]
            if not remaining:
                return found
        return found | dict.fromkeys(remaining, horizon)

    def _instants(self, at: float, horizon: float) -> list[float]:
        """In order, every instant up to the horizon at which the segment may change.

        A local time that summer time repeats stands for two instants; one that it skips for none,
        but then the change of the clock is where the segment changes.
        """
        # From yesterday on: the hour after clocks went back is the second reading of its times.
        shifts = self._clock_changes(at - _DAY_SECONDS, horizon)
        folds = (0, 1) if shifts else (0,)
        today = datetime.fromtimestamp(at // 1, self._zone).replace(
            hour=0, minute=0, second=0, fold=0
        )
        instants = set(shifts)
        for days in range(HORIZON_DAYS_MAX + 1):
            # Arithmetic within one zone is on the clock on the wall, which is what is wanted.
            day = today + timedelta(days=days)
            for edge in self._edges:
                wall = day + timedelta(minutes=edge)
                instants |= {wall.replace(fold=fold).timestamp() for fold in folds}
        return sorted(instant for instant in instants if at < instant <= horizon)

    def _clock_changes(self, since: float, horizon: float) -> set[float]:
        """The instants up to the horizon at which the zone's offset from UTC changes."""
        found: set[float] = set()
        early = int(since // 1)
        while early < horizon:
            late = early + _DAY_SECONDS
            if self._offset(early) != self._offset(late):
                low, high = early, late
                while high - low > 1:
                    middle = (low + high) // 2
                    if self._offset(middle) == self._offset(early):
                        low = middle
                    else:
                        high = middle
                found.add(float(high))
            early = late
        return found

    def _offset(self, at: int) -> timedelta | None:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone).utcoffset()


def expand(given: Mapping[str, Action], taxonomy: Taxonomy) -> dict[str, Action]:
    """Given actions, with children that were not mentioned taking their nearest parent's.

    Locked and essential categories are not the profile's to change, nor are they inherited into.
    """
    expanded: dict[str, Action] = {}
    for category, entry in taxonomy.items():
        if entry.locked or entry.essential:
            continue
        for source in (category, *taxonomy.ancestors(category)):
            if source in given:
                expanded[category] = given[source]
                break
    return expanded


def weigh(actions: Mapping[str, Action], taxonomy: Taxonomy) -> dict[str, int]:
    """Strictness, then safeguarding severity, then a kind of extremism above extremism."""
    return {
        category: STRICTNESS * ACTIONS.index(action)
        + 2 * _SEVERITIES.index(taxonomy[category].safeguarding)
        + (taxonomy[category].parent is not None)
        for category, action in actions.items()
    }


def _differs(now: Segment, then: Segment, category: str) -> bool:
    """Whether a category's action, or the period behind it, is not the same in two segments."""
    if now.actions[category] != then.actions[category]:
        return True
    return now.origins.get(category) is not then.origins.get(category)
