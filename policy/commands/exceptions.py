"""Exceptions: sites, categories or bundles opened somewhere, for a purpose, until an end.

Only what the taxonomy marks as exemptible can be opened, and never for longer than the best role
of whoever grants it allows there. An exception that was ended early is kept for the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec
from sqlalchemy import select

from categoriser.patterns import Pattern
from policy.commands.command import Change, Permission, Refused, Situation, changed
from policy.commands.conflicts import deny_rules_over
from policy.commands.permissions import exception_hours_max
from policy.commands.phrases import joined
from policy.commands.scopes import (
    exists,
    needed,
    numbered,
    require,
    require_instants,
    whom,
    widest,
    written,
)
from policy.patterns import fixed_part
from policy.policy import Policy
from policy.reading import Faults, Table
from policy.store.tables import exceptions as exceptions_table
from policy.store.writing import Writing
from policy.timetable import expand
from policy.types import ApprovedException

EXCEPTIONS_ACTIVE_MAX: Final = 100
"""Exceptions of one venue that have not ended; of all that are for no venue as many."""

OPENED_MAX: Final = 100
"""Sites, categories and bundles of one exception."""

AHEAD_DAYS_MAX: Final = 366
"""How long before its beginning an exception may be granted."""

_PAST_SECONDS_MAX: Final = 60
"""A beginning so long ago still means now: people read clocks."""

_HOUR_SECONDS: Final = 3600
_DAY_SECONDS: Final = 24 * _HOUR_SECONDS


@dataclass(frozen=True, slots=True)
class GrantException:
    """Open something somewhere. Whoever grants it is its approver."""

    action: ClassVar[str] = "exception.grant"
    where: str
    """`organisation`, `venue:V`, `room:V/R` or `device:D`."""
    purpose: str
    until: float
    """POSIX seconds, to the second: the first instant at which it no longer holds."""
    sites: Sequence[str] = ()
    categories: Sequence[str] = ()
    bundles: Sequence[str] = ()
    start: float | None = None
    """POSIX seconds, to the second; None: now."""

    @property
    def reason(self) -> str:
        """The purpose is why."""
        return self.purpose

    def permission(self, situation: Situation) -> Permission:
        """Of the venue that the place is in."""
        return needed(situation, self.action, self.where.strip())

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what may not be opened, what lasts too long, and one too many."""
        start = self._check_times(situation)
        opened = len(self.sites) + len(self.categories) + len(self.bundles)
        if opened > OPENED_MAX:
            allowed = f"allowed: up to {OPENED_MAX}"
            raise Refused(f"{self.action}: {opened} things to open; {allowed}")
        body = self._body(situation, start)
        exception = _read(situation, body)
        require(situation, self.action, exception.where)  # as it was understood
        if exception.sites:
            body["sites"] = [site.text for site in exception.sites]
        there = await _active_near(writing, situation, exception.where)
        if len(there) >= EXCEPTIONS_ACTIVE_MAX:
            given = f"{len(there)} exceptions have not ended there"
            allowed = f"allowed: {EXCEPTIONS_ACTIVE_MAX}; end some first"
            raise Refused(f"{self.action}: where: {given}; {allowed}")
        warnings = [
            *_in_vain(situation, exception),
            *await _denied(writing, situation, exception),
            *_doubled(situation, exception, there),
        ]
        number = await writing.put("exceptions", None, body)
        return Change(f"exception:{number}", None, {"id": number, **body}, tuple(warnings))

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What opens for whom, from when until when."""
        exception = _read(situation, change.after)
        place, what, plural = _what(situation, exception)
        begins = exception.start > situation.at
        since = f" from {_from(situation, exception)}" if begins else ""
        until = situation.words.instant(exception.until)
        return [f"{place}: {what} {'open' if plural else 'opens'}{since} until {until}."]

    def _body(self, situation: Situation, start: float) -> dict[str, Any]:
        lists = {"sites": self.sites, "categories": self.categories, "bundles": self.bundles}
        return {
            **{key: [word.strip() for word in words] for key, words in lists.items() if words},
            "where": self.where.strip(),
            "purpose": self.purpose,
            "approver": situation.actor.name,
            "from": written(situation, start),
            "until": written(situation, self.until),
        }

    def _check_times(self, situation: Situation) -> float:
        """When it begins. Raises `Refused`."""
        at, words = situation.at, situation.words
        faults = Faults(situation.action)
        given = at if self.start is None else self.start
        require_instants(situation, given, self.until)
        if given < at - _PAST_SECONDS_MAX:
            allowed = f"allowed: from now, {words.instant(at)}, on"
            faults.add("from", f"{words.instant(given)} is past", allowed)
        if given > at + AHEAD_DAYS_MAX * _DAY_SECONDS:
            allowed = f"allowed: up to {AHEAD_DAYS_MAX} days ahead"
            faults.add("from", f"{words.instant(given)} is far ahead", allowed)
        start = max(given, at)
        _check_end(situation, faults, self.where.strip(), start, self.until)
        if faults.lines:
            raise Refused(*faults.lines)
        return start


@dataclass(frozen=True, slots=True)
class ChangeException:
    """Let an exception end earlier or later. Who makes it longer becomes its approver."""

    action: ClassVar[str] = "exception.change"
    number: int
    until: float
    """POSIX seconds, to the second."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """The place is in the store: asked for as soon as it is read."""
        return widest(situation, self.action)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses one that has ended, and an end that a new one could not have."""
        before = await numbered(writing, situation, "exceptions", self.number)
        require(situation, self.action, before["where"].strip())
        exception = _read(situation, before)
        _require_running(situation, self.number, exception)
        require_instants(situation, self.until)
        start, longer = max(exception.start, situation.at), self.until > exception.until
        faults = Faults(situation.action)
        _check_end(situation, faults, exception.where, start, self.until, longest=longer)
        if faults.lines:
            raise Refused(*faults.lines)
        body = before
        if self.until // 1 != exception.until // 1:
            approver = situation.actor.name if longer else before["approver"]
            until = written(situation, self.until)
            # An end that an import noted for later goes: this one is the newer word.
            body = changed(before, {"until": until, "approver": approver, "revoked": None})
            await writing.put("exceptions", self.number, body)
        subject = f"exception:{self.number}"
        return Change(subject, {"id": self.number, **before}, {"id": self.number, **body})

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """Until when it stays open, and until when it would have."""
        was, now = (_read(situation, body) for body in (change.before, change.after))
        place, what, plural = _what(situation, now)
        old, new = (situation.words.instant(each.until) for each in (was, now))
        return [f"{place}: {what} {'stay' if plural else 'stays'} open until {new}, not {old}."]


