"""Rules and exceptions of a policy document: what people decided one by one.

Each must say why, and each exception who approved it and when it ends.  What is refused here could
not be put right later: a rule so broad that it switches the filter off or the internet out, and an
exception for what may not be exempted.  Reading only; see `policy.document`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from typing import Literal

from publicsuffixlist import PublicSuffixList

from categoriser.names import from_text
from categoriser.patterns import Pattern, PatternFault
from categoriser.taxonomy import Taxonomy
from policy.reading import Table, show
from policy.types import ApprovedException, Device, Network, Profile, Rule, Venue

_RULE_ACTIONS: tuple[Literal["allow", "deny"], ...] = ("allow", "deny")


@dataclass(frozen=True, slots=True)
class Places:
    """What a scope may name."""

    profiles: Mapping[str, Profile]
    venues: Mapping[str, Venue]
    devices: Mapping[str, Device]

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


def read_rules(document: Table, places: Places, zone: tzinfo) -> list[Rule]:
    """All rules, in the order of the document."""
    return [_rule(number, table, places, zone) for number, table in document.tables("rules")]


def read_exceptions(
    document: Table, places: Places, zone: tzinfo, taxonomy: Taxonomy
) -> list[ApprovedException]:
    """All exceptions, in the order of the document; those that have ended included."""
    return [
        _exception(number, table, places, zone, taxonomy)
        for number, table in document.tables("exceptions")
    ]


def _rule(number: int, table: Table, places: Places, zone: tzinfo) -> Rule:
    action = table.word("action", _RULE_ACTIONS, "deny", required=True)
    pattern, network = _target(table, action)
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
    )
    table.finish()
    return rule


def _target(table: Table, action: str) -> tuple[Pattern | None, Network | None]:
    """What a rule is about: a pattern of names, or a network to deny."""
    if table.has("pattern") == table.has("address"):
        given = "both pattern and address" if table.has("pattern") else "nothing to match"
        table.faults.add(table.path, given, "allowed: either pattern or address")
    if table.has("address"):
        if action == "allow":
            allowed = "allowed: deny; an address can only be denied"
            table.faults.add(table.at("action"), f"{show(action)} of an address", allowed)
        return None, table.network(table.at("address"), table.text("address"))
    if not table.has("pattern"):
        return None, None
    return _pattern(table, table.at("pattern"), table.text("pattern"), wildcards=True), None


def _exception(
    number: int, table: Table, places: Places, zone: tzinfo, taxonomy: Taxonomy
) -> ApprovedException:
    sites = [
        pattern
        for path, text in table.texts("sites")
        if (pattern := _pattern(table, path, text, wildcards=False)) is not None
    ]
    categories: set[str] = set()
    for path, category in table.texts("categories"):
        if category not in taxonomy:
            table.faults.unknown(path, category, "category", taxonomy)
        elif not taxonomy[category].exemptible:
            exemptible = ", ".join(c for c in taxonomy if taxonomy[c].exemptible)
            table.faults.add(path, f"{show(category)} cannot be exempted", f"allowed: {exemptible}")
        else:
            categories |= {category, *taxonomy.descendants(category)}
    if not table.raw.get("sites") and not table.raw.get("categories"):
        table.faults.add(table.path, "nothing to open", "allowed: sites, categories or both")
    start = table.instant("from", zone)
    until = table.instant("until", zone, whole_day=True)
    if not table.has("until"):
        table.faults.add(table.at("until"), "nothing is given", "until is required")
    elif start is not None and until is not None and until <= start:
        table.faults.add(table.at("until"), "it ends before it begins", "allowed: later than from")
    if not table.has("where"):
        table.faults.add(table.at("where"), "nothing is given", "where is required")
    exception = ApprovedException(
        number=number,
        sites=tuple(sites),
        categories=frozenset(categories),
        where=_scope(table, "where", places, ("venue", "room", "device")),
        purpose=table.text("purpose"),
        approver=table.text("approver"),
        start=-math.inf if start is None else start,
        until=math.inf if until is None else until,
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
    elif id not in (known := places.ids(kind)):
        table.faults.unknown(table.at(key), id, kind, known)
    return scope


def _pattern(table: Table, path: str, text: str, wildcards: bool) -> Pattern | None:
    """One pattern of names that is neither a guess nor a piece of the internet's root."""
    if not text:
        return None
    try:
        pattern = Pattern.parse(text)
    except PatternFault as fault:
        table.faults.lines.append(f"{table.faults.where}: {path}: {fault}")
        return None
    if pattern.kind == "keyword":
        allowed = "allowed: example.com or =example.com; keywords only suggest"
        table.faults.add(path, f"{show(text)} is a keyword", allowed)
        return None
    if pattern.kind == "wildcard":
        if not wildcards:
            allowed = "allowed: one site, such as example.com or =example.com"
            table.faults.add(path, f"{show(text)} is a wildcard", allowed)
    elif pattern.kind == "domain":
        # The exact name (=gov.uk) does no harm: it reaches nothing below it.
        name = pattern.text
        if "." not in name or _public_suffixes().is_public(name):
            kind = "public suffix" if "." in name else "single label"
            allowed = f"allowed: a name below it such as example.{name}, or ={name} for it alone"
            if wildcards:
                allowed += f", or *.{name} if you mean everything below it"
            table.faults.add(path, f"{show(text)} is a {kind}", allowed)
    return pattern


def octets_of(pattern: Pattern) -> int:
    """Length in wire form of what a pattern fixes of a name."""
    return len(from_text(pattern.text.removeprefix("=").removeprefix("*.").removesuffix(".*")))


@cache
def _public_suffixes() -> PublicSuffixList:
    """Suffixes under which the public may register names.

    Only those of registries: a hosting company's (github.io) are a fair thing to deny.
    """
    return PublicSuffixList(only_icann=True)
