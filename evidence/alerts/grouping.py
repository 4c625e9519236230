"""Bursts of one device and theme become one group, by rules that can be read. Pure.

An event is one query, or several for the same name within a second. Events within `LOOK_SECONDS`
are one *look*: a browser asks for addresses of both kinds, and again when the answer is a block. A
group goes on while looks come; it is over after a pause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from evidence.alerts.themes import AlertSeverity, graver

LOOK_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 7_200.0
"""After so long without a look a group that is an alert is over; the next look begins another."""
GROUP_SECONDS_MAX: Final = 12 * 3_600.0
"""No group is longer."""
HELD_SECONDS: Final = 86_400.0
"""So long a later look joins what was held back: the first may have been noise, both are not."""
LOOKS_MAX: Final = 200
"""Looks whose times a group keeps."""
DOMAINS_MAX: Final = 30
"""Registered domains a group keeps; others are counted only."""
SAMPLES_MAX: Final = 50
"""Events a group refers to."""
BLOCKING: Final = frozenset({"block", "warn"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One event, as far as alerts need it."""

    id: int
    at: float
    pseudonym: str
    venue: str
    room: str
    name: str
    """Escaped text: hostile."""
    domain: str
    category: str
    action: str
    sources: tuple[str, ...]
    queries: int
    severity: AlertSeverity


@dataclass(slots=True)
class Asked:
    """One registered domain in a group."""

    category: str
    queries: int = 0
    blocked: int = 0


@dataclass(slots=True)
class Group:
    """Looks of one device at one theme."""

    pseudonym: str
    theme: str
    venue: str
    room: str
    severity: AlertSeverity
    """The gravest of its events."""
    first_at: float
    last_at: float
    queries: int = 0
    blocked: int = 0
    """Queries that were blocked or warned about."""
    look_count: int = 0
    looks: list[float] = field(default_factory=list)
    """When each look began."""
    domains: dict[str, Asked] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Whole names, up to `DOMAINS_MAX`: what tells a page from its parts."""
    samples: list[int] = field(default_factory=list)

    @classmethod
    def begun(cls, seen: Seen, theme: str) -> Group:
        """A group with its first event."""
        made = cls(seen.pseudonym, theme, seen.venue, seen.room, seen.severity, seen.at, seen.at)
        made.add(seen)
        return made

    def takes(self, seen: Seen, *, held: bool) -> bool:
        """Whether an event belongs to this group, which was `held` back or is an alert."""
        pause = HELD_SECONDS if held else PAUSE_SECONDS
        begins, ends = min(self.first_at, seen.at), max(self.last_at, seen.at)
        near = self.first_at - pause <= seen.at <= self.last_at + pause
        return near and (held or ends - begins <= GROUP_SECONDS_MAX)

    def add(self, seen: Seen) -> None:
        """Add an event; also one that comes late."""
        near = [at for at in self.looks if abs(seen.at - at) <= LOOK_SECONDS]
        if not near:
            self.look_count += 1
            if len(self.looks) < LOOKS_MAX:
                self.looks = sorted([*self.looks, seen.at])
        self.first_at, self.last_at = min(self.first_at, seen.at), max(self.last_at, seen.at)
        self.severity = graver(self.severity, seen.severity)
        self.queries += seen.queries
        blocked = seen.queries if seen.action in BLOCKING else 0
        self.blocked += blocked
        domain = seen.domain or seen.name
        if domain in self.domains or len(self.domains) < DOMAINS_MAX:
            asked = self.domains.setdefault(domain, Asked(seen.category))
            asked.queries += seen.queries
            asked.blocked += blocked
        if len(self.names) < DOMAINS_MAX:
            self.names.add(seen.name)
        if len(self.samples) < SAMPLES_MAX:
            self.samples.append(seen.id)

    @property
    def categories(self) -> list[str]:
        """The kinds, most asked for first."""
        counted: Counter[str] = Counter()
        for asked in self.domains.values():
            counted[asked.category] += asked.queries
        return [category for category, _ in counted.most_common()]


def intervals(looks: Iterable[float]) -> list[float]:
    """The pauses between looks."""
    times = sorted(looks)
    return [later - earlier for earlier, later in zip(times, times[1:], strict=False)]


def is_periodic(looks: Iterable[float], looks_min: int, seconds_min: float, spread: float) -> bool:
    """Whether looks come as a machine makes them: all pauses long, and about as long as the middle
    one (within a part of it, `spread`).
    """
    pauses = sorted(intervals(looks))
    if len(pauses) + 1 < max(looks_min, 3) or pauses[0] < seconds_min:
        return False
    middle = pauses[len(pauses) // 2]
    return pauses[-1] - middle <= spread * middle and middle - pauses[0] <= spread * middle
