"""What a command is, who gives it, and what comes of it.

A command is a frozen record of what a person wants. It is performed by `policy.commands.desk`, and
touches nothing but the open transaction it is handed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, ClassVar, Final, Literal, Protocol
from zoneinfo import ZoneInfo

from categoriser.patterns import Pattern
from categoriser.taxonomy import Taxonomy
from policy.document import Builder, PolicyFault
from policy.policy import Policy
from policy.reading import Faults
from policy.store.writing import Writing
from policy.types import Client, Grant
from policy.wording import Sentences

Via = Literal["cli", "portal", "api"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives a command, and which way it came."""

    id: str
    """As in `[people.ID]`, or the account of the machine for the command line."""
    name: str
    via: Via
    roles: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Permission:
    """What somebody must be permitted to do."""

    action: str
    """A word of the table in `policy.commands.permissions`."""
    venues: frozenset[str] | None
    """The venues it concerns; None, or none at all: the whole organisation."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a command wrote."""

    subject: str
    """What it was done to, such as `venue:crewe`, `room:crewe/it-suite`, `rule:17`."""
    before: Any
    """The thing before, as the raw document has it; None when it was not there."""
    after: Any
    """The thing afterwards; None when it is gone."""
    warnings: tuple[str, ...] = ()
    """What the person should know and need not obey."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command."""

    subject: str
    before: Any
    after: Any
    sentences: tuple[str, ...]
    """What changes for whom, in plain English."""
    warnings: tuple[str, ...]
    audit_number: int | None
    """Its entry in the audit log; None for a dry run, and when nothing changed."""


class Refused(Exception):
    """A command was refused, and nothing was changed.

    Each fault reads *where: what was given; what is allowed*.
    """

    def __init__(self, *faults: str, needed: Permission | None = None) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.needed = needed
        """The permission that was missing; None when it was no matter of who asks."""

    @property
    def permission(self) -> bool:
        """Whether it was a matter of who asks; such refusals are in the audit log."""
        return self.needed is not None


def _knows_nothing(_: Any) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the composition root knows of names, for commands that ask; without it nothing."""

    essential_matches: Callable[[Pattern], Sequence[str]] = _knows_nothing
    """The essential sites that a pattern would close."""
    categories_of: Callable[[str], Sequence[str]] = _knows_nothing
    """The categories in which a name is listed, without those a keyword suggests."""


class Reader:
    """Builds the policy of a raw document, and remembers the last ones.

    A command checks its change by building, the desk builds once more what was written, and the
    next command begins with that: 1,000 rooms and 5,000 devices take 0.1 s each time.
    """

    def __init__(self, taxonomy: Taxonomy, answers: Sequence[str] | None = None) -> None:
        """`answers` are the words for block answers, any when None."""
        self._taxonomy = taxonomy
        self._answers = answers
        self._known: deque[tuple[str, Policy]] = deque(maxlen=KNOWN_MAX)

    def build(self, where: str, raw: Mapping[str, Any]) -> Policy:
        """The policy of a raw document.

        Raises `Refused` with all faults, each beginning with `where`.
        """
        whole = raw.keys() & {"rules", "exceptions"}  # they are many, and asked for once
        # As text, 10 ms for 20,000 devices: in Python 1 == True, and in a document 1 is no "true".
        written = "" if whole else repr(raw)
        for known, policy in self._known:
            if known == written:
                return policy
        try:
            policy = Builder(self._taxonomy, where, self._answers).build(dict(raw), fingerprint="")
        except PolicyFault as fault:
            raise Refused(*fault.faults) from fault
        if written:
            self._known.append((written, policy))
        return policy


REASON_CHARACTERS_MAX: Final = 1000
"""Of a reason, and of what the log keeps of a refusal."""

KNOWN_MAX: Final = 2
"""Policies that are remembered: the one before a command, and the one after it."""


@dataclass(frozen=True)
class Situation:
    """The policy as a command finds it, read inside the transaction that will change it."""

    actor: Actor
    at: float
    """POSIX seconds; bounds and expiries are checked against it."""
    action: str
    """The command's word, with which faults begin."""
    raw: Mapping[str, Any]
    """The raw document without `rules` and `exceptions`. Not to be changed."""
    policy: Policy
    """The same, built."""
    taxonomy: Taxonomy
    reader: Reader
    knowledge: Knowledge = field(default_factory=Knowledge)

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's clock."""
        return ZoneInfo(self.policy.organisation.timezone)

    @property
    def words(self) -> Sentences:
        """Titles of places and categories, and instants on the organisation's clock."""
        return words_of(self.policy)

    def build(self, **more: Any) -> Policy:
        """The policy with other parts, such as `rules=[body]`, read as the file would be.

        Raises `Refused` with all faults.
        """
        return self.reader.build(self.action, {**self.raw, **more})

    def venues_of(self, scope: str) -> frozenset[str] | None:
        """The venues that a scope (`room:crewe/it-suite`) concerns; None: the whole organisation.

        A device counts for the venues of its addresses; one that is known otherwise, or from
        outside every venue, may turn up anywhere. What does not exist concerns everybody.
        """
        kind, _, id = scope.partition(":")
        if kind in ("venue", "room"):
            venue = id.partition("/")[0]
            return frozenset({venue}) if venue in self.policy.venues else None
        device = self.policy.devices.get(id) if kind == "device" else None
        if device is None or device.client_ids or device.hostnames or not device.addresses:
            return None
        return self.venues_at([str(address) for address in device.addresses])

    def venues_at(self, addresses: Sequence[str]) -> frozenset[str] | None:
        """The venues in which addresses lie; None when one of them is in none."""
        venues = {self._client(address).venue for address in addresses}
        return frozenset(venues) if venues and venues <= self.policy.venues.keys() else None

    def _client(self, address: str) -> Client:
        return self.policy.identify(ip_address(address).packed)


class Command(Protocol):
    """What a person wants done."""

    action: ClassVar[str]
    """Its word, such as `venue.add`: in the audit log, and at the beginning of faults."""

    @property
    def reason(self) -> str:
        """Why, in the person's words; may be empty where the command does not ask."""
        ...

    def permission(self, situation: Situation) -> Permission:
        """What the actor must be permitted to do."""
        ...

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Check and write. Raises `Refused`."""
        ...

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What changes for whom; `situation.policy` is the policy before."""
        ...


def words_of(policy: Policy) -> Sentences:
    """The titles of a policy, and its clock."""
    return Sentences(
        zone=ZoneInfo(policy.organisation.timezone),
        categories={id: entry.title for id, entry in policy.taxonomy.items()},
        profiles=policy.profiles,
        venues=policy.venues,
        devices=policy.devices,
    )


def changed(body: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A body with other values; None takes a key away."""
    merged = {**body, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def require_absent(situation: Situation, path: str, id: str, taken: Container[str]) -> None:
    """Raise `Refused` when what shall be added, below `path` of the document, is there already."""
    if id in taken:
        noun = situation.action.partition(".")[0]
        allowed = f"allowed: another id, or {noun}.change"
        raise Refused(f"{situation.action}: {path}.{id}: it is there already; {allowed}")


def known(situation: Situation, key: str, id: str, word: str) -> dict[str, Any]:
    """The raw body of something the policy names. Raises `Refused` when there is none."""
    bodies: dict[str, dict[str, Any]] = situation.raw.get(key, {})
    if id in bodies:
        return bodies[id]
    faults = Faults(situation.action)
    faults.unknown(key, id, word, bodies)
    raise Refused(*faults.lines)
