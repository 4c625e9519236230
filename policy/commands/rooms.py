"""Rooms of a venue: add, change, remove.

The body of a room is what `policy.toml` has below `[venues.VENUE.rooms.ID]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

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
from policy.commands.references import release
from policy.entries import plain
from policy.reading import Faults
from policy.store.writing import Writing


@dataclass(frozen=True, slots=True)
class AddRoom(Described):
    """A part of a venue, known by networks of its own."""

    action: ClassVar[str] = "room.add"
    venue: str
    room: str
    body: Mapping[str, Any]
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers the venue."""
        return Permission(self.action, frozenset({self.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an id that is taken, and networks that another venue or room has."""
        venue = known(situation, "venues", self.venue, "venue")
        rooms = f"venues.{self.venue}.rooms"
        require_absent(situation, rooms, self.room, venue.get("rooms", {}))
        body = plain(self.body)
        _check(situation, self.venue, self.room, body)
        await writing.put("rooms", f"{self.venue}/{self.room}", body)
        return Change(f"room:{self.venue}/{self.room}", None, body)


@dataclass(frozen=True, slots=True)
class ChangeRoom(Described):
    """Another title, other networks or another profile."""

    action: ClassVar[str] = "room.change"
    venue: str
    room: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key; None takes a key away."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers the venue."""
        return Permission(self.action, frozenset({self.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses networks that another venue or room has."""
        before = _known_room(situation, self.venue, self.room)
        body = changed(before, plain(self.changes))
        _check(situation, self.venue, self.room, body)
        await writing.put("rooms", f"{self.venue}/{self.room}", body)
        return Change(f"room:{self.venue}/{self.room}", before, body)


@dataclass(frozen=True, slots=True)
class RemoveRoom(Described):
    """Give a room up. Its clients are then simply the venue's, where its networks have them."""

    action: ClassVar[str] = "room.remove"
    venue: str
    room: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Whoever administers the venue."""
        return Permission(self.action, frozenset({self.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses while rules or exceptions name it, and to leave a venue without any network."""
        body = _known_room(situation, self.venue, self.room)
        _check(situation, self.venue, self.room, None)
        ended = await release(writing, situation, f"room:{self.venue}/{self.room}")
        await writing.remove("rooms", f"{self.venue}/{self.room}")
        subject = f"room:{self.venue}/{self.room}"
        return Change(subject, {**body, **ended.part()}, None, ended.notes)


def _known_room(situation: Situation, venue: str, room: str) -> dict[str, Any]:
    rooms: dict[str, dict[str, Any]] = known(situation, "venues", venue, "venue").get("rooms", {})
    if room in rooms:
        return rooms[room]
    faults = Faults(situation.action)
    faults.unknown(f"venues.{venue}.rooms", room, "room", rooms)
    raise Refused(*faults.lines)


def _check(situation: Situation, venue: str, room: str, body: dict[str, Any] | None) -> None:
    """Read the venues with the room as it shall be (None: gone). Raises `Refused`."""
    venues = situation.raw["venues"]
    rooms = changed(venues[venue].get("rooms", {}), {room: body})
    situation.build(venues={**venues, venue: {**venues[venue], "rooms": rooms}})
    if body is not None:
        check_claims(situation, venue, body)
