"""Profiles: add, change, remove; their actions and periods one by one.

The body of a profile is what `policy.toml` has below `[profiles.ID]`. Profiles are shared by all
venues, so only administrators of the whole organisation change them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from policy.commands.command import (
    Change,
    Permission,
    Refused,
    Situation,
    changed,
    known,
    require_absent,
)
from policy.commands.effects import Described
from policy.commands.references import release
from policy.entries import plain
from policy.reading import Faults
from policy.store.writing import Writing


@dataclass(frozen=True, slots=True)
class AddProfile(Described):
    """What a new group of people may see."""

    action: ClassVar[str] = "profile.add"
    profile: str
    body: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an id that is taken."""
        require_absent(situation, "profiles", self.profile, situation.raw.get("profiles", {}))
        return await _write(writing, situation, self.profile, None, plain(self.body))


@dataclass(frozen=True, slots=True)
class ChangeProfile(Described):
    """Another title, answer, safe search; or all actions or periods at once."""

    action: ClassVar[str] = "profile.change"
    profile: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key; None takes a key away."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what the document would."""
        before = known(situation, "profiles", self.profile, "profile")
        body = changed(before, plain(self.changes))
        return await _write(writing, situation, self.profile, before, body)


@dataclass(frozen=True, slots=True)
class SetActions(Described):
    """Other actions for some categories, the rest as they are."""

    action: ClassVar[str] = "profile.change"
    profile: str
    actions: Mapping[str, str | None]
    """By category; None: as the category's own default, or its parent's action, has it."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses categories that are locked or essential."""
        before = known(situation, "profiles", self.profile, "profile")
        actions = changed(before.get("actions", {}), self.actions)
        body = changed(before, {"actions": actions or None})
        return await _write(writing, situation, self.profile, before, body)


@dataclass(frozen=True, slots=True)
class AddPeriod(Described):
    """A stretch of the week with actions of its own; where two hold at once the newer wins."""

    action: ClassVar[str] = "profile.change"
    profile: str
    body: Mapping[str, Any]
    """As `[[profiles.ID.periods]]` has it."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a name that another period of the profile has."""
        before = known(situation, "profiles", self.profile, "profile")
        periods = before.get("periods", [])
        name = self.body.get("name")
        if any(period["name"] == name for period in periods):
            where = f"{self.action}: profiles.{self.profile}.periods"
            raise Refused(f'{where}: there is one named "{name}"; allowed: another name')
        body = {**before, "periods": [*periods, plain(self.body)]}
        return await _write(writing, situation, self.profile, before, body)


@dataclass(frozen=True, slots=True)
class ChangePeriod(Described):
    """Another period in the place of one, which keeps its place in the order."""

    action: ClassVar[str] = "profile.change"
    profile: str
    name: str
    body: Mapping[str, Any]
    """The whole period as it shall be, its name included."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a name that no period of the profile has, and one that another has."""
        before = known(situation, "profiles", self.profile, "profile")
        periods = before.get("periods", [])
        _require_period(situation, self.profile, self.name, periods)
        others = [period["name"] for period in periods if period["name"] != self.name]
        name = self.body.get("name")
        if name in others:
            where = f"{self.action}: profiles.{self.profile}.periods.name"
            raise Refused(f'{where}: there is one named "{name}"; allowed: another name')
        new = plain(self.body)
        body = {**before, "periods": [new if p["name"] == self.name else p for p in periods]}
        return await _write(writing, situation, self.profile, before, body)


@dataclass(frozen=True, slots=True)
class RemovePeriod(Described):
    """Take a period away by its name."""

    action: ClassVar[str] = "profile.change"
    profile: str
    name: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a name that no period of the profile has."""
        before = known(situation, "profiles", self.profile, "profile")
        periods = before.get("periods", [])
        _require_period(situation, self.profile, self.name, periods)
        kept = [period for period in periods if period["name"] != self.name]
        body = changed(before, {"periods": kept or None})
        return await _write(writing, situation, self.profile, before, body)


@dataclass(frozen=True, slots=True)
class RemoveProfile(Described):
    """Give a profile up that nobody has."""

    action: ClassVar[str] = "profile.remove"
    profile: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses while a place, a device, a rule or the organisation has it."""
        body = known(situation, "profiles", self.profile, "profile")
        profiles = changed(situation.raw["profiles"], {self.profile: None})
        ended = await release(writing, situation, f"profile:{self.profile}")
        situation.build(profiles=profiles)
        await writing.remove("profiles", self.profile)
        subject = f"profile:{self.profile}"
        return Change(subject, {**body, **ended.part()}, None, ended.notes)


def _require_period(
    situation: Situation, profile: str, name: str, periods: Sequence[Mapping[str, Any]]
) -> None:
    """Raise `Refused` for a name that no period of a profile has."""
    names = [period["name"] for period in periods]
    if name not in names:
        faults = Faults(situation.action)
        faults.unknown(f"profiles.{profile}.periods", name, "period", names)
        raise Refused(*faults.lines)


async def _write(
    writing: Writing,
    situation: Situation,
    profile: str,
    before: dict[str, Any] | None,
    body: dict[str, Any],
) -> Change:
    """Check a profile and put it into the store. Raises `Refused`."""
    situation.build(profiles={**situation.raw.get("profiles", {}), profile: body})
    await writing.put("profiles", profile, body)
    return Change(f"profile:{profile}", before, body)
