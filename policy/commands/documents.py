"""Importing a whole policy document, such as a `policy.toml`, in place of what the store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from policy.commands.command import Change, Permission, Refused, Situation
from policy.commands.effects import describe
from policy.comparing import Difference
from policy.policy import Policy
from policy.reading import Faults
from policy.store.importing import replace_document
from policy.store.writing import Writing

NUMBER_MAX: Final = 10**9
"""Of a rule or exception that brings its number along: the store gives the next ones after it."""


@dataclass(frozen=True, slots=True)
class ImportDocument:
    """Make the store hold exactly what a document says.

    A document is deliberate as a whole: its rules need no override one by one. Rules, exceptions
    and terms that are in both keep their numbers.
    """

    action: ClassVar[str] = "document.import"
    raw: Mapping[str, Any]
    """As `tomllib.loads` gives it."""
    where: str = "policy.toml"
    """What the document is called; faults begin with it."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """An administrator."""
        return Permission(self.action, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses a document with any fault, naming all of them."""
        situation.reader.build(self.where, self.raw)
        self._check_numbers()
        differences = await replace_document(writing, self.raw)
        before = [_entry(d, d.before) for d in differences if d.before is not None]
        after = [_entry(d, d.after) for d in differences if d.after is not None]
        return Change("document", before, after)

    def _check_numbers(self) -> None:
        """Raise `Refused` for numbers that two entries have, of which one would be lost, and for
        those after which the store has none to give.
        """
        faults = Faults(self.where)
        for key in ("rules", "exceptions"):
            positions: dict[int, int] = {}
            for position, body in enumerate(self.raw.get(key, ())):
                number = body.get("id", 0)
                first = positions.setdefault(number, position) if number else position
                if first != position:
                    given = f"{number} is also that of {key}[{first}]"
                    allowed = "allowed: a number of its own; leave it out of a new one"
                    faults.add(f"{key}[{position}].id", given, allowed)
                if number > NUMBER_MAX:
                    allowed = f"allowed: up to {NUMBER_MAX}; leave it out of a new one"
                    faults.add(f"{key}[{position}].id", f"{number} is too great", allowed)
        if faults.lines:
            raise Refused(*faults.lines)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What changes in places, profiles and people; of the rest how many."""
        said = [s for word, kind in _COUNTED for s in _count(word, kind, change)]
        places = describe(situation.policy, after)
        return [*places, *said]


_COUNTED = (
    ("rule", "rules"),
    ("exception", "exceptions"),
    ("device", "devices"),
    ("own bundle", "bundles"),
    ("essential site", "essentials"),
    ("term", "terms"),
)


def _count(word: str, kind: str, change: Change) -> list[str]:
    """`Rules: 3 added, 1 removed, 2 changed.`; nothing when none of them is."""
    old = [entry["id"] for entry in change.before if entry["kind"] == kind]
    new = [entry["id"] for entry in change.after if entry["kind"] == kind]
    known = set(old)
    same = sum(id is not None and id in known for id in new)
    counts = {"added": len(new) - same, "removed": len(old) - same, "changed": same}
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return [f"{word.capitalize()}s: {said}."] if said else []


def _entry(difference: Difference, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": difference.kind, "id": difference.id, "body": body}
