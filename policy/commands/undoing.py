"""Undoing: what an entry of the audit log did is taken back, as a new decision with its own entry.

Only what is still as that entry left it can be given back what was there before; an undo is an
entry like any other, and can be undone. Of rules one command does it all (`UndoRules`); for other
nouns the command that does the opposite is looked up (`undoing`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from policy.audit import AuditEntry
from policy.commands.bundles import AddBundle, ChangeBundle, RemoveBundle
from policy.commands.command import Change, Command, Permission, Refused, Situation
from policy.commands.essentials import AddEssential, RemoveEssential
from policy.commands.opposites import OPPOSITES
from policy.commands.scopes import require, whom, widest
from policy.policy import Policy
from policy.store.writing import Writing

SENTENCES_MAX: Final = 20
_NOTES: Final = ("id", "overridden")
"""What an entry says of a rule beside its body."""


@dataclass(frozen=True, slots=True)
class UndoRules:
    """Give rules back what was there before an entry; those it added go, those it removed come
    back under their numbers.
    """

    action: ClassVar[str] = "rule.undo"
    number: int
    """The entry that is undone."""
    before: Sequence[Mapping[str, Any]]
    """Bodies with their `id`, as the entry has them."""
    after: Sequence[Mapping[str, Any]]
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """The scopes are those of the rules: each is asked for when it is looked at."""
        return widest(situation, "rule.deny")

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses when a rule is no longer as the entry left it."""
        was = {int(body["id"]): _body(body) for body in self.before}
        left = {int(body["id"]): _body(body) for body in self.after}
        for id in sorted(was.keys() | left.keys()):
            if await writing.get("rules", id) != left.get(id):
                raise Refused(
                    f"{self.action}: entry {self.number}: rule {id} was changed since; "
                    "allowed: an entry whose rules are as it left them"
                )
        self._require(situation, was, left)
        if was:  # what they name may be gone since
            situation.build(rules=list(was.values()))
        await writing.remove_many("rules", [id for id in left if id not in was])
        await writing.put_many("rules", list(was.items()))
        one = len(was.keys() | left.keys()) == 1
        subject = f"rule:{min(was or left)}" if one else f"rules:{min(left)}-{max(left)}"
        return Change(subject, _told(left, one), _told(was, one))

    def _require(
        self, situation: Situation, was: Mapping[int, Any], left: Mapping[int, Any]
    ) -> None:
        """Ask whether the actor may do each of these things by itself."""
        asked: dict[tuple[str, str], None] = {}
        for id, body in left.items():
            asked["rule.change" if id in was else "rule.remove", _scope(body)] = None
        for body in was.values():
            asked["rule.allow" if body["action"] == "allow" else "rule.deny", _scope(body)] = None
        for action, scope in asked:
            require(situation, action, scope)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What holds again, and what no longer does."""
        left, was = _listed(change.before), _listed(change.after)
        back = {body["id"] for body in was}
        said = [_said(situation, body, "again") for body in was]
        said += [_said(situation, body, "no longer") for body in left if body["id"] not in back]
        if len(said) > SENTENCES_MAX:
            said = [*said[:SENTENCES_MAX], f"And {len(said) - SENTENCES_MAX} more rules."]
        return said


@dataclass(frozen=True, slots=True)
class UndoBundleChange(ChangeBundle):
    """Give a bundle back what it was, unless it is another one by now."""

    left: Mapping[str, Any] = field(default_factory=dict)
    """As the entry left it."""

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what was changed since."""
        await _require_left(writing, situation, self.bundle, self.left)
        return await ChangeBundle.apply(self, writing, situation)


@dataclass(frozen=True, slots=True)
class UndoBundle(RemoveBundle):
    """Give up a bundle that was added, unless it is another one by now."""

    left: Mapping[str, Any] = field(default_factory=dict)
    """As the entry left it."""

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what was changed since."""
        await _require_left(writing, situation, self.bundle, self.left)
        return await RemoveBundle.apply(self, writing, situation)


async def _require_left(
    writing: Writing, situation: Situation, bundle: str, left: Mapping[str, Any]
) -> None:
    there = await writing.get("bundles", bundle)
    if there is not None and there != left:
        allowed = "allowed: an entry whose bundle is as it left it"
        raise Refused(f"{situation.action}: bundles.{bundle}: it was changed since; {allowed}")


def undoing(entry: AuditEntry, reason: str) -> Command | None:
    """The command that undoes an entry; None when there is none for what it did."""
    if entry.outcome != "done":
        return None
    before, after = _read(entry.before), _read(entry.after)
    noun, _, id = entry.subject.partition(":")
    if noun in ("rule", "rules"):
        if not before and not after:
            return None
        return UndoRules(entry.number, _listed(before), _listed(after), reason)
    make = _OPPOSITE.get(entry.action) or OPPOSITES.get(entry.action)
    return None if make is None else make(id, before, after, reason)


def _restoring(id: str, before: Any, after: Any, reason: str) -> Command:
    """A change back: what the entry brought and was not there before goes."""
    changes = {key: before.get(key) for key in {*before, *after}}
    return UndoBundleChange(id, changes, reason, after)


_OPPOSITE: Final[Mapping[str, Callable[[str, Any, Any, str], Command]]] = {
    "essential.add": lambda id, before, after, reason: RemoveEssential(id, reason),
    "essential.remove": lambda id, before, after, reason: AddEssential(id, reason),
    "bundle.add": lambda id, before, after, reason: UndoBundle(id, reason, after),
    "bundle.remove": lambda id, before, after, reason: AddBundle(
        id, {key: before[key] for key in ("title", "sites") if key in before}, reason
    ),
    "bundle.change": _restoring,
}


def _said(situation: Situation, body: Mapping[str, Any], how: str) -> str:
    target = body.get("pattern") or body.get("address") or f"bundle {body.get('bundle')}"
    done = "allowed" if body["action"] == "allow" else "denied"
    place = whom(situation.words, _scope(body))
    return f"{place}: {target} is {how} {done} by rule {body['id']}."


def _told(bodies: Mapping[int, Any], one: bool) -> Any:
    """Bodies as the log keeps them: alone where it is about one rule."""
    told = [{"id": id, **body} for id, body in bodies.items()]
    if one:
        return told[0] if told else None
    return told


def _body(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in _NOTES}


def _listed(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _scope(body: Mapping[str, Any]) -> str:
    return str(body.get("scope", "organisation"))


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
