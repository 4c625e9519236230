"""The nouns of a policy: frozen, without behaviour, without I/O.

Everything a person may write in `policy.toml` has its type here, and so has the answer to the one
question asked of it: `Decision`.  Ids are the words of the document; instants are POSIX seconds
(`math.inf`: never).  This module must not import any other module of `policy`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal, Protocol

from categoriser.matches import Match
from categoriser.patterns import Pattern

Action = Literal["allow", "monitor", "warn", "block"]
"""What happens to a name, mildest first; the strictest of several wins."""

Reason = Literal[
    "locked",
    "withdrawn",
    "rule",
    "exception",
    "pass",
    "essential",
    "category",
    "rebinding",
    "default",
]
"""Which step of the decision order settled it."""

YouTube = Literal["off", "moderate", "strict"]
"""YouTube's restricted mode."""

When = Literal["any", "term", "holidays", "bank-holidays", "not-bank-holidays"]
"""On which dates a period begins: `term` is inside a term and no bank holiday, `holidays` is
outside every term or a bank holiday."""

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

Role = Literal["administrator", "partner-administrator", "tutor", "safeguarding-lead", "leadership"]
"""What a person is, as far as permissions go."""

ACTIONS: tuple[Action, ...] = ("allow", "monitor", "warn", "block")
"""In order of strictness."""

UNKNOWN_VENUE = "unknown"
"""The venue of a client whose address belongs to no venue."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one name for one client, and the whole account of why."""

    action: Action
    reason: Reason
    category: str | None = None
    """The category that settled it, or for a rule the strictest one the name has."""
    rule: str | None = None
    """The entry as written: of a list, of a policy rule, or of an excepted site."""
    sources: tuple[str, ...] = ()
    """Ids of the lists that hold the entry; empty for a policy rule."""
    valid_until: float = math.inf
    """POSIX seconds; before then the same question gets the same decision."""
    matches: tuple[Match, ...] = ()
    """All listed categories of the name."""
    suggestions: tuple[Match, ...] = ()
    """Keyword hits: for the review queue, never for blocking."""
    detail: Rule | ApprovedException | Pass | Period | None = None
    """What a person wrote that settled it."""
    wording: Wording | None = field(default=None, compare=False, repr=False)
    """Writes the note; kept so that no sentence is built on the hot path."""

    @property
    def note(self) -> str:
        """One plain-English sentence saying why."""
        return "" if self.wording is None else self.wording.sentence(self)


class Wording(Protocol):
    """Puts a decision into words for one audience."""

    def sentence(self, decision: Decision) -> str:
        """One plain-English sentence saying why."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who is asking, as far as policy is concerned."""

    venue: str
    room: str | None
    """The room's id inside its venue."""
    device: str | None
    profile: str
    withdrawn_until: float = -math.inf
    """Until then access is withdrawn from the device: only essentials are open."""
    passes: tuple[Pass, ...] = ()
    """Warnings that somebody on this device went past. Whoever has any is a client apart from all
    others, with a view and remembered answers of their own."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Somebody on one device went on past a warning: one site is open there for some minutes."""

    site: Pattern
    who: str
    """`device:D`, or an address as text when it is no known device's."""
    until: float
    """First instant at which it no longer holds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One explicit allow or deny, of a pattern of names or of a network of addresses."""

    number: int
    """Position in the document, from 0: `rules[3]`."""
    action: Literal["allow", "deny"]
    pattern: Pattern | None
    network: Network | None
    scope: str
    """`organisation`, `profile:P`, `venue:V`, `room:V/R` or `device:D`."""
    reason: str
    author: str = ""
    review: date | None = None
    expires: float = math.inf
    octets: int = 0
    """Length of the pattern's fixed part in wire form: the longer one is the more specific."""
    id: int | None = None
    """Its number in the store; None in a file."""
    bundle: str | None = None
    """The bundle its pattern came from; several rules then stand for the one written."""

    @property
    def text(self) -> str:
        """The pattern or the network, as written."""
        if self.pattern is None:
            return str(self.network)
        return in_bundle(self.pattern.text, self.bundle)

    @property
    def name(self) -> str:
        """How people call it: its number in the store, or its place in the file."""
        return f"{self.number + 1}" if self.id is None else f"{self.id}"