@dataclass(frozen=True, slots=True)
class EndException:
    """End an exception now, or take back one that has not begun."""

    action: ClassVar[str] = "exception.end"
    number: int
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """The place is in the store: asked for as soon as it is read."""
        return widest(situation, self.action)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses one that has ended by itself or was ended before."""
        before = await numbered(writing, situation, "exceptions", self.number)
        require(situation, self.action, before["where"].strip())
        _require_running(situation, self.number, _read(situation, before))
        body = {**before, "revoked": written(situation, situation.at)}
        await writing.put("exceptions", self.number, body)
        subject = f"exception:{self.number}"
        return Change(subject, {"id": self.number, **before}, {"id": self.number, **body})

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What closes for whom."""
        was = _read(situation, change.before)
        place, what, plural = _what(situation, was)
        until = situation.words.instant(was.until)
        if was.start > situation.at:
            does = "do not open" if plural else "does not open"
            return [f"{place}: {what} {does} from {_from(situation, was)} until {until}."]
        return [f"{place}: {what} {'close' if plural else 'closes'} now, not at {until}."]


def _read(situation: Situation, body: dict[str, Any]) -> ApprovedException:
    """The exception of a body. Raises `Refused` when it is none."""
    return situation.build(exceptions=[body]).exceptions[0]


def _check_end(
    situation: Situation,
    faults: Faults,
    where: str,
    start: float,
    until: float,
    longest: bool = True,
) -> None:
    """Note an end that is past or too late; `longest`: whether the role's maximum counts."""
    words = situation.words
    if until // 1 <= start // 1:
        beginning = "it begins" if start > situation.at else "now"
        given = f"{words.instant(until)} is not later than {beginning}"
        faults.add("until", given, f"allowed: after {words.instant(start)}")
        return
    if not exists(situation, where):
        return  # the reader says so, in better words than of hours
    venues, maxima = situation.venues_of(where), situation.policy.exception_hours_max
    hours = exception_hours_max(situation.actor.roles, venues, maxima)
    if longest and until - start > hours * _HOUR_SECONDS + _PAST_SECONDS_MAX:
        given = f"{words.instant(until)} is {_hours(until - start)} after {words.instant(start)}"
        latest = words.instant(start + hours * _HOUR_SECONDS)
        faults.add("until", given, f"allowed: up to {hours} hours there, until {latest}")


def _hours(seconds: float) -> str:
    hours = seconds / _HOUR_SECONDS
    return f"{hours:.0f} hours" if hours == round(hours) else f"{hours:.1f} hours"


