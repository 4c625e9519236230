"""Terms: add, change, remove, each known by its name.

The body of a term is what `policy.toml` has in `[[terms]]`: name, and both dates, which are in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from policy.commands.command import Change, Permission, Refused, Situation, changed
from policy.entries import plain
from policy.policy import Policy
from policy.reading import Faults, show
from policy.store.writing import Writing


class _OfTerm:
    """What commands about terms have in common."""

    __slots__ = ()
    action: ClassVar[str]

    def permission(self, situation: Situation) -> Permission:
        """An administrator: terms are the organisation's."""
        return Permission(self.action, None)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """The dates, and which periods follow them."""
        followers = [
            f'"{period.name or "a period"}" of {profile.title}'
            for profile in after.profiles.values()
            for period in profile.periods
            if period.when in ("term", "holidays")
        ]
        said = f"These periods follow terms: {', '.join(followers)}."
        return [_dates(change), said if followers else "No period follows terms so far."]


@dataclass(frozen=True, slots=True)
class AddTerm(_OfTerm):
    """A stretch of teaching."""

    action: ClassVar[str] = "term.add"
    body: Mapping[str, Any]
    reason: str = ""

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a name that is taken, and dates that another term has."""
        terms = await _terms(writing)
        body = plain(self.body)
        _require_own_name(situation, terms.values(), body)
        situation.build(terms=[*terms.values(), body])
        await writing.put("terms", None, body)
        return Change(f"term:{body['name']}", None, body)


@dataclass(frozen=True, slots=True)
class ChangeTerm(_OfTerm):
    """Other dates, or another name."""

    action: ClassVar[str] = "term.change"
    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """New values by key."""
    reason: str = ""

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a name or dates that another term has."""
        terms = await _terms(writing)
        number = _number(situation, terms, self.name)
        body = changed(terms[number], plain(self.changes))
        others = [term for other, term in terms.items() if other != number]
        _require_own_name(situation, others, body)
        situation.build(terms=[*{**terms, number: body}.values()])
        await writing.put("terms", number, body)
        return Change(f"term:{self.name}", terms[number], body)


@dataclass(frozen=True, slots=True)
class RemoveTerm(_OfTerm):
    """Take a term away: its days are holidays then."""

    action: ClassVar[str] = "term.remove"
    name: str
    reason: str = ""

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a name that no term has."""
        terms = await _terms(writing)
        number = _number(situation, terms, self.name)
        await writing.remove("terms", number)
        return Change(f"term:{self.name}", terms[number], None)


async def _terms(writing: Writing) -> dict[int, dict[str, Any]]:
    """Bodies by their number in the store."""
    return await writing.all("terms")


def _number(situation: Situation, terms: Mapping[int, dict[str, Any]], name: str) -> int:
    for number, term in terms.items():
        if term["name"] == name:
            return number
    faults = Faults(situation.action)
    faults.unknown("terms", name, "term", [term["name"] for term in terms.values()])
    raise Refused(*faults.lines)


def _require_own_name(
    situation: Situation, others: Iterable[Mapping[str, Any]], body: Mapping[str, Any]
) -> None:
    """Raise `Refused` when another term has the name: it could not be told apart from this one."""
    name = str(body.get("name", "")).strip()
    if any(str(term["name"]).strip() == name for term in others):
        given = f"there is one named {show(name)}"
        allowed = "allowed: another name, or term.change of that one"
        raise Refused(f"{situation.action}: terms: {given}; {allowed}")


def _dates(change: Change) -> str:
    if change.after is None:
        return f"{change.before['name']} is no term any more: its days count as holidays."
    first, last = (_day(change.after[key]) for key in ("from", "to"))
    before = ""
    if change.before is not None:
        before = f" (before: {_day(change.before['from'])} to {_day(change.before['to'])})"
    return f"{change.after['name']} is from {first} to {last}, both days in{before}."


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B %Y}"
