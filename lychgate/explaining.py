"""`lychgate explain`: what would happen to a name, for whom, when, why; what would change it.

The same snapshot, decision and life of a query as a resolver process uses, but nobody is asked:
what a name leads to (aliases, addresses) is inspected only when it is really resolved. Gives an
`Explanation`; how it looks on a screen is `lychgate.screens`' business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import pack
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from categoriser.matches import Match
from categoriser.names import from_text, spell, to_text, to_unicode
from categoriser.taxonomy import Help
from lychgate.composition import SnapshotBuilder
from lychgate.config import Configuration
from lychgate.questions import type_name
from policy.block_texts import keys_of, of_category
from policy.decision import decide
from policy.explanation import may_be_excepted, what_would_change
from policy.policy import Policy
from policy.types import UNKNOWN_VENUE, Client, Decision, Device
from resolver.cache import Cache, CacheSettings
from resolver.limits import Limits
from resolver.resolution import Ask, Outcome, explain_error, resolve
from resolver.snapshot import DEFAULT_ROUTE, Perspective, Snapshot
from resolver.special import CANARIES
from resolver.wire import codes
from resolver.wire.query import scan_query

Happens = Literal["blocked", "warned", "answered here", "rewritten", "forwarded", "refused"]


class QuestionFault(ValueError):
    """Something asked that cannot be; *where: what was given; what is allowed*."""


@dataclass(frozen=True)
class Explanation:
    """Everything there is to say about one question of one client at one time."""

    name: bytes
    qtype: int
    address: IPv4Address | IPv6Address | None
    """None when a place was asked about, and no machine."""
    served: bool
    """Whether this network is answered at all."""
    hostname: str
    """What the machine calls itself, from its DHCP lease; empty when nobody knows."""
    client: Client
    at: float
    zone: ZoneInfo
    happens: Happens
    decision: Decision
    category_title: str | None
    answer: str | None
    """The kind of block answer."""
    error: tuple[int, str] | None
    """The extended DNS error (RFC 8914) of a block: code and text."""
    safe_search_host: bytes | None
    route: str | None
    """Who would be asked: `default`, or the conditional forward."""
    changes: tuple[str, ...]
    may_be_excepted: bool
    """Whether somebody may approve an exception for it: every blocking category is exemptible."""
    warn_minutes: int
    """For how long this client may go on past a warning; 0: not at all."""
    organisation: str
    page_texts: tuple[str, ...]
    """What the organisation says on the block page of this name, the most particular first."""
    page_help: tuple[Help, ...]
    """Its own help links there."""
    origin: str
    """Where the policy came from."""
    warnings: tuple[str, ...]

    def instant(self, at: float) -> str | None:
        """Local ISO time; None for never."""
        if math.isinf(at):
            return None
        return datetime.fromtimestamp(at, self.zone).isoformat(timespec="seconds")

    def as_json(self) -> dict[str, Any]:
        """For programs; keys are only ever added."""
        decision = self.decision
        return {
            "name": to_text(self.name),
            "unicode": to_unicode(self.name),
            "type": type_name(self.qtype),
            "at": self.instant(self.at),
            "client": {
                "address": None if self.address is None else str(self.address),
                "hostname": self.hostname or None,
                "served": self.served,
                "venue": self.client.venue,
                "room": self.client.room,
                "device": self.client.device,
                "profile": self.client.profile,
                "withdrawn": self.at < self.client.withdrawn_until,
            },
            "happens": self.happens,
            "decision": {
                "action": decision.action,
                "reason": decision.reason,
                "category": decision.category,
                "category_title": self.category_title,
                "rule": decision.rule,
                "sources": list(decision.sources),
                "note": decision.note,
                "valid_until": self.instant(decision.valid_until),
                "matches": [_match(match) for match in decision.matches],
                "suggestions": [_match(match) for match in decision.suggestions],
            },
            "answer": self.answer,
            "extended_error": (
                None if self.error is None else {"code": self.error[0], "text": self.error[1]}
            ),
            "safe_search_host": (
                None if self.safe_search_host is None else to_text(self.safe_search_host)
            ),
            "route": self.route,
            "what_would_change_it": list(self.changes),
            "may_be_excepted": self.may_be_excepted,
            "warn_minutes": self.warn_minutes,
            "organisation": self.organisation,
            "page_texts": list(self.page_texts),
            "page_help": [{"title": link.title, "url": link.url} for link in self.page_help],
            "policy": self.origin,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Ground:
    """What explanations stand on: one snapshot, and where it came from."""

    snapshot: Snapshot
    origin: str
    warnings: tuple[str, ...]
    limits: Limits


def explain(
    configuration: Configuration, name: str, qtype: int, client: str, at: str | None, now: float
) -> Explanation:
    """Explain one question. `at` is local text, None for `now` (POSIX seconds).

    Raises `QuestionFault`, and `SnapshotFault` when the policy cannot be used.
    """
    _name(name), _address(client)  # told before anything is built
    ground = lay_ground(SnapshotBuilder(configuration), configuration)
    return explain_on(ground, name, qtype, client=client, at=at, now=now)


def lay_ground(builder: SnapshotBuilder, configuration: Configuration) -> Ground:
    """What explanations stand on now. Raises `SnapshotFault`."""
    built = builder.build()
    limits = Limits(configuration.limits.served_networks)
    return Ground(built.snapshot, builder.origin, built.warnings, limits)


def explain_on(
    ground: Ground,
    name: str,
    qtype: int,
    *,
    client: str = "",
    place: str = "",
    at: str | None,
    now: float,
) -> Explanation:
    """Explain one question, for the address of a client or for anybody at a `place`: `venue:V`,
    `room:V/R`, `device:D`, `profile:P` or `organisation`, which is an address of no venue.

    Raises `QuestionFault`.
    """
    wire = _name(name)
    if bool(client) and bool(place):
        raise QuestionFault(f"place: {place} and a client; allowed: one of them")
    address = None if place else _address(client)
    snapshot = ground.snapshot
    policy = snapshot.policy
    zone = ZoneInfo(policy.organisation.timezone)
    instant = now if at is None else _instant(at, now, zone)
    asking = client_at(policy, place) if address is None else policy.identify(address.packed)
    perspective = snapshot.perspective_of(asking, instant)
    decision = _decide(wire, perspective, snapshot)
    happens, route = _happens(wire, qtype, decision, perspective, snapshot, instant)
    served = address is None or ground.limits.serves(address.packed)
    blocks = happens in ("blocked", "warned")
    category = snapshot.taxonomy.get(decision.category or "")
    return Explanation(
        name=wire,
        qtype=qtype,
        address=address,
        served=served,
        hostname="" if address is None else policy.hostname(address.packed),
        client=perspective.client,
        at=instant,
        zone=zone,
        happens=happens if served else "refused",
        decision=decision,
        category_title=None if category is None else category.title,
        answer=_answer(wire, perspective) if blocks else None,
        error=explain_error(decision, snapshot) if blocks else None,
        safe_search_host=perspective.rewrites.get(wire) if happens == "rewritten" else None,
        route=route,
        changes=what_would_change(decision, perspective.view),
        may_be_excepted=may_be_excepted(decision, perspective.view),
        warn_minutes=policy.warn_minutes(perspective.client.profile),
        organisation=policy.organisation.name,
        page_texts=_page_texts(decision.category, policy),
        page_help=of_category(policy.help_links, decision.category, policy.taxonomy),
        origin=ground.origin,
        warnings=ground.warnings,
    )


def client_at(policy: Policy, place: str) -> Client:
    """Somebody at a place of whom nothing else is known. A device is taken to be where its address
    is; one without an address at no venue, so that rules of venues do not count.

    Raises `QuestionFault`.
    """
    kind, _, id = place.partition(":")
    match kind:
        case "organisation" if not id:
            return Client(UNKNOWN_VENUE, None, None, policy.organisation.default_profile)
        case "profile" if id in policy.profiles:
            return Client(UNKNOWN_VENUE, None, None, id)
        case "device" if id in policy.devices:
            return _client_with(policy, policy.devices[id])
        case "venue" if id in policy.venues:
            return Client(id, None, None, _profile_at(policy, id, None))
        case "room":
            venue, _, room = id.partition("/")
            if venue in policy.venues and room in policy.venues[venue].rooms:
                return Client(venue, room, None, _profile_at(policy, venue, room))
        case _:
            pass
    raise QuestionFault(f"place: {place!r} is not there; {_PLACES}")


_PLACES: Final = "use venue:ID, room:VENUE/ID, device:ID, profile:ID or organisation"


def _client_with(policy: Policy, device: Device) -> Client:
    leases = policy.leases
    known = [address.packed for address in device.addresses]
    known += [a for id in device.client_ids for a in leases.with_id(id)]
    known += [a for name in device.hostnames for a in leases.with_hostname(name)]
    around = policy.identify(known[0]) if known else Client(UNKNOWN_VENUE, None, None, "")
    return Client(
        around.venue,
        around.room,
        device.id,
        device.profile or _profile_at(policy, around.venue, around.room),
        device.withdrawn_until if device.withdrawn else -math.inf,
    )


def _profile_at(policy: Policy, venue: str, room: str | None) -> str:
    """The profile of whoever is there and no known device."""
    there = policy.venues.get(venue)
    inside = there.rooms.get(room) if there is not None and room is not None else None
    return (
        (inside.profile if inside is not None else None)
        or (there.profile if there is not None else None)
        or policy.organisation.default_profile
    )


def _decide(name: bytes, perspective: Perspective, snapshot: Snapshot) -> Decision:
    spelling = spell(name)
    matches = snapshot.index.find(spelling) + CANARIES.get(name, ())
    return decide(perspective.view, spelling, matches)


def _happens(
    name: bytes,
    qtype: int,
    decision: Decision,
    perspective: Perspective,
    snapshot: Snapshot,
    at: float,
) -> tuple[Happens, str | None]:
    """Begin the life of this query with an empty cache, and see where it goes."""
    query = scan_query(pack(">6H", 0, codes.RD, 1, 0, 0, 0) + name + pack(">2H", qtype, codes.IN))
    resolution = resolve(query, perspective, snapshot, Cache(CacheSettings()), at)
    try:
        ask: Ask = next(resolution)
    except StopIteration as stop:
        outcome: Outcome = stop.value
        if outcome.status == "special":
            return "answered here", None
        if outcome.status == "rewritten":
            return "rewritten", None
        return ("warned" if decision.action == "warn" else "blocked"), None
    route = "default" if ask.route == DEFAULT_ROUTE else ask.route
    return ("forwarded" if ask.question[:-4] == name else "rewritten"), route


def _page_texts(category: str | None, policy: Policy) -> tuple[str, ...]:
    """Of the category, of those above it, of the organisation."""
    keys = keys_of(category, policy.taxonomy)
    return tuple(policy.pages[key] for key in keys if key in policy.pages)


def _answer(name: bytes, perspective: Perspective) -> str:
    return "nxdomain" if name in CANARIES else perspective.view.profile.answer


def _match(match: Match) -> dict[str, Any]:
    return {"category": match.category, "rule": match.rule, "sources": list(match.sources)}


def _name(text: str) -> bytes:
    try:
        return from_text(text)
    except ValueError as fault:
        raise QuestionFault(f"NAME: {fault}") from None


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise QuestionFault(
            f"--client: {text!r} is not an IP address; use one as in 10.20.3.7"
        ) from None


def _instant(text: str, now: float, zone: ZoneInfo) -> float:
    """`2026-11-23T12:30`, with or without an offset, or `12:30` for today."""
    today = datetime.fromtimestamp(now, zone).date().isoformat()
    try:
        given = datetime.fromisoformat(f"{today}T{text}" if len(text) <= 5 else text)
    except ValueError:
        raise QuestionFault(
            f"--at: {text!r} is not a time; use 2026-11-23T12:30, or 12:30 for today"
        ) from None
    return (given if given.tzinfo else given.replace(tzinfo=zone)).timestamp()
