"""Rules and exceptions of a policy document: what people decided one by one.

Each must say why, and each exception who approved it and when it ends.  What is refused here could
not be put right later: a rule so broad that it switches the filter off or the internet out, and an
exception for what may not be exempted.  Reading only; see `policy.document`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final, Literal

from categoriser.patterns import Pattern
from categoriser.taxonomy import Taxonomy
from policy.patterns import octets_of, read_pattern
from policy.reading import Table, show
from policy.types import ApprovedException, Bundle, Device, Network, Profile, Rule, Venue

_RULE_ACTIONS: tuple[Literal["allow", "deny"], ...] = ("allow", "deny")
_TARGETS: Final = ("pattern", "address", "bundle")
_DONE: Final = {"deny": "denied", "allow": "allowed"}


@dataclass(frozen=True, slots=True)
class Places:
    """What a scope may name."""

    profiles: Mapping[str, Profile]
    venues: Mapping[str, Venue]
    devices: Mapping[str, Device]
    bundles: Mapping[str, Bundle]

    def holds(self, kind: str, id: str) -> bool:
        """Whether there is a `kind:id`. Asked for each of 50,000 rules: nothing is listed here."""
        if kind == "room":
            venue, _, room = id.partition("/")
            return venue in self.venues and room in self.venues[venue].rooms
        return id in self.ids(kind)

    def ids(self, kind: str) -> Collection[str]:
        """The ids that may follow `kind:` in a scope."""
        if kind == "room":
            return [f"{v.id}/{room}" for v in self.venues.values() for room in v.rooms]
        known: dict[str, Collection[str]] = {
            "profile": self.profiles,
            "venue": self.venues,
            "device": self.devices,
        }
        return known.get(kind, ())


@dataclass(frozen=True, slots=True)
class KnownRules:
    """Rules that were read before, where nothing they rest on has changed since."""

    bodies: Sequence[object] = ()
    """As the document had them."""
    rules: Sequence[list[Rule]] = ()
    """What was read from each."""


def read_rules(
    document: Table, places: Places, zone: tzinfo, known: KnownRules
) -> list[list[Rule]]:
    """The rules of each entry, in the order of the document; one of a bundle gives one for each of
    its sites. An entry that stands where it stood, and as it was, is not read again.
    """
    bodies, rules = known.bodies, known.rules
    return [
        rules[number]
        if number < len(rules) and bodies[number] == table.raw
        else _rule(number, table, places, zone)
        for number, table in document.tables("rules")
    ]


def read_exceptions(
    document: Table, places: Places, zone: tzinfo, taxonomy: Taxonomy
) -> list[ApprovedException]:
    """All exceptions, in the order of the document; those that have ended included."""
    return [
        _exception(number, table, places, zone, taxonomy)
        for number, table in document.tables("exceptions")
    ]


def _rule(number: int, table: Table, places: Places, zone: tzinfo) -> list[Rule]:
    action = table.word("action", _RULE_ACTIONS, "deny", required=True)
    pattern, network, bundle = _target(table, action, places)
    expires = table.instant("expires", zone, whole_day=True)
    rule = Rule(
        number=number,
        action=action,
        pattern=pattern,
        network=network,
        scope=_scope(table, "scope", places, ("profile", "venue", "room", "device")),
        reason=table.text("reason"),
        author=table.text("author", ""),
        review=table.day("review"),
        expires=math.inf if expires is None else expires,
        octets=0 if pattern is None else octets_of(pattern),
        id=table.number("id"),
    )
    table.finish()
    if bundle is None:
        return [rule]
    return [
        replace(rule, pattern=site, octets=octets_of(site), bundle=bundle.id)
        for site in bundle.sites
    ]


def _target(
    table: Table, action: str, places: Places
) -> tuple[Pattern | None, Network | None, Bundle | None]:
    """What a rule is about: a pattern of names, a network to deny, or a bundle to allow."""
    given = [key for key in _TARGETS if table.has(key)]
    if len(given) != 1:
        what = f"both {' and '.join(given)}" if given else "nothing to match"
        table.faults.add(table.path, what, "allowed: one of pattern, address or bundle")
    for key in ("address", "bundle"):
        only = "deny" if key == "address" else "allow"
        if key in given and action != only:
            article = "an" if key == "address" else "a"
            allowed = f"allowed: {only}; {article} {key} can only be {_DONE[only]}"
            table.faults.add(table.at("action"), f"{show(action)} of {article} {key}", allowed)
    if table.has("address"):
        return None, table.network(table.at("address"), table.text("address")), None
    if table.has("bundle"):
        name = table.reference("bundle", places.bundles, "bundle")
        return None, None, None if name is None else places.bundles[name]
    if not table.has("pattern"):
        return None, None, None
    path = table.at("pattern")
    return read_pattern(table.faults, path, table.text("pattern"), wildcards=True), None, None


def _exception(
    number: int, table: Table, places: Places, zone: tzinfo, taxonomy: Taxonomy
) -> ApprovedException:
    sites = [
        pattern
        for path, text in table.texts("sites")
        if (pattern := read_pattern(table.faults, path, text, wildcards=False)) is not None
    ]
    bundles: dict[str, tuple[Pattern, ...]] = {}
    for path, name in table.texts("bundles"):
        if name in places.bundles:
            bundles[name] = places.bundles[name].sites
        else:
            table.faults.unknown(path, name, "bundle", places.bundles)
    categories: set[str] = set()
    for path, category in table.texts("categories"):
        if category not in taxonomy:
            table.faults.unknown(path, category, "category", taxonomy)
        elif not taxonomy[category].exemptible:
            exemptible = ", ".join(c for c in taxonomy if taxonomy[c].exemptible)
            table.faults.add(path, f"{show(category)} cannot be exempted", f"allowed: {exemptible}")
        else:
            categories |= {category, *taxonomy.descendants(category)}
    if not any(table.raw.get(key) for key in ("sites", "categories", "bundles")):
        allowed = "allowed: sites, categories, bundles or several of them"
        table.faults.add(table.path, "nothing to open", allowed)
    start = table.instant("from", zone)
    until = table.instant("until", zone, whole_day=True)
    if not table.has("until"):
        table.faults.add(table.at("until"), "nothing is given", "until is required")
    elif start is not None and until is not None and until <= start:
        table.faults.add(table.at("until"), "it ends before it begins", "allowed: later than from")
    if not table.has("where"):
        table.faults.add(table.at("where"), "nothing is given", "where is required")
    revoked = table.instant("revoked", zone)
    if revoked is not None and until is not None:
        until = min(until, revoked)
    exception = ApprovedException(
        number=number,
        sites=tuple(sites),
        categories=frozenset(categories),
        where=_scope(table, "where", places, ("venue", "room", "device")),
        purpose=table.text("purpose"),
        approver=table.text("approver"),
        start=-math.inf if start is None else start,
        until=math.inf if until is None else until,
        id=table.number("id"),
        bundles=bundles,
    )
    table.finish()
    return exception


def _scope(table: Table, key: str, places: Places, kinds: tuple[str, ...]) -> str:
    """Whom it is for; everyone when nothing is said."""
    scope = table.text(key, "organisation")
    if scope == "organisation":
        return scope
    kind, colon, id = scope.partition(":")
    if kind not in kinds or not colon:
        shapes = {"room": "room:VENUE/ROOM"}
        allowed = ", ".join(["organisation", *(shapes.get(k, f"{k}:{k.upper()}") for k in kinds)])
        table.faults.add(table.at(key), f"{show(scope)} is not a scope", f"allowed: {allowed}")
    elif not places.holds(kind, id):
        table.faults.unknown(table.at(key), id, kind, places.ids(kind))
    return scope
