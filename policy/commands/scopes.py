"""What a scope such as `room:crewe/it-suite` is in words, and who may decide something for it.

Some commands know only a number: the scope is in the store, and is read after the desk asked for
permission. They let the desk ask for the widest thing the actor may do (`widest`), and ask again
themselves (`require`) once the scope is known. What does not exist is told as such to whoever may
do the like anywhere.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

from policy.commands.command import Permission, Refused, Situation
from policy.commands.permissions import check, is_permitted
from policy.entries import Kind
from policy.reading import Faults, show
from policy.store.writing import Writing
from policy.wording import Sentences

_INSTANT_MAX: Final = 200e9
"""In the year 8307: `datetime` ends with 9999."""


def needed(situation: Situation, action: str, scope: str) -> Permission:
    """What somebody must be permitted to do, to do this for a scope."""
    if not exists(situation, scope):
        return widest(situation, action)
    return Permission(action, situation.venues_of(scope))


def require(situation: Situation, action: str, scope: str) -> None:
    """Raise `Refused`, as a matter of permission, unless the actor may do this for a scope."""
    check(situation.actor, needed(situation, action, scope))


def widest(situation: Situation, action: str) -> Permission:
    """The widest of what the actor's roles permit; for whom they permit nothing, everything."""
    choices = [grant.venues or None for grant in situation.actor.roles]
    choices.sort(key=lambda venues: (venues is not None, -len(venues or ())))
    everywhere = frozenset(situation.policy.venues)
    for venues in (*choices, everywhere):
        asked = Permission(action, venues)
        if is_permitted(situation.actor.roles, asked):
            return asked
    return Permission(action, None)


def exists(situation: Situation, scope: str) -> bool:
    """Whether a scope is one, and what it names is there."""
    kind, _, id = scope.partition(":")
    policy = situation.policy
    if kind == "room":
        venue, _, room = id.partition("/")
        return venue in policy.venues and room in policy.venues[venue].rooms
    known = {"profile": policy.profiles, "venue": policy.venues, "device": policy.devices}
    return scope == "organisation" or (kind in known and id in known[kind])


def whom(words: Sentences, scope: str) -> str:
    """Whom a scope is, to begin a sentence: "IT suite, Ellesmere Port", "Everyone"."""
    if scope == "organisation":
        return "Everyone"
    return words.scope(scope).partition(" ")[2]


async def numbered(writing: Writing, situation: Situation, kind: Kind, number: int) -> Any:
    """The body of a rule or an exception. Raises `Refused` when there is none of this number."""
    body = await writing.get(kind, number)
    if body is None:
        allowed = f"allowed: the number of one that is there, see `lychgate {kind[:-1]} list`"
        faults = Faults(situation.action)
        faults.add(kind, f"there is none with number {show(number)}", allowed)
        raise Refused(*faults.lines)
    return body


def require_instants(situation: Situation, *instants: float) -> None:
    """Raise `Refused` unless a calendar has them, in any time zone."""
    if not all(math.isfinite(at) and 0 <= at < _INSTANT_MAX for at in instants):
        allowed = "allowed: an instant of our time"
        raise Refused(f"{situation.action}: until: it is beyond every calendar; {allowed}")


def written(situation: Situation, at: float) -> str:
    """An instant as bodies have it: ISO 8601 on the organisation's clock, to the second."""
    return datetime.fromtimestamp(at // 1, situation.zone).isoformat()
