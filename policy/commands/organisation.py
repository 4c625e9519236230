"""The organisation: its name, clock, default profile, bank holidays; and how long exceptions of
each role may last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from policy.commands.command import Change, Permission, Situation, changed
from policy.commands.effects import Described, describe
from policy.entries import ORGANISATION, plain
from policy.policy import Policy
from policy.store.writing import Writing

_CLOCK_WARNING = (
    "Times of rules and exceptions that were written without an offset are read on the new clock."
)


@dataclass(frozen=True, slots=True)
class ChangeOrganisation(Described):
    """Another name, time zone, default profile or calendar of bank holidays."""

    action: ClassVar[str] = "organisation.change"
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key, as `[organisation]` has them; None takes a key away."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Warns when the clock changes under what was written, and refuses what would make
        nonsense of it.
        """
        before = situation.raw.get("organisation", {})
        body = changed(before, plain(self.changes))
        after = situation.build(organisation=body)
        moved = after.organisation.timezone != situation.policy.organisation.timezone
        if moved:  # on another clock an exception may end before it begins
            situation.build(organisation=body, **await writing.document(("rules", "exceptions")))
        await writing.put("organisation", ORGANISATION, body)
        return Change("organisation", before, body, (_CLOCK_WARNING,) if moved else ())


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """How long an exception may last that somebody in a role grants."""

    action: ClassVar[str] = "role.change"
    role: str
    exception_hours_max: int | None
    """None: as it is where nothing is said."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a role that does not exist. Exceptions that were granted stay as they are."""
        roles = situation.raw.get("roles", {})
        before = roles.get(self.role)
        hours = self.exception_hours_max
        body = None if hours is None else {"exception_hours_max": hours}
        # With an empty body too: a role that does not exist is refused whatever is said of it.
        situation.build(roles={**roles, self.role: body or {}})
        if body is None:
            await writing.remove("roles", self.role)
        else:
            await writing.put("roles", self.role, body)
        return Change(f"role:{self.role}", before, body)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """How long it may be from now on."""
        return [*describe(situation.policy, after), "Exceptions granted before stay as they are."]
