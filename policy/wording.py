"""One plain-English sentence for a decision.

Read by learners on the block page and by staff in `explain` and the query log, so it names things
as the policy's author titled them.  Must not decide anything, and is never called before somebody
wants to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from policy.types import (
    UNKNOWN_VENUE,
    ApprovedException,
    Client,
    Decision,
    Device,
    Pass,
    Period,
    Profile,
    Rule,
    Venue,
)


@dataclass(frozen=True, slots=True)
class Sentences:
    """The titles of one policy, and its time zone."""

    zone: ZoneInfo
    categories: Mapping[str, str]
    profiles: Mapping[str, Profile]
    venues: Mapping[str, Venue]
    devices: Mapping[str, Device]

    def wording_for(self, client: Client) -> Audience:
        """The writer of sentences about one client."""
        return Audience(self, client)

    def category(self, id: str | None) -> str:
        """A category's title."""
        return self.categories.get(id, id) if id is not None else "This name"

    def place(self, venue: str, room: str | None) -> str:
        """Where something holds: "in IT suite, Ellesmere Port"."""
        known = self.venues.get(venue)
        if known is None:
            return "on an unknown network" if venue == UNKNOWN_VENUE else f"at {venue}"
        if room is None:
            return f"at {known.title}"
        known_room = known.rooms.get(room)
        return f"in {known_room.title if known_room else room}, {known.title}"

    def scope(self, scope: str) -> str:
        """Whom a rule or an exception is for: "for everyone", "for Staff", "at Ellesmere Port"."""
        kind, _, id = scope.partition(":")
        if kind == "profile":
            return f"for {self.profiles[id].title if id in self.profiles else id}"
        if kind == "device":
            return f"on {self.devices[id].title if id in self.devices else id}"
        if kind in ("venue", "room"):
            venue, _, room = id.partition("/")
            return self.place(venue, room or None)
        return "for everyone"

    def instant(self, at: float) -> str:
        """An instant on the local clock: "12:00 on 3 March 2026"."""
        local = datetime.fromtimestamp(at // 1, self.zone)
        return f"{local:%H:%M} on {local.day} {local:%B %Y}"


@dataclass(frozen=True, slots=True)
class Audience:
    """Writes sentences about one client."""

    sentences: Sentences
    client: Client

    def sentence(self, decision: Decision) -> str:
        """Why, in one sentence."""
        words, detail = self.sentences, decision.detail
        category = words.category(decision.category)
        match decision.reason:
            case "locked":
                return f"{category} is blocked for everyone, and nobody can switch that off."
            case "withdrawn":
                device = self.client.device
                where = "here" if device is None else words.scope(f"device:{device}")
                return f"Access is withdrawn {where}; only essential sites are open."
            case "rule" if isinstance(detail, Rule):
                verb = "allowed" if decision.action == "allow" else "denied"
                reason = detail.reason.rstrip(".")
                return f"{detail.text} is {verb} {words.scope(detail.scope)} by a rule: {reason}."
            case "exception" if isinstance(detail, ApprovedException):
                # The site the approver wrote, or else the category.
                opened = decision.rule if not decision.sources and decision.rule else category
                return (
                    f"{opened} is open {words.scope(detail.where)} until "
                    f"{words.instant(detail.until)} for {detail.purpose.rstrip('.')}, "
                    f"approved by {detail.approver}."
                )
            case "pass" if isinstance(detail, Pass):
                until = words.instant(detail.until)
                return (
                    f"{category} asks people to think first; on this device somebody is going on "
                    f"past the warning for {detail.site.text}, until {until}."
                )
            case "essential":
                return f"{decision.rule} is essential; no list may block it."
            case "category":
                during = f" during {detail.name}" if isinstance(detail, Period) else ""
                return f"{category} {_HAPPENS[decision.action]} {self._whom()}{during}."
            case _:
                return "Nothing is known against this name, so it is allowed."

    def _whom(self) -> str:
        """Whom a profile's action is for: "for Adult learners at Ellesmere Port"."""
        profile = self.sentences.profiles[self.client.profile]
        return f"for {profile.title} {self.sentences.place(self.client.venue, self.client.room)}"


_HAPPENS = {
    "allow": "is allowed",
    "monitor": "is allowed and counted",
    "warn": "asks people to think first",
    "block": "is blocked",
}
