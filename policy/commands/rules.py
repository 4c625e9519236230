"""Rules: allow or deny names, or deny addresses, for a scope, with a reason.

Bodies are what `policy.toml` has below `[[rules]]`; patterns are stored as they are read, in lower
case. What reaches too far (a public suffix, half the Internet's addresses, an essential site) needs
`override` with the reason; what was overridden is in the audit log beside the rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from sqlalchemy import func, select

from categoriser.patterns import Pattern
from policy.commands.command import (
    REASON_CHARACTERS_MAX,
    Change,
    Permission,
    Refused,
    Situation,
    changed,
)
from policy.commands.conflicts import Conflict, covers, find_conflicts, in_force, known_rules
from policy.commands.phrases import joined
from policy.commands.scopes import needed, numbered, require, whom, widest
from policy.entries import plain
from policy.patterns import fixed_part, is_public_suffix
from policy.policy import Policy
from policy.store.tables import rules as rules_table
from policy.store.writing import Writing
from policy.types import Network, Rule

RULES_AT_ONCE_MAX: Final = 5000
"""Rules of one command: they are one entry in the audit log."""

RULES_MAX: Final = 200_000
"""Rules of a store: four times what it was measured with."""

SENTENCES_MAX: Final = 20
WARNINGS_MAX: Final = 20

_PREFIX_BITS_MIN: Final = {4: 16, 6: 32}
"""A shorter prefix than this is a network of more than one operator."""


@dataclass(frozen=True, slots=True)
class AddRules:
    """One rule, or many at once: all of them or none. The author is the actor unless named."""

    action: ClassVar[str] = "rule.add"
    bodies: Sequence[Mapping[str, Any]]
    reason: str
    """For the rules that give no reason of their own."""
    override: bool = False
    """Deny or allow even what reaches too far."""

    def permission(self, situation: Situation) -> Permission:
        """To allow or to deny in the scope of the first rule; the others are asked for later."""
        if not self.bodies:
            return widest(situation, "rule.deny")
        return needed(situation, _verb(self.bodies[0]), _scope(self.bodies[0]))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses rules that are none, and what reaches too far."""
        if not 0 < len(self.bodies) <= RULES_AT_ONCE_MAX:
            allowed = f"allowed: 1 to {RULES_AT_ONCE_MAX}"
            raise Refused(f"{self.action}: {len(self.bodies)} rules are given; {allowed}")
        for verb, scope in dict.fromkeys((_verb(body), _scope(body)) for body in self.bodies):
            require(situation, verb, scope)
        await _require_room(writing, situation, len(self.bodies))
        own = {"reason": self.reason, "author": situation.actor.name}
        bodies = [{**own, **plain(body)} for body in self.bodies]
        rules, bodies = _read(situation, bodies)
        _require_all(situation, rules)
        _require_future(situation, rules)
        overridden = _overridden(situation, rules, self.override)
        warnings = await _warnings(writing, situation, rules)
        numbers = await writing.put_many("rules", [(None, body) for body in bodies])
        added = [{"id": id, **body} for id, body in zip(numbers, bodies, strict=True)]
        if overridden:  # beside the rule in the audit log, not in the policy
            added[0]["overridden"] = overridden
        if len(added) == 1:
            return Change(f"rule:{numbers[0]}", None, added[0], warnings)
        return Change(f"rules:{numbers[0]}-{numbers[-1]}", None, added, warnings)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What each rule does for whom."""
        bodies = change.after if isinstance(change.after, list) else [change.after]
        said = _describe(situation, bodies[:SENTENCES_MAX])
        more = len(bodies) - len(said)
        return [*said, f"And {more} more rules."] if more else said


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """Another pattern, scope, review date, expiry or reason.

    Who changes what a rule does or for whom becomes its author, unless another is named.
    """

    action: ClassVar[str] = "rule.change"
    number: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key; None takes a key away."""
    reason: str = ""
    override: bool = False
    """Deny or allow even what reaches too far."""

    def permission(self, situation: Situation) -> Permission:
        """The rule's scope is in the store: asked for as soon as it is read."""
        return widest(situation, self.action)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what `AddRules` would; what was overridden before stays so unless it grows."""
        before = await numbered(writing, situation, "rules", self.number)
        require(situation, self.action, _scope(before))
        body = changed(before, plain(self.changes))
        if body != before:
            require(situation, self.action, _scope(body))
            require(situation, _verb(body), _scope(body))
        rules, (body,) = _read(situation, [body])
        if body != before:
            _require_all(situation, rules)
        warnings: tuple[str, ...] = ()
        more: dict[str, Any] = {}
        if _reach(body) != _reach(before):
            if "author" not in self.changes:  # it is another decision, and somebody else's
                body["author"] = situation.actor.name
            if overridden := _overridden(situation, rules, self.override):
                if not self.reason.strip():  # the rule's own was given for what it was before
                    given = "nothing is given for the override"
                    raise Refused(f"{self.action}: reason: {given}; reason is required")
                more["overridden"] = overridden
            warnings = await _warnings(writing, situation, rules, ignored=self.number)
        if body != before:
            await writing.put("rules", self.number, body)
        old, new = {"id": self.number, **before}, {"id": self.number, **body}
        return Change(f"rule:{self.number}", old, {**new, **more}, warnings)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What the rule did, and what it does now."""
        was, now = _describe(situation, [change.before, change.after])
        return [f"Rule {self.number} changes. {now} (Before: {was})"]


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """Take a rule back: lists and profiles decide again."""

    action: ClassVar[str] = "rule.remove"
    number: int
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """The rule's scope is in the store: asked for as soon as it is read."""
        return widest(situation, self.action)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a number that is not there."""
        before = await numbered(writing, situation, "rules", self.number)
        require(situation, self.action, _scope(before))
        await writing.remove("rules", self.number)
        return Change(f"rule:{self.number}", {"id": self.number, **before}, None)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """Who is no longer concerned."""
        body = change.before
        place, target = whom(situation.words, _scope(body)), _target(situation, body)
        verb = "allows" if body["action"] == "allow" else "denies"
        return [
            f"{place}: rule {self.number} no longer {verb} {target}; "
            "other rules, lists and the profile decide."
        ]


def _describe(situation: Situation, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """What rules do: "Everyone: bet.example is denied until 12:00 on 3 March 2026."."""
    rules = situation.build(rules=[_without_note(body) for body in bodies]).rules
    first = {rule.number: rule for rule in reversed(rules)}
    return [_sentence(situation, first[n], _target(situation, b)) for n, b in enumerate(bodies)]


def _sentence(situation: Situation, rule: Rule, target: str) -> str:
    words = situation.words
    done = "allowed" if rule.action == "allow" else "denied"
    said = f"{whom(words, rule.scope)}: {target} is {done}"
    if rule.expires < math.inf:
        said += f" until {words.instant(rule.expires)}"
    if rule.review is not None:
        said += f", to be looked at again on {rule.review.day} {rule.review:%B %Y}"
    return f"{said}."


def _read(
    situation: Situation, bodies: list[dict[str, Any]]
) -> tuple[tuple[Rule, ...], list[dict[str, Any]]]:
    """The rules of bodies, and the bodies as they are stored: targets as they were understood."""
    long = [
        f"{situation.action}: rules[{number}].reason: {len(body['reason'])} characters; "
        f"allowed: up to {REASON_CHARACTERS_MAX}"
        for number, body in enumerate(bodies)
        if len(str(body.get("reason", ""))) > REASON_CHARACTERS_MAX
    ]
    long += [
        f"{situation.action}: rules[{number}].id: numbers are given by the store; allowed: no id"
        for number, body in enumerate(bodies)
        if "id" in body
    ]
    if long:
        raise Refused(*long)
    rules = situation.build(rules=bodies).rules
    stored = [dict(body) for body in bodies]
    for rule in rules:
        key = "pattern" if rule.pattern is not None else "address"
        understood = {key: rule.text} if rule.bundle is None else {"bundle": rule.bundle}
        if "scope" in stored[rule.number]:
            understood["scope"] = rule.scope
        stored[rule.number] |= understood
    return rules, stored


def _require_all(situation: Situation, rules: Sequence[Rule]) -> None:
    """Ask for permission once more, now for what was understood: the reader is lenient."""
    for action, scope in dict.fromkeys((rule.action, rule.scope) for rule in rules):
        require(situation, f"rule.{action}", scope)


def _require_future(situation: Situation, rules: Sequence[Rule]) -> None:
    over = dict.fromkeys(rule.number for rule in rules if rule.expires <= situation.at)
    if over:
        where = f"{situation.action}: rules"
        allowed = "allowed: a later instant, or none"
        raise Refused(*(f"{where}[{n}].expires: it is over already; {allowed}" for n in over))


async def _require_room(writing: Writing, situation: Situation, more: int) -> None:
    there = await writing.connection.scalar(select(func.count()).select_from(rules_table)) or 0
    if there + more > RULES_MAX:
        allowed = f"allowed: {RULES_MAX} in all; remove expired ones, or use a list"
        raise Refused(
            f"{situation.action}: {there} rules are there and {more} are given; {allowed}"
        )


def _overridden(situation: Situation, rules: Sequence[Rule], override: bool) -> list[str]:
    """What needed the override and had it. Raises `Refused` with all that had it not."""
    found: dict[int, list[str]] = {}
    for rule in rules:
        for given in _too_far(situation, rule):
            found.setdefault(rule.number, []).append(given)
    if found and not override:
        raise Refused(
            *(
                f"{situation.action}: rules[{number}]: {given}; "
                "allowed: a narrower rule, or this one with override and the reason for it"
                for number, each in found.items()
                for given in each
            )
        )
    return [given for each in found.values() for given in each]


def _too_far(situation: Situation, rule: Rule) -> list[str]:
    """In what a rule reaches further than people mean."""
    if rule.network is not None:
        return [f"{rule.text} is {_wide(rule.network)}"] if _wide(rule.network) else []
    pattern = rule.pattern
    if pattern is None:
        return []
    found = []
    if suffix := _suffix(pattern):
        found.append(f"{pattern.text} is everything below the public suffix {suffix}")
    if rule.action == "deny" and (closed := _essentials_closed(situation, pattern)):
        found.append(f"{pattern.text} closes what is essential: {joined(closed)}")
    return found


def _wide(network: Network) -> str:
    return "" if network.prefixlen >= _PREFIX_BITS_MIN[network.version] else "very wide"


def _suffix(pattern: Pattern) -> str:
    """The public suffix that a wildcard is all of; the plain suffix is refused by the reader."""
    if not pattern.text.startswith("*."):
        return ""
    name = pattern.text.removeprefix("*.")
    names = [name]
    if name.endswith(".*"):  # `*.co.*` is all of co.uk, `*.com.*` of com.au, and of many others
        names = [f"{name.removesuffix('.*')}.{country}" for country in ("uk", "au", "jp", "br")]
    return next((name for name in names if is_public_suffix(name)), "")


def _essentials_closed(situation: Situation, pattern: Pattern) -> list[str]:
    """Essential sites that a deny would close, or a part of them: shipped ones and our own."""
    closed = list(situation.knowledge.essential_matches(pattern))
    for site in situation.policy.essentials:
        if covers(pattern.text, site.text) or covers(site.text, pattern.text):
            closed.append(site.text)
    return list(dict.fromkeys(closed))


async def _warnings(
    writing: Writing, situation: Situation, rules: Sequence[Rule], ignored: int | None = None
) -> tuple[str, ...]:
    """What the author should know: what cannot work, and what other rules say."""
    warnings = [line for rule in rules if (line := _locked(situation, rule))]
    known = await known_rules(writing, situation.policy.bundles)
    found = find_conflicts(rules, known, ignored=ignored)
    warnings += [_conflict(situation, one) for one in await in_force(writing, situation, found)]
    warnings = list(dict.fromkeys(warnings))
    if len(warnings) > WARNINGS_MAX:
        more = len(warnings) - WARNINGS_MAX
        warnings = [*warnings[:WARNINGS_MAX], f"And {more} or more like these."]
    return tuple(warnings)


def _locked(situation: Situation, rule: Rule) -> str:
    """That an allow is in vain, where it is."""
    if rule.action == "deny" or rule.pattern is None:
        return ""
    taxonomy = situation.taxonomy
    listed = situation.knowledge.categories_of(fixed_part(rule.pattern.text))
    locked = [taxonomy[c].title for c in listed if c in taxonomy and taxonomy[c].locked]
    if not locked:
        return ""
    return f"{rule.text} stays blocked: {joined(locked)} is locked, and nobody can open it."


def _conflict(situation: Situation, conflict: Conflict) -> str:
    rule, known = conflict.rule, conflict.known
    other = f"rule {known.id} ({known.text} {situation.words.scope(known.scope)})"
    match conflict.kind:
        case "same":
            return f"{rule.text}: {other} says the same already."
        case "opposite":
            denied = "this one" if rule.action == "deny" else "that one"
            return f"{rule.text}: {other} says the opposite; a deny wins, so {denied} counts."
        case _:
            return f"{rule.text}: {other} is more specific and goes before this one there."


def _verb(body: Mapping[str, Any]) -> str:
    """What somebody must be permitted to do; a rule that says neither is refused later."""
    return "rule.allow" if body.get("action") == "allow" else "rule.deny"


def _scope(body: Mapping[str, Any]) -> str:
    return str(body.get("scope", "organisation")).strip()


def _reach(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """What an override was given for."""
    return tuple(body.get(key) for key in ("action", "pattern", "address", "bundle", "scope"))


def _target(situation: Situation, body: Mapping[str, Any]) -> str:
    """What a rule is about, for people."""
    if "bundle" in body:
        bundles = situation.policy.bundles
        return f"{bundles[body['bundle']].title} (bundle {body['bundle']})"
    return str(body.get("pattern", body.get("address")))


def _without_note(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "overridden"}