@dataclass(frozen=True, slots=True)
class ApprovedException:
    """Sites or categories opened by a named person, somewhere, for a purpose, until an end."""

    number: int
    """Position in the document, from 0: `exceptions[3]`."""
    sites: tuple[Pattern, ...]
    categories: frozenset[str]
    """With every category below the ones written."""
    where: str
    """`organisation`, `venue:V`, `room:V/R` or `device:D`."""
    purpose: str
    approver: str
    start: float
    """First instant at which it holds; `-math.inf` when none was given."""
    until: float
    """First instant at which it no longer holds; earlier than was approved if it was ended."""
    id: int | None = None
    """Its number in the store; None in a file."""
    bundles: Mapping[str, tuple[Pattern, ...]] = field(default_factory=dict)
    """Bundles it opens, with their sites."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A platform with the supporting hosts it cannot do without."""

    id: str
    title: str
    sites: tuple[Pattern, ...]
    shipped: bool = False
    """Whether it came with the code."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of a person."""

    role: Role
    venues: frozenset[str] = frozenset()
    """Where it holds; empty: everywhere."""

    def covers(self, venue: str | None) -> bool:
        """Whether it holds at a venue; None: for all venues together."""
        return not self.venues or venue in self.venues


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may decide things, or see them."""

    id: str
    name: str
    email: str = ""
    roles: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of the week, by the clock on the wall, in which some actions differ."""

    name: str
    days: frozenset[int]
    """Weekdays on which it begins; Monday is 0."""
    start_minute: int
    """Minutes after local midnight."""
    end_minute: int
    """Minutes after local midnight, up to 1440; not after the start: it ends the day after."""
    actions: Mapping[str, Action]
    when: When = "any"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a group of people may see."""

    id: str
    title: str
    answer: str
    """The word for the block answer: a file name of `resolver/answers`."""
    safe_search: bool
    youtube: YouTube
    actions: Mapping[str, Action]
    """Given actions only; the taxonomy's defaults stand behind them."""
    periods: tuple[Period, ...] = ()
    """In the order of the document: a later one wins over an earlier one."""
    warn_minutes: int | None = None
    """How long somebody may go on past a warning; None: as the organisation says; 0: not at all."""


@dataclass(frozen=True, slots=True)
class Room:
    """A part of a venue with networks of its own."""

    id: str
    title: str
    networks: tuple[Network, ...]
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Venue:
    """A place, known by the networks its queries come from."""

    id: str
    title: str
    networks: tuple[Network, ...]
    profile: str | None = None
    rooms: Mapping[str, Room] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Device:
    """One machine, known by its addresses, by a client id that a forwarder sends, or by its name in
    a DHCP lease.
    """

    id: str
    title: str
    addresses: tuple[Address, ...]
    profile: str | None = None
    withdrawn: bool = False
    withdrawn_until: float = math.inf
    """When access comes back by itself, in POSIX seconds."""
    withdrawn_reason: str = ""
    client_ids: tuple[str, ...] = ()
    hostnames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Organisation:
    """Whose policy it is."""

    name: str
    timezone: str
    """An IANA name; timetables and instants without an offset are read in it."""
    default_profile: str
    """For venues that name none, and for addresses that belong to no venue."""
    holidays: str = ""
    """Whose bank holidays count: a division of GOV.UK's list; "" for none."""
    warn_minutes: int = 15
    """How long somebody may go on past a warning where a profile does not say; 0: not at all."""


def in_bundle(pattern: str, bundle: str | None) -> str:
    """A pattern as people read it: `fbcdn.net`, or `fbcdn.net (bundle facebook)`."""
    return pattern if bundle is None else f"{pattern} (bundle {bundle})"
