"""Bundles of the organisation's own: a platform with its supporting hosts, under one name.

An own bundle of the id of a shipped one takes its place. What opens a bundle by rule or exception
follows every change of it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import msgspec
from sqlalchemy import select

from policy.bundles import shipped_bundles
from policy.commands.command import Change, Permission, Refused, Situation, changed, require_absent
from policy.commands.phrases import joined
from policy.commands.references import NAMED_MAX, Ended, refuse_while_held, tell_apart
from policy.entries import plain
from policy.policy import Policy
from policy.reading import Faults
from policy.store.tables import exceptions as exceptions_table
from policy.store.tables import rules as rules_table
from policy.store.writing import Writing
from policy.types import Bundle

BUNDLES_MAX: Final = 500
"""Own bundles."""

SITES_MAX: Final = 200
"""Sites of one bundle: a rule for it stands for as many."""


@dataclass(frozen=True, slots=True)
class AddBundle:
    """A new bundle, or an own one in place of a shipped one."""

    action: ClassVar[str] = "bundle.add"
    bundle: str
    body: Mapping[str, Any]
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """It may be opened anywhere."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an id that is taken by an own one, and sites that are none."""
        own = _own(situation)
        require_absent(situation, "bundles", self.bundle, own)
        if len(own) >= BUNDLES_MAX:
            given = f"{len(own)} are there"
            raise Refused(f"{self.action}: bundles: {given}; allowed: up to {BUNDLES_MAX}")
        body = _checked(situation, self.bundle, plain(self.body))
        await writing.put("bundles", self.bundle, body)
        warnings = []
        if self.bundle in shipped_bundles():
            warnings.append(f"It takes the place of the shipped bundle {self.bundle}.")
        warnings += await _opened_by(writing, situation, self.bundle)
        return Change(f"bundle:{self.bundle}", None, body, tuple(warnings))

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What it holds; for an own one in place of a shipped one, what differs."""
        new, old = after.bundles[self.bundle], situation.policy.bundles.get(self.bundle)
        if old is not None:
            return _differences(old, new)
        return [f"Bundle {self.bundle} ({new.title}) can be opened: {joined(_texts(new))}."]


@dataclass(frozen=True, slots=True)
class ChangeBundle:
    """Another title, or other sites."""

    action: ClassVar[str] = "bundle.change"
    bundle: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key; None takes a key away."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """It may be opened anywhere."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a bundle that is not an own one, and sites that are none."""
        before = _known(situation, self.bundle)
        body = _checked(situation, self.bundle, changed(before, plain(self.changes)))
        if body != before:
            await writing.put("bundles", self.bundle, body)
        warnings = await _opened_by(writing, situation, self.bundle)
        return Change(f"bundle:{self.bundle}", before, body, tuple(warnings))

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """Which sites it gains and loses."""
        return _differences(situation.policy.bundles[self.bundle], after.bundles[self.bundle])


@dataclass(frozen=True, slots=True)
class RemoveBundle:
    """Give an own bundle up; a shipped one of the same id takes its place again."""

    action: ClassVar[str] = "bundle.remove"
    bundle: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """It may be opened anywhere."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses while rules or exceptions open it, unless a shipped one takes its place.

        Those that are over go with it: the audit log keeps them.
        """
        before = _known(situation, self.bundle)
        subject = f"bundle:{self.bundle}"
        if self.bundle in shipped_bundles():
            warnings = await _opened_by(writing, situation, self.bundle)
            await writing.remove("bundles", self.bundle)
            return Change(subject, before, None, tuple(warnings))
        ended, holding = await _using(writing, situation, self.bundle)
        refuse_while_held(situation, subject, holding)
        await ended.remove(writing)
        await writing.remove("bundles", self.bundle)
        return Change(subject, {**before, **ended.part()}, None, ended.notes)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What is left in its place."""
        old, shipped = situation.policy.bundles[self.bundle], after.bundles.get(self.bundle)
        if shipped is None:
            return [f"Bundle {self.bundle} ({old.title}) can no longer be opened."]
        back = f"The shipped bundle {self.bundle} takes its place again."
        return [back, *_differences(old, shipped)]


def _own(situation: Situation) -> Mapping[str, dict[str, Any]]:
    own: Mapping[str, dict[str, Any]] = situation.raw.get("bundles", {})
    return own


def _known(situation: Situation, bundle: str) -> dict[str, Any]:
    """The body of an own bundle. Raises `Refused` when there is none."""
    own = _own(situation)
    if bundle in own:
        return own[bundle]
    if bundle in shipped_bundles():
        where = f"{situation.action}: bundles.{bundle}"
        allowed = "allowed: an own one of this id in its place, with bundle.add"
        raise Refused(f"{where}: it is shipped and cannot be changed; {allowed}")
    faults = Faults(situation.action)
    faults.unknown("bundles", bundle, "bundle of your own", own)
    raise Refused(*faults.lines)


def _checked(situation: Situation, bundle: str, body: dict[str, Any]) -> dict[str, Any]:
    """A body as it is stored: sites as they were understood. Raises `Refused`."""
    policy = situation.build(bundles={**_own(situation), bundle: body})
    sites = list(dict.fromkeys(_texts(policy.bundles[bundle])))
    if len(sites) > SITES_MAX:
        where = f"{situation.action}: bundles.{bundle}.sites"
        raise Refused(f"{where}: {len(sites)} are given; allowed: up to {SITES_MAX}")
    return {**body, "sites": sites}


async def _opened_by(writing: Writing, situation: Situation, bundle: str) -> list[str]:
    """That rules and exceptions follow the change, when there are some."""
    _, holding = await _using(writing, situation, bundle)
    if not holding:
        return []
    return [f"What opens it follows at once: {joined(holding, NAMED_MAX)}."]


async def _using(writing: Writing, situation: Situation, bundle: str) -> tuple[Ended, list[str]]:
    """Rules and exceptions that name a bundle: those that are over, and words for the others."""
    named = rules_table.c.target == bundle
    found = select(rules_table.c.id, rules_table.c.body).where(named).order_by(rules_table.c.id)
    rows = await writing.connection.execute(found)
    rules = {id: msgspec.json.decode(body) for id, body in rows}
    rules = {id: body for id, body in rules.items() if body.get("bundle") == bundle}
    found = select(exceptions_table.c.id, exceptions_table.c.body)
    # The name is somewhere in the text; which bodies mean the bundle is seen when they are read.
    found = found.where(exceptions_table.c.body.contains(f'"{bundle}"', autoescape=True))
    rows = await writing.connection.execute(found.order_by(exceptions_table.c.id))
    exceptions = {id: msgspec.json.decode(body) for id, body in rows}
    exceptions = {id: body for id, body in exceptions.items() if bundle in body.get("bundles", ())}
    return tell_apart(situation, rules, exceptions)


def _differences(old: Bundle, new: Bundle) -> list[str]:
    """Which sites a bundle gains and loses, for whoever has it open."""
    said = []
    was, now = _texts(old), _texts(new)
    if gained := [site for site in now if site not in was]:
        said.append(f"Bundle {new.id}: it opens {joined(gained)} too.")
    if lost := [site for site in was if site not in now]:
        said.append(f"Bundle {new.id}: it no longer opens {joined(lost)}.")
    if old.title != new.title:
        said.append(f"Bundle {new.id}: it is called {new.title} (before: {old.title}).")
    return said or [f"Bundle {new.id}: it opens the same as before."]


def _texts(bundle: Bundle) -> list[str]:
    return [site.text for site in bundle.sites]
