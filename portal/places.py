"""Places that somebody may do something for, as choices of a form: rooms and venues."""

from __future__ import annotations

from policy.commands.command import Permission, words_of
from policy.commands.permissions import is_permitted
from policy.commands.scopes import whom
from policy.policy import Policy
from policy.wording import Sentences
from portal.accounts.visits import Visit
from portal.identity import may
from portal.standing_policy import Standing

EVERYWHERE = "organisation"


def places_for(visit: Visit, policy: Policy, action: str) -> list[tuple[str, str]]:
    """Scopes of venues and their rooms, with titles; rooms first, for that is what a class has."""
    words = words_of(policy)
    found = []
    for venue in policy.venues.values():
        if may(visit, action, venue.id):
            rooms = [f"room:{venue.id}/{room}" for room in venue.rooms]
            found += [(scope, _title(words, scope)) for scope in (*rooms, f"venue:{venue.id}")]
    return found


def title_of(policy: Policy, scope: str) -> str:
    """A place in words: "IT suite, Ellesmere Port"; a venue as a whole says so."""
    return _title(words_of(policy), scope)


def _title(words: Sentences, scope: str) -> str:
    said = whom(words, scope)
    return f"All of {said.removeprefix('at ')}" if scope.startswith("venue:") else said


def my_venues(visit: Visit, policy: Policy, action: str) -> list[str]:
    """The venues at which somebody may do something."""
    return [venue for venue in policy.venues if may(visit, action, venue)]


def may_know_why(me: Visit, now: Standing, device: str) -> bool:
    """Whether somebody may read why a device's access is withdrawn: those who could withdraw it
    there. That it is withdrawn everybody may know; the reason is often about a person.
    """
    return is_permitted(me.person.roles, Permission("device.withdraw", now.venues_of(device)))
