"""What one client may see, from one instant until the next that could change anything.

A `View` holds plain dictionaries with every timetable and inheritance resolved, so that deciding a
name looks things up and nothing more.  `Views` is built once for a policy and makes a view in well
under a millisecond by touching only what is scoped to the client.  No clock: the caller asks for a
new view at `valid_until`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from categoriser.names import Spelling
from categoriser.patterns import Pattern
from categoriser.taxonomy import Taxonomy
from policy.calendar import Calendar
from policy.named import NamedTable
from policy.rulebook import RuleBook
from policy.timetable import Timetable, weigh
from policy.types import (
    Action,
    ApprovedException,
    Client,
    Decision,
    Device,
    Organisation,
    Pass,
    Period,
    Profile,
    Rule,
    Venue,
    in_bundle,
)
from policy.wording import Audience, Sentences


@dataclass(frozen=True, slots=True)
class ApprovedSite:
    """One site of an exception, as the table hands it back."""

    site: str
    """As people read it, with its bundle."""
    exception: ApprovedException


@dataclass(frozen=True, slots=True)
class CategoryRanks:
    """What the taxonomy says of its categories as such, the same for every client."""

    locked: frozenset[str]
    essential: frozenset[str]
    exemptible: frozenset[str]
    weights: Mapping[str, int]
    """By default action and severity: which category counts when the profile is not asked."""


class Openings:
    """Exceptions of categories for one client, as of one instant.

    What opens a set of categories is sought once and remembered: a college with hundreds of
    exceptions running decides as quickly as one with a single one.
    """

    __slots__ = ("_at", "_exceptions", "_known")

    def __init__(self, exceptions: tuple[ApprovedException, ...], at: float) -> None:
        self._exceptions = exceptions
        self._at = at
        self._known: dict[frozenset[str], tuple[ApprovedException | None, float]] = {}

    def opening(self, blocking: frozenset[str]) -> tuple[ApprovedException | None, float]:
        """The exception that covers every one of these categories now, the last to end of several,
        or None; and until when that stays so.
        """
        if not self._exceptions:
            return None, math.inf
        known = self._known.get(blocking)
        if known is None:
            if len(self._known) >= _OPENINGS_MAX:
                self._known.clear()
            known = self._known[blocking] = self._seek(blocking)
        return known

    def _seek(self, blocking: frozenset[str]) -> tuple[ApprovedException | None, float]:
        approved: ApprovedException | None = None
        until = math.inf
        for exception in self._exceptions:
            if not blocking <= exception.categories:
                continue
            if exception.start > self._at:
                until = min(until, exception.start)
                continue
            until = min(until, exception.until)
            if approved is None or exception.until > approved.until:
                approved = exception
        return approved, until


_OPENINGS_MAX: Final = 4096
"""Sets of categories that are remembered: more than names in the lists ever form."""


@dataclass(frozen=True, slots=True)
class View:
    """All that a decision needs to know about one client, from `at` until `valid_until`."""

    client: Client
    profile: Profile
    withdrawn: bool
    """Access is withdrawn from the device now."""
    at: float
    valid_until: float
    """The next timetable edge, or start or end of an exception or rule of this client."""
    volatile: frozenset[str]
    """Categories whose action will change at some edge."""
    changes: Mapping[str, float]
    """When the action of each volatile category next changes."""
    actions: Mapping[str, Action]
    """The action of every category now."""
    origins: Mapping[str, Period]
    """The period behind an action, where there is one."""
    weights: Mapping[str, int]
    """Strictness, then severity; see `policy.timetable`."""
    kinds: CategoryRanks
    scopes: Mapping[str, int]
    """Scopes this client is in; a greater number is more specific."""
    openings: Openings
    """What exceptions of categories open for this client."""
    find_rules: Callable[[Spelling], list[Rule]] | None
    """In any scope; None when the policy has no rules."""
    find_sites: Callable[[Spelling], list[ApprovedSite]] | None
    """In any scope; None when no exception names a site."""
    find_passes: Callable[[Spelling], list[Pass]] | None
    """Of this client; None when it has none, as nearly everybody."""
    unmatched: Decision
    """For a name without category and rule."""
    wording: Audience


class Views:
    """Makes views of one policy."""

    __slots__ = (
        "_exceptions",
        "_find_sites",
        "_kinds",
        "_profiles",
        "_rules",
        "_sentences",
        "_timetables",
    )

    def __init__(
        self,
        organisation: Organisation,
        calendar: Calendar,
        profiles: Mapping[str, Profile],
        venues: Mapping[str, Venue],
        devices: Mapping[str, Device],
        rules: RuleBook,
        exceptions: Iterable[ApprovedException],
        taxonomy: Taxonomy,
    ) -> None:
        zone = ZoneInfo(organisation.timezone)
        self._profiles = profiles
        self._timetables = {
            profile.id: Timetable(profile, taxonomy, zone, calendar)
            for profile in profiles.values()
        }
        self._kinds = CategoryRanks(
            locked=frozenset(c for c, entry in taxonomy.items() if entry.locked),
            essential=frozenset(c for c, entry in taxonomy.items() if entry.essential),
            exemptible=frozenset(c for c, entry in taxonomy.items() if entry.exemptible),
            weights=weigh({c: entry.action for c, entry in taxonomy.items()}, taxonomy),
        )
        self._sentences = Sentences(
            zone=zone,
            categories={c: entry.title for c, entry in taxonomy.items()},
            profiles=profiles,
            venues=venues,
            devices=devices,
        )

        self._rules = rules
        self._exceptions: dict[str, list[ApprovedException]] = {}
        sites: list[tuple[Pattern, ApprovedSite]] = []
        for exception in exceptions:
            self._exceptions.setdefault(exception.where, []).append(exception)
            sites += [(site, ApprovedSite(site.text, exception)) for site in exception.sites]
            sites += [
                (site, ApprovedSite(in_bundle(site.text, bundle), exception))
                for bundle, members in exception.bundles.items()
                for site in members
            ]
        self._find_sites = NamedTable(sites).find if sites else None

    def view(self, client: Client, at: float) -> View:
        """What this client may see at an instant (POSIX seconds).

        The client's profile must be one of the policy's, as it is when `Policy.identify` made it.
        """
        timetable = self._timetables[client.profile]
        segment = timetable.segment(at)
        changes = timetable.changes(at)
        scopes = scopes_of(client)
        exceptions = [
            exception
            for scope in scopes
            for exception in self._exceptions.get(scope, ())
            if exception.until > at
        ]
        edges = list(changes.values())
        edges += [e.start if e.start > at else e.until for e in exceptions]
        edges.append(self._rules.next_expiry(scopes, at))
        withdrawn = at < client.withdrawn_until
        if withdrawn:
            edges.append(client.withdrawn_until)
        passes = [each for each in client.passes if each.until > at]
        edges += [each.until for each in passes]
        wording = self._sentences.wording_for(client)
        return View(
            client=client,
            profile=self._profiles[client.profile],
            withdrawn=withdrawn,
            at=at,
            valid_until=min(edges),
            volatile=frozenset(changes),
            changes=changes,
            actions=segment.actions,
            origins=segment.origins,
            weights=segment.weights,
            kinds=self._kinds,
            scopes=scopes,
            openings=Openings(tuple(e for e in exceptions if e.categories), at),
            find_rules=self._rules.find,
            find_sites=self._find_sites,
            find_passes=NamedTable((p.site, p) for p in passes).find if passes else None,
            unmatched=(
                Decision("block", "withdrawn", wording=wording)
                if withdrawn
                else Decision("allow", "default", wording=wording)
            ),
            wording=wording,
        )


def scopes_of(client: Client) -> dict[str, int]:
    """The scopes a client is in; a greater number is more specific."""
    scopes = {
        "organisation": 0,
        f"profile:{client.profile}": 1,
        f"venue:{client.venue}": 2,
    }
    if client.room is not None:
        scopes[f"room:{client.venue}/{client.room}"] = 3
    if client.device is not None:
        scopes[f"device:{client.device}"] = 4
    return scopes
