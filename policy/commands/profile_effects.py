"""What a change of profiles means, for whom, in plain English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from policy.commands.phrases import joined
from policy.policy import Policy
from policy.timetable import expand
from policy.types import Action, Period, Profile


def profile_effects(before: Policy, after: Policy) -> Iterator[str]:
    """What people with a profile notice."""
    for id, new in after.profiles.items():
        old = before.profiles.get(id)
        if old is None:
            yield f"The profile {new.title} is new; nobody has it until a place or device does."
        elif old != new:
            whom = f"{new.title} {_audience(after, id)}"
            yield from _profile(old, new, whom, after)
    for id, gone in before.profiles.items():
        if id not in after.profiles:
            yield f"The profile {gone.title} is gone; nobody had it."


def _profile(old: Profile, new: Profile, whom: str, after: Policy) -> Iterator[str]:
    """The differences of one profile, each with those whom it concerns."""
    taxonomy = after.taxonomy
    if old.title != new.title:
        yield f"The profile {old.title} is called {new.title}."
    standing = {id: entry.action for id, entry in taxonomy.items()}
    was = standing | expand(old.actions, taxonomy)
    now = standing | expand(new.actions, taxonomy)
    for category in taxonomy:
        if was[category] != now[category]:
            title = taxonomy[category].title
            outside = _outside(new, category, after)
            yield f"{whom}: {title} goes from {was[category]} to {now[category]}{outside}."
    if old.safe_search != new.safe_search:
        yield f"{whom}: safe search is {'on' if new.safe_search else 'off'}."
    if old.youtube != new.youtube:
        yield f"{whom}: YouTube's restricted mode goes from {old.youtube} to {new.youtube}."
    if old.warn_minutes != new.warn_minutes:
        minutes = after.warn_minutes(new.id)
        passing = f"may be passed for {minutes} minutes" if minutes else "cannot be passed"
        yield f"{whom}: a warning {passing}."
    if old.answer != new.answer:
        yield f"{whom}: a block is answered with {new.answer} (before: {old.answer})."
    for period in old.periods:
        if period not in new.periods:
            yield f"{whom}: no longer {_period(period, was, after)}."
    for period in new.periods:
        if period not in old.periods:
            yield f"{whom}: {_period(period, now, after)}."
    kept = [period for period in new.periods if period in old.periods]
    if kept != [period for period in old.periods if period in new.periods]:
        yield f"{whom}: periods stand in another order; where two hold at once the later wins."


def _outside(profile: Profile, category: str, policy: Policy) -> str:
    """The periods during which something else holds for a category."""
    names = [
        f'"{period.name}"'
        for period in profile.periods
        if category in expand(period.actions, policy.taxonomy)
    ]
    return f" outside {joined(names)}" if names else ""


def _period(period: Period, standing: Mapping[str, Action], policy: Policy) -> str:
    """`"lunch", Monday to Friday from 12:00 to 13:00: Social media goes from block to allow`."""
    given = expand(period.actions, policy.taxonomy)
    moves = [
        f"{policy.taxonomy[category].title} {_moves(standing[category], action)}"
        for category, action in given.items()
    ]
    named = f'"{period.name}", ' if period.name else ""
    end = " (the day after)" if period.end_minute <= period.start_minute else ""
    return (
        f"{named}{_days(period.days)} from {_clock(period.start_minute)} to "
        f"{_clock(period.end_minute)}{end}{_WHEN[period.when]}: "
        f"{joined(moves) if moves else 'nothing is otherwise'}"
    )


def _moves(was: Action, now: Action) -> str:
    return f"stays {now}" if was == now else f"goes from {was} to {now}"


_WHEN: Final = {
    "any": "",
    "term": " in term",
    "holidays": " outside term and on bank holidays",
    "bank-holidays": " on bank holidays",
    "not-bank-holidays": " except on bank holidays",
}
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _days(days: Iterable[int]) -> str:
    ordered = sorted(days)
    if len(ordered) == len(_DAYS):
        return "every day"
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{_DAYS[ordered[0]]} to {_DAYS[ordered[-1]]}"
    return joined([_DAYS[day] for day in ordered], most=len(_DAYS))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _audience(policy: Policy, profile: str) -> str:
    """Where people have a profile: "at Crewe and in IT suite, Ellesmere Port"."""
    places: list[str] = []
    for venue in policy.venues.values():
        if (venue.profile or policy.organisation.default_profile) == profile:
            places.append(f"at {venue.title}")
        places += [
            f"in {room.title}, {venue.title}"
            for room in venue.rooms.values()
            if room.profile == profile != venue.profile
        ]
    devices = sum(device.profile == profile for device in policy.devices.values())
    if devices:
        places.append(f"on {devices} device{'' if devices == 1 else 's'}")
    if policy.organisation.default_profile == profile:
        places.append("on unknown networks")
    return joined(places) if places else "(nobody now)"
