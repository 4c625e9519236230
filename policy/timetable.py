"""A profile's week: which action each category has at an instant, and when that next changes.

The clock on the wall decides.  A period from 12:00 to 13:00 holds whenever a clock in the
organisation's time zone shows a time from 12:00 up to, not including, 13:00: an hour that
summer time skips is skipped, one that it repeats holds twice.  The week is cut once, when a policy
is read, into segments with everything resolved; asking for an instant is then one search.
Knows nothing of clients, rules or exceptions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from categoriser.taxonomy import Taxonomy
from policy.types import ACTIONS, Action, Period, Profile

HORIZON_DAYS_MAX = 8
"""How far ahead the next change is sought: a week, and the day that summer time may swallow."""

_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
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
    """One profile's actions by the minute of the local week."""

    __slots__ = ("_segments", "_starts", "_varying", "_zone")

    def __init__(self, profile: Profile, taxonomy: Taxonomy, zone: ZoneInfo) -> None:
        self._zone = zone
        always = {category: entry.action for category, entry in taxonomy.items()}
        always |= expand(profile.actions, taxonomy)
        given = [expand(period.actions, taxonomy) for period in profile.periods]
        spans = [_spans(period) for period in profile.periods]
        self._starts = sorted({0} | {edge % _WEEK_MINUTES for s in spans for e in s for edge in e})
        self._segments: list[Segment] = []
        known: dict[tuple[int, ...], Segment] = {}
        for start in self._starts:
            # In the order of the document: the later period is laid over the earlier.
            active = tuple(
                number
                for number, stretches in enumerate(spans)
                if any(first <= start < last for first, last in stretches)
            )
            if active not in known:
                actions = dict(always)
                origins: dict[str, Period] = {}
                for number in active:
                    actions |= given[number]
                    origins |= dict.fromkeys(given[number], profile.periods[number])
                known[active] = Segment(actions, origins, weigh(actions, taxonomy))
            self._segments.append(known[active])
        first, *others = known.values()
        self._varying = [
            category
            for category in taxonomy
            if any(_differs(first, other, category) for other in others)
        ]

    def segment(self, at: float) -> Segment:
        """What holds at an instant."""
        local = datetime.fromtimestamp(at // 1, self._zone)
        minute = local.weekday() * _DAY_MINUTES + local.hour * 60 + local.minute
        return self._segments[bisect_right(self._starts, minute) - 1]

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
            first = day.weekday() * _DAY_MINUTES
            for start in self._starts:
                if first <= start < first + _DAY_MINUTES:
                    wall = day + timedelta(minutes=start - first)
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


def _spans(period: Period) -> list[tuple[int, int]]:
    """A period as stretches of minutes of the week, cut where the week ends."""
    spans: list[tuple[int, int]] = []
    for day in sorted(period.days):
        start = day * _DAY_MINUTES + period.start_minute
        end = day * _DAY_MINUTES + period.end_minute
        if period.end_minute <= period.start_minute:
            end += _DAY_MINUTES
        spans.append((start, min(end, _WEEK_MINUTES)))
        if end > _WEEK_MINUTES:
            spans.append((0, end - _WEEK_MINUTES))
    return spans


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
