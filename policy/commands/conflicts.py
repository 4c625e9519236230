"""Rules that stand in each other's way, found among tens of thousands without a search by pairs.

Of two opposite rules the more specific scope counts, then the longer name, then the deny; see
`policy.decision`. Whoever writes a rule that another one goes before ought to hear of it. Says
nothing of addresses, which can only be denied, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import select

from categoriser.patterns import Pattern
from policy.commands.command import Situation
from policy.patterns import fixed_part
from policy.store.tables import rules as rules_table
from policy.store.writing import Writing
from policy.types import Bundle, Rule

_LOOKED_AT_MAX: Final = 100
"""Conflicts of one command that are looked at more closely."""

_PAIRS_MAX: Final = 500_000
"""Pairs of a new rule and a known one that are compared, about a second: ten thousand rules for one
name, each for another device, are in nobody's way, and would be compared with each other all."""

_RANKS: Final = ("organisation", "profile", "venue", "room", "device")
"""Kinds of scope, the least specific first, as `policy.view.scopes_of` has them."""


@dataclass(frozen=True, slots=True)
class Known:
    """A rule in the store, as far as it was read: one of a bundle stands for each of its sites."""

    id: int
    action: str
    target: str
    """A site as written, also where a bundle is meant."""
    bundle: str | None
    scope: str

    @property
    def text(self) -> str:
        """The rule in a few words: `deny facebook.com`."""
        named = self.target if self.bundle is None else f"bundle {self.bundle}"
        return f"{self.action} {named}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A rule that is about to be written, and one in the store that is about the same names."""

    rule: Rule
    known: Known
    kind: str
    """`same`: it says the same already; `opposite`: same target and scope, and a deny wins;
    `shadow`: the one in the store goes before it where both hold."""


async def known_rules(writing: Writing, bundles: Mapping[str, Bundle]) -> list[Known]:
    """Every rule about names, in the order of the store; some 0.2 s for 50,000."""
    found = await writing.connection.execute(_SELECT)
    known: list[Known] = []
    for id, action, target, profile, venue, room, device in found:
        scope, target = _scope(profile, venue, room, device), target.lower()
        if target in bundles:  # a pattern of names has a dot or a star, a bundle's id has neither
            known += [Known(id, action, site.text, target, scope) for site in bundles[target].sites]
        elif "/" not in target and ":" not in target:
            known.append(Known(id, action, target, None, scope))
    return known


def find_conflicts(
    rules: Sequence[Rule], known: Iterable[Known], *, ignored: int | None = None
) -> Iterator[Conflict]:
    """Conflicts of new rules with those in the store, among the first `_PAIRS_MAX` that are about
    near names; `ignored` is the number of one to leave out, because it is the one that changes.
    """
    compared = 0
    by_name: dict[str, list[Rule]] = {}
    below: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.pattern is not None:
            name = fixed_part(rule.pattern.text)
            by_name.setdefault(name, []).append(rule)
            for above in _parents(name):
                below.setdefault(above, []).append(rule)
    for other in known:
        if other.id == ignored:
            continue
        name = fixed_part(other.target)
        near = [rule for above in (name, *_parents(name)) for rule in by_name.get(above, ())]
        for rule in (*near, *below.get(name, ())):
            compared += 1
            if compared > _PAIRS_MAX:
                return
            if kind := _kind(rule, other):
                yield Conflict(rule, other, kind)


async def in_force(
    writing: Writing, situation: Situation, found: Iterable[Conflict]
) -> list[Conflict]:
    """Of the first conflicts those whose rule in the store has not expired."""
    first = list(islice(found, _LOOKED_AT_MAX))
    ids = list(dict.fromkeys(conflict.known.id for conflict in first))
    expired = await _expired(writing, situation, ids)
    return [conflict for conflict in first if conflict.known.id not in expired]


async def deny_rules_over(
    writing: Writing, situation: Situation, patterns: Iterable[Pattern], where: str
) -> list[Known]:
    """Deny rules in force that keep these sites closed whatever else opens them there."""
    names = sorted({pattern.text for pattern in patterns})[:_LOOKED_AT_MAX]
    targets = {*names, *(fixed_part(name) for name in names)}
    for name in names:
        for above in _parents(fixed_part(name)):
            targets |= {above, f"*.{above}"}
    found = await writing.connection.execute(
        _SELECT.where(rules_table.c.action == "deny", rules_table.c.target.in_(targets))
    )
    known = [
        Known(id, action, target, None, _scope(*scope)) for id, action, target, *scope in found
    ]
    known = [
        rule
        for rule in known
        if scopes_meet(where, rule.scope) and any(covers(rule.target, name) for name in names)
    ][:_LOOKED_AT_MAX]
    expired = await _expired(writing, situation, [rule.id for rule in known])
    return [rule for rule in known if rule.id not in expired]


def covers(above: str, below: str) -> bool:
    """Whether every name of one pattern is a name of another, for patterns without a star at the
    end; of those only whether they are the same.
    """
    if above == below:
        return True
    if above.startswith("=") or above.endswith(".*") or below.endswith(".*"):
        return False
    name, inner = fixed_part(above), fixed_part(below)
    if inner == name:
        return not above.startswith("*.")
    return inner.endswith(f".{name}")


def scopes_meet(one: str, other: str) -> bool:
    """Whether some client may be in both scopes: places are apart unless one holds the other."""
    (kind, _, id), (other_kind, _, other_id) = one.partition(":"), other.partition(":")
    if kind == other_kind:
        return id == other_id
    if {kind, other_kind} == {"venue", "room"}:
        return id.partition("/")[0] == other_id.partition("/")[0]
    return True


def _kind(rule: Rule, other: Known) -> str:
    """How two rules about near names stand to each other; "" for no conflict."""
    pattern = rule.pattern
    if pattern is None:
        return ""
    same = other.target == pattern.text and other.scope == rule.scope
    if other.action == rule.action:
        # A bundle repeats single sites of others on purpose.
        return "same" if same and other.bundle == rule.bundle else ""
    if same:
        return "opposite"
    meet = covers(other.target, pattern.text) or covers(pattern.text, other.target)
    if not meet or not scopes_meet(rule.scope, other.scope):
        return ""
    mine = (_rank(rule.scope), len(fixed_part(pattern.text)), rule.action == "deny")
    theirs = (_rank(other.scope), len(fixed_part(other.target)), other.action == "deny")
    return "shadow" if theirs > mine else ""


def _rank(scope: str) -> int:
    return _RANKS.index(scope.partition(":")[0])


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name


def _scope(profile: str | None, venue: str | None, room: str | None, device: str | None) -> str:
    if room is not None:
        return f"room:{venue}/{room}"
    for kind, id in (("profile", profile), ("venue", venue), ("device", device)):
        if id is not None:
            return f"{kind}:{id}"
    return "organisation"


_COLUMNS: Final = ("id", "action", "target", "profile_id", "venue_id", "room_id", "device_id")
_SELECT: Final = select(*(rules_table.c[name] for name in _COLUMNS)).order_by(rules_table.c.id)


async def _expired(writing: Writing, situation: Situation, ids: Sequence[int]) -> set[int | None]:
    """Which of some rules in the store have expired."""
    bodies = [(id, await writing.get("rules", id) or {}) for id in ids]
    ending = [{**body, "id": id} for id, body in bodies if "expires" in body]
    rules = situation.build(rules=ending).rules if ending else ()
    return {rule.id for rule in rules if rule.expires <= situation.at}
