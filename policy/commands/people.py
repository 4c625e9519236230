"""People: add, change, remove, with their roles.

The body of a person is what `policy.toml` has below `[people.ID]`: name, e-mail address, roles.
Nothing here knows a password. Who administers some venues may appoint people there; only an
administrator of the whole organisation may make administrators and safeguarding leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from policy.commands.command import (
    Change,
    Permission,
    Situation,
    changed,
    known,
    require_absent,
)
from policy.commands.effects import Described
from policy.entries import plain
from policy.policy import Policy
from policy.store.writing import Writing

_TRUSTED: Final = frozenset({"administrator", "safeguarding-lead"})
"""Who decides everything, and who sees identities: nobody makes themselves either."""


@dataclass(frozen=True, slots=True)
class AddPerson(Described):
    """Somebody who may decide things, or see them."""

    action: ClassVar[str] = "person.add"
    person: str
    body: Mapping[str, Any]
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers all venues that the roles name."""
        return permission_for(self.action, self.body)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an id that is taken."""
        require_absent(situation, "people", self.person, situation.raw.get("people", {}))
        body = plain(self.body)
        _build(situation, self.person, body)
        await writing.put("people", self.person, body)
        return Change(f"person:{self.person}", None, body)


@dataclass(frozen=True, slots=True)
class ChangePerson(Described):
    """Another name or address, or other roles."""

    action: ClassVar[str] = "person.change"
    person: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key, roles all at once; None takes a key away."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers all venues of the roles before and afterwards."""
        before = situation.raw.get("people", {}).get(self.person, {})
        return permission_for(self.action, before, changed(before, self.changes))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Warns when nobody is left who may decide everything."""
        before = known(situation, "people", self.person, "person")
        body = changed(before, plain(self.changes))
        warnings = _left(situation, _build(situation, self.person, body))
        await writing.put("people", self.person, body)
        return Change(f"person:{self.person}", before, body, warnings)


@dataclass(frozen=True, slots=True)
class RemovePerson(Described):
    """Somebody who has left. What they decided stays, and stays explained."""

    action: ClassVar[str] = "person.remove"
    person: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers all venues of the person's roles."""
        return permission_for(self.action, situation.raw.get("people", {}).get(self.person, {}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Warns when nobody is left who may decide everything."""
        body = known(situation, "people", self.person, "person")
        warnings = _left(situation, _build(situation, self.person, None))
        await writing.remove("people", self.person)
        return Change(f"person:{self.person}", body, None, warnings)


def permission_for(action: str, *bodies: Mapping[str, Any]) -> Permission:
    """What is needed for a person with these roles, before and afterwards.

    The bodies were not checked yet: what cannot be read concerns the whole organisation.
    """
    roles: list[Mapping[str, Any]] = []
    for body in bodies:
        given = body.get("roles", ())
        if not isinstance(given, list | tuple) or not given:
            return Permission(action, None)
        roles += [role if isinstance(role, Mapping) else {} for role in given]
    if any(role.get("role") in _TRUSTED for role in roles):
        return Permission("person.administrators", None)
    venues: set[str] = set()
    for role in roles:
        named = role.get("venues")
        if not isinstance(named, list | tuple) or not named:
            return Permission(action, None)
        venues |= {str(venue) for venue in named}
    return Permission(action, frozenset(venues))


def _build(situation: Situation, person: str, body: dict[str, Any] | None) -> Policy:
    """The policy with the person as they shall be (None: gone). Raises `Refused`."""
    return situation.build(people=changed(situation.raw.get("people", {}), {person: body}))


def _left(situation: Situation, after: Policy) -> tuple[str, ...]:
    """A warning when the last administrator of everything goes."""
    if _has_administrator(situation.policy) and not _has_administrator(after):
        warning = "Nobody is left who may decide everything: only the command line still can."
        return (warning,)
    return ()


def _has_administrator(policy: Policy) -> bool:
    return any(
        grant.role == "administrator" and not grant.venues
        for person in policy.people.values()
        for grant in person.roles
    )