def _require_running(situation: Situation, number: int, exception: ApprovedException) -> None:
    if exception.until <= situation.at:
        ended = situation.words.instant(exception.until)
        raise Refused(
            f"{situation.action}: exceptions: number {number} ended at {ended}; "
            "allowed: one that has not ended; a new one with exception.grant"
        )


async def _active_near(
    writing: Writing, situation: Situation, where: str
) -> list[ApprovedException]:
    """Exceptions of the same venue that have not ended; those of no venue together."""
    kind, _, id = where.partition(":")
    venue = id.partition("/")[0] if kind in ("venue", "room") else None
    column = exceptions_table.c.venue_id
    here = column.is_(None) if venue is None else column == venue
    query = select(exceptions_table.c.id, exceptions_table.c.body).where(here)
    rows = await writing.connection.execute(query.order_by(exceptions_table.c.id))
    bodies = [{**msgspec.json.decode(body), "id": id} for id, body in rows]
    bodies = [body for body in bodies if _may_run(situation, body)]
    found = situation.build(exceptions=bodies).exceptions if bodies else ()
    return [exception for exception in found if exception.until > situation.at]


def _may_run(situation: Situation, body: dict[str, Any]) -> bool:
    """Whether an end is to come: the past of a venue grows, and is not read again each time."""
    until = Table(body, "", Faults("")).instant("until", situation.zone, whole_day=True)
    return until is None or until > situation.at


def _in_vain(situation: Situation, exception: ApprovedException) -> list[str]:
    """Sites that stay closed, for they are also something that may not be opened."""
    taxonomy, blocking = situation.taxonomy, _blocking(situation)
    lines = []
    for site in _sites(exception):
        listed = situation.knowledge.categories_of(fixed_part(site.text))
        closed = [taxonomy[c].title for c in listed if c in blocking]
        if closed:
            lines.append(f"{site.text} stays closed: {joined(closed)} cannot be exempted.")
    device = exception.where.removeprefix("device:")
    known = situation.policy.devices.get(device) if device != exception.where else None
    if known is not None and known.withdrawn and known.withdrawn_until > exception.start:
        lines.append(f"Access is withdrawn from {known.title}: nothing but essentials opens there.")
    return lines


async def _denied(
    writing: Writing, situation: Situation, exception: ApprovedException
) -> list[str]:
    """Rules that go before the exception."""
    rules = await deny_rules_over(writing, situation, _sites(exception), exception.where)
    scope = situation.words.scope
    return [
        f"Rule {rule.id} ({rule.text} {scope(rule.scope)}) goes before every exception there."
        for rule in rules
    ]


def _doubled(
    situation: Situation, exception: ApprovedException, there: list[ApprovedException]
) -> list[str]:
    """Exceptions that open the same in the same place already."""
    return [
        f"Exception {other.id} opens the same there until {situation.words.instant(other.until)}."
        for other in there
        if other.where == exception.where
        and set(exception.sites) <= set(_sites(other))
        and exception.categories <= other.categories
        and exception.bundles.keys() <= other.bundles.keys()
    ]


def _blocking(situation: Situation) -> set[str]:
    """Categories that no exception opens, and that somebody's profile blocks at some time."""
    taxonomy = situation.taxonomy
    found = set()
    for profile in situation.policy.profiles.values():
        standing = {c: entry.action for c, entry in taxonomy.items()}
        given = [standing | expand(profile.actions, taxonomy)]
        given += [expand(period.actions, taxonomy) for period in profile.periods]
        found |= {c for actions in given for c, done in actions.items() if done in _CLOSED}
    return {c for c in found if not taxonomy[c].exemptible}


_CLOSED: Final = ("warn", "block")


def _sites(exception: ApprovedException) -> list[Pattern]:
    return [*exception.sites, *(site for sites in exception.bundles.values() for site in sites)]


def _what(situation: Situation, exception: ApprovedException) -> tuple[str, str, bool]:
    """The place, what is opened there, and whether that is several things."""
    taxonomy, bundles = situation.taxonomy, situation.policy.bundles
    named = [bundles[bundle].title for bundle in exception.bundles]
    named += [site.text for site in exception.sites]
    named += [  # a category written stands for those below it
        taxonomy[c].title
        for c in taxonomy
        if c in exception.categories and not set(taxonomy.ancestors(c)) & exception.categories
    ]
    return whom(situation.words, exception.where), joined(named), len(named) > 1


def _from(situation: Situation, exception: ApprovedException) -> str:
    """When it begins; only the time when it ends on the same day."""
    begins, ends = (situation.words.instant(each) for each in (exception.start, exception.until))
    time, _, day = begins.partition(" on ")
    return time if ends.endswith(f" on {day}") else begins
