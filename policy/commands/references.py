"""What refers to a place that somebody wants to remove.

What still counts stands in the way, and is named. Rules that have expired and exceptions that have
ended go with the place: the audit log keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import select

from policy.commands.command import Refused, Situation
from policy.commands.phrases import joined
from policy.entries import Kind
from policy.store.rows import TABLES
from policy.store.writing import Writing

NAMED_MAX: Final = 5
"""References that a refusal names; more are counted."""

Bodies = dict[int, dict[str, Any]]
"""Rules or exceptions by their number in the store."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Rules and exceptions that are over, and were removed with the place; by id."""

    rules: Bodies
    exceptions: Bodies

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence about them; none when there are none."""
        if not self.rules and not self.exceptions:
            return ()
        counts = [
            f"{len(bodies)} {word}{'' if len(bodies) == 1 else 's'}"
            for bodies, word in ((self.rules, "expired rule"), (self.exceptions, "past exception"))
            if bodies
        ]
        return (f"With it goes what was for it and is over: {' and '.join(counts)}.",)

    async def remove(self, writing: Writing) -> None:
        """Take them out of the store."""
        await writing.remove_many("rules", self.rules)
        await writing.remove_many("exceptions", self.exceptions)

    def part(self) -> dict[str, Any]:
        """For the audit log: what went, beside the place itself."""
        return {
            key: [{"id": id, **body} for id, body in bodies.items()]
            for key, bodies in (("rules", self.rules), ("exceptions", self.exceptions))
            if bodies
        }


async def release(writing: Writing, situation: Situation, scope: str) -> Ended:
    """Remove what refers to a place and is over.

    `scope` is `profile:P`, `venue:V` (its rooms included), `room:V/R` or `device:D`. Raises
    `Refused` naming what still counts.
    """
    rules = await _referring(writing, "rules", scope)
    exceptions = await _referring(writing, "exceptions", scope)
    ended, holding = tell_apart(situation, rules, exceptions)
    refuse_while_held(situation, scope, [*_places(situation.raw, scope), *holding])
    await ended.remove(writing)
    return ended


def tell_apart(situation: Situation, rules: Bodies, exceptions: Bodies) -> tuple[Ended, list[str]]:
    """Of some rules and exceptions those that are over, and words for those that are not."""
    ended = Ended({}, {})
    holding: list[str] = []
    if not rules and not exceptions:
        return ended, holding
    policy = situation.build(rules=list(rules.values()), exceptions=list(exceptions.values()))
    standing = {rule.number for rule in policy.rules if rule.expires > situation.at}
    for number, (id, body) in enumerate(rules.items()):
        if number in standing:
            holding.append(f"rule {id} ({body['action']} {_target(body)})")
        else:
            ended.rules[id] = body
    for (id, body), exception in zip(exceptions.items(), policy.exceptions, strict=True):
        if exception.until > situation.at:
            holding.append(f"exception {id} ({body['purpose']})")
        else:
            ended.exceptions[id] = body
    return ended, holding


def refuse_while_held(situation: Situation, subject: str, holding: list[str]) -> None:
    """Raise `Refused` naming what still counts, when there is something."""
    if holding:
        raise Refused(
            f"{situation.action}: {subject}: it is used by {joined(holding, NAMED_MAX)}; "
            "allowed: what nothing refers to; change or remove these first"
        )


async def _referring(writing: Writing, kind: Kind, scope: str) -> Bodies:
    """Rules or exceptions with this scope, by id."""
    table = TABLES[kind]
    word, _, id = scope.partition(":")
    venue, _, room = id.partition("/")
    wanted: dict[str, str] = {
        "profile": {"profile_id": id},
        "venue": {"venue_id": venue},
        "room": {"venue_id": venue, "room_id": room},
        "device": {"device_id": id},
    }[word]
    if not wanted.keys() <= set(table.c.keys()):  # an exception is never for a profile
        return {}
    found = select(table.c.id, table.c.body).order_by(table.c.id)
    found = found.where(*(table.c[name] == value for name, value in wanted.items()))
    rows = await writing.connection.execute(found)
    return {row.id: msgspec.json.decode(row.body) for row in rows}


def _places(raw: Mapping[str, Any], scope: str) -> list[str]:
    """Places and people that name a profile or a venue."""
    word, _, id = scope.partition(":")
    if word == "venue":
        return [
            f"{body['name']} ({person})"
            for person, body in raw.get("people", {}).items()
            if any(id in role.get("venues", ()) for role in body.get("roles", ()))
        ]
    if word != "profile":
        return []
    venues = raw.get("venues", {})
    holding = [f"venue {v}" for v, body in venues.items() if body.get("profile") == id]
    holding += [
        f"room {v}/{r}"
        for v, body in venues.items()
        for r, room in body.get("rooms", {}).items()
        if room.get("profile") == id
    ]
    devices = raw.get("devices", {})
    holding += [f"device {d}" for d, body in devices.items() if body.get("profile") == id]
    if raw.get("organisation", {}).get("default_profile") == id:
        holding.insert(0, "the organisation, as its default profile")
    return holding


def _target(body: Mapping[str, Any]) -> str:
    keys: Sequence[str] = ("pattern", "address", "bundle")
    return next((str(body[key]) for key in keys if key in body), "nothing")
