"""Essentials: the organisation's own sites that no list may close, beside those that ship.

Kept by their pattern, with who added them and why. An essential stays open for a device whose
access is withdrawn, and goes before every category but the locked ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from categoriser.patterns import Pattern
from policy.commands.command import Change, Permission, Refused, Situation
from policy.commands.conflicts import deny_rules_over
from policy.commands.phrases import joined
from policy.patterns import fixed_part
from policy.policy import Policy
from policy.reading import Faults
from policy.store.writing import Writing

ESSENTIALS_MAX: Final = 1000
"""Own essentials. Each is a hole in every list: there should be few."""


@dataclass(frozen=True, slots=True)
class AddEssential:
    """A site that learning here cannot do without."""

    action: ClassVar[str] = "essential.add"
    site: str
    """`portal.example` with all below it, or `=portal.example` alone."""
    reason: str

    def permission(self, situation: Situation) -> Permission:
        """It is for everyone."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what is no single site, and no reason at all."""
        if not self.reason.strip():
            raise Refused(f"{self.action}: reason: nothing is given; reason is required")
        sites = _sites(situation)
        if len(sites) >= ESSENTIALS_MAX:
            given = f"{len(sites)} are there"
            raise Refused(f"{self.action}: essentials: {given}; allowed: up to {ESSENTIALS_MAX}")
        after = situation.build(essentials={"sites": [*sites, self.site]})
        pattern = after.essentials[-1]
        if pattern.text in _understood(situation):
            raise Refused(
                f"{self.action}: {pattern.text}: it is there already; allowed: another site"
            )
        warnings = _listed(situation, pattern)
        rules = await deny_rules_over(writing, situation, [pattern], "organisation")
        warnings += [
            f"Rule {rule.id} ({rule.text} {situation.words.scope(rule.scope)}) goes before it."
            for rule in rules
        ]
        body = {"reason": self.reason.strip(), "author": situation.actor.name}
        await writing.put("essentials", pattern.text, body)
        return Change(f"essential:{pattern.text}", None, body, tuple(warnings))

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What no list may close any more."""
        site = change.subject.partition(":")[2]
        return [f"Everyone: {site} is open whatever lists say, also where access is withdrawn."]


@dataclass(frozen=True, slots=True)
class RemoveEssential:
    """Let lists and profiles decide about a site again."""

    action: ClassVar[str] = "essential.remove"
    site: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """It is for everyone."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a site that is none of the organisation's own."""
        own = _understood(situation)
        given = situation.build(essentials={"sites": [self.site]}).essentials
        # As it was imported, which may be in other letters; the understood form is the same.
        site = next((own[pattern.text] for pattern in given if pattern.text in own), None)
        if site is None:
            faults = Faults(self.action)
            faults.unknown("essentials", self.site.strip(), "site of your own", own)
            raise Refused(*faults.lines)
        before = await writing.get("essentials", site)
        await writing.remove("essentials", site)
        return Change(f"essential:{site}", before, None)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """Who decides again."""
        site = change.subject.partition(":")[2]
        return [f"Everyone: lists and profiles decide about {site} again."]


def _listed(situation: Situation, pattern: Pattern) -> list[str]:
    """What lists say of a site that becomes essential, as warnings."""
    taxonomy, knowledge = situation.taxonomy, situation.knowledge
    warnings = []
    if shipped := knowledge.essential_matches(pattern):
        warnings.append(f"Some of it is essential already: {joined(list(shipped))}.")
    listed = [
        taxonomy[category]
        for category in knowledge.categories_of(fixed_part(pattern.text))
        if category in taxonomy
    ]
    if locked := [entry.title for entry in listed if entry.locked]:
        warnings.append(f"It stays blocked: {joined(locked)} is locked, and nobody can open it.")
    elif grave := [e.title for e in listed if not (e.essential or e.exemptible)]:
        warnings.append(f"It is listed as {joined(grave)}, and opens all the same.")
    return warnings


def _understood(situation: Situation) -> dict[str, str]:
    """Our own sites as they were understood, each with how it is stored."""
    patterns = (pattern.text for pattern in situation.policy.essentials)
    return dict(zip(patterns, _sites(situation), strict=True))


def _sites(situation: Situation) -> list[str]:
    sites: list[str] = situation.raw.get("essentials", {}).get("sites", [])
    return sites
