"""Venues: add, change, remove.

The body of a venue is what `policy.toml` has below `[venues.ID]`, rooms included when it is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from policy.commands.claims import check_claims
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
from policy.commands.permissions import check
from policy.commands.references import release
from policy.entries import plain
from policy.store.writing import Writing

SHIPPED: Final = "here"
"""The venue of the policy that ships."""


@dataclass(frozen=True, slots=True)
class AddVenue(Described):
    """A new place, known by the networks its queries come from."""

    action: ClassVar[str] = "venue.add"
    venue: str
    body: Mapping[str, Any]
    reason: str = ""
    replaces: str = ""
    """A venue that goes in the same step. The one that ships (`SHIPPED`) has every private network:
    beside it no first venue of one's own finds room."""

    def permission(self, situation: Situation) -> Permission:
        """An administrator of the organisation, as it has networks that were nobody's."""
        return Permission(self.action, frozenset({self.venue, self.replaces or self.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an id that is taken, networks that overlap those of another venue, and to replace
        a venue that rules, exceptions or people name.
        """
        venues = situation.raw.get("venues", {})
        gone: dict[str, Any] | None = None
        notes: tuple[str, ...] = ()
        if self.replaces:
            removing = RemoveVenue(self.replaces)
            check(situation.actor, removing.permission(situation))
            change = await removing.apply(writing, situation)
            gone, notes = {"replaced": {self.replaces: change.before}}, change.warnings
            venues = changed(venues, {self.replaces: None})
        require_absent(situation, "venues", self.venue, venues)
        body = plain(self.body)
        situation.build(venues={**venues, self.venue: body})
        check_claims(situation, self.venue, body)
        rooms = body.get("rooms", {})
        alone = {key: value for key, value in body.items() if key != "rooms"}
        await writing.put("venues", self.venue, alone)
        await writing.put_many(
            "rooms", [(f"{self.venue}/{id}", room) for id, room in rooms.items()]
        )
        return Change(f"venue:{self.venue}", gone, body, notes)


@dataclass(frozen=True, slots=True)
class ChangeVenue(Described):
    """Another title, other networks or another profile. Rooms have commands of their own."""

    action: ClassVar[str] = "venue.change"
    venue: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key; None takes a key away."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers the venue."""
        return Permission(self.action, frozenset({self.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses networks that overlap those of another venue."""
        before = known(situation, "venues", self.venue, "venue")
        if "rooms" in self.changes:
            where = f"{self.action}: venues.{self.venue}.rooms"
            raise Refused(f"{where}: rooms change one by one; allowed: room.add, room.change")
        body = changed(before, plain(self.changes))
        situation.build(venues={**situation.raw["venues"], self.venue: body})
        check_claims(situation, self.venue, _alone(body))
        await writing.put("venues", self.venue, _alone(body))
        return Change(f"venue:{self.venue}", _alone(before), _alone(body))


@dataclass(frozen=True, slots=True)
class RemoveVenue(Described):
    """Give a venue up, with its rooms. Its clients are then of no venue."""

    action: ClassVar[str] = "venue.remove"
    venue: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers the venue."""
        return Permission(self.action, frozenset({self.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses while rules, exceptions or people name it."""
        body = known(situation, "venues", self.venue, "venue")
        ended = await release(writing, situation, f"venue:{self.venue}")
        rooms = [f"{self.venue}/{room}" for room in body.get("rooms", {})]
        await writing.remove_many("rooms", rooms)
        await writing.remove("venues", self.venue)
        return Change(f"venue:{self.venue}", {**body, **ended.part()}, None, ended.notes)


def _alone(body: Mapping[str, Any]) -> dict[str, Any]:
    """A venue without its rooms, which the store keeps by themselves."""
    return {key: value for key, value in body.items() if key != "rooms"}
