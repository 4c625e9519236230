"""What people do with checks: run one, say what was done about it, name sites to test.

The command is permitted and entered in the audit log first, then it is written: what is not entered
is not done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from sqlalchemy import delete, func, insert, select

from categoriser.names import NameFault, from_text, to_text
from evidence.checks.own import NAMES_MAX, own_names
from evidence.checks.results import Run
from evidence.checks.tables import names, notes
from evidence.store import EvidenceStore
from policy.commands.command import Actor, Change, Permission, Refused, Situation
from policy.policy import Policy
from policy.store.writing import Writing

RUN: Final = "check.run"
CHANGE: Final = "check.change"
NOTE_CHARACTERS_MAX: Final = 1_000
REASON_CHARACTERS_MAX: Final = 300
EXPECTED: Final = ("blocked", "open")


@dataclass(frozen=True, slots=True)
class RunCheck:
    """Check the filter at a venue now."""

    action: ClassVar[str] = RUN
    venue: str
    profile: str = ""
    reason: str = field(default="", init=False)

    def permission(self, situation: Situation) -> Permission:
        """At the venue."""
        return Permission(RUN, frozenset({self.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Nothing of the policy changes."""
        return Change(f"check:{self.venue}", None, {"venue": self.venue, "profile": self.profile})

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What is checked."""
        return [f"The filter is checked at {self.venue}."]


@dataclass(frozen=True, slots=True)
class NoteAction:
    """Say what was done about what a check found. Then `write_note`."""

    action: ClassVar[str] = RUN
    run: Run
    text: str
    reason: str = field(default="", init=False)

    def permission(self, situation: Situation) -> Permission:
        """At the venue of the run."""
        return Permission(RUN, frozenset({self.run.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses an empty note, and one that is too long or no plain text. What it says is not in
        the log, which keeps for ever.
        """
        _require_text("note", self.text, NOTE_CHARACTERS_MAX)
        return Change(f"check:{self.run.id}", None, {"venue": self.run.venue})

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What was added."""
        return [f"A note was added to check {self.run.id}."]


@dataclass(frozen=True, slots=True)
class AddTestName:
    """Have a name checked as well. Then `write_name`."""

    action: ClassVar[str] = CHANGE
    name: str
    expected: str
    reason: str

    def permission(self, situation: Situation) -> Permission:
        """Of the whole organisation."""
        return Permission(CHANGE, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses what is no name, no expectation, or has no reason."""
        name = plain_name(self.name)
        if self.expected not in EXPECTED:
            allowed = ", ".join(EXPECTED)
            raise Refused(f"{CHANGE}: expected: {self.expected[:40]!r}; allowed: {allowed}")
        _require_text("reason", self.reason, REASON_CHARACTERS_MAX)
        return Change(f"check:{name}", None, {"name": name, "expected": self.expected})

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What is expected."""
        must = "be blocked" if self.expected == "blocked" else "open"
        return [f"{plain_name(self.name)} must {must}."]


@dataclass(frozen=True, slots=True)
class RemoveTestName:
    """Have a name checked no longer. Then `erase_name`."""

    action: ClassVar[str] = CHANGE
    name: str
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """Of the whole organisation."""
        return Permission(CHANGE, None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Whether it is there is found out when it is erased."""
        name = plain_name(self.name)
        return Change(f"check:{name}", {"name": name}, None)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What is over."""
        return [f"{plain_name(self.name)} is no longer checked."]


def plain_name(text: str) -> str:
    """A name in its one spelling. Raises `Refused` for what is none."""
    try:
        name = to_text(from_text(text.strip()))
    except NameFault as fault:
        raise Refused(f"{CHANGE}: name: {fault}") from None
    if "." not in name:
        raise Refused(f"{CHANGE}: name: {name[:80]!r} has one label; allowed: as in example.com")
    return name


async def write_note(evidence: EvidenceStore, command: NoteAction, actor: Actor, at: float) -> None:
    """Write what a command that was performed says."""
    async with evidence.changing() as connection:
        last = int(await connection.scalar(select(func.max(notes.c.id))) or 0)
        row = {"id": last + 1, "run_id": command.run.id, "at": at, "who": actor.id}
        await connection.execute(insert(notes), {**row, "text": command.text.strip()})


async def write_name(
    evidence: EvidenceStore, command: AddTestName, actor: Actor, at: float
) -> None:
    """Write it, in the place of what was expected of the name before. Raises `Refused` when there
    are too many.
    """
    name = plain_name(command.name)
    async with evidence.changing() as connection:
        known = {one.name for one in await own_names(connection)}
        if name not in known and len(known) >= NAMES_MAX:
            raise Refused(f"{CHANGE}: name: {NAMES_MAX} are there; allowed: remove one first")
        await connection.execute(delete(names).where(names.c.name == name))
        row = {"name": name, "expected": command.expected, "reason": command.reason.strip()}
        await connection.execute(insert(names), {**row, "at": at, "who": actor.id})


async def erase_name(evidence: EvidenceStore, command: RemoveTestName) -> bool:
    """Remove it; False when it was not there."""
    async with evidence.changing() as connection:
        done = await connection.execute(
            delete(names).where(names.c.name == plain_name(command.name))
        )
    return bool(done.rowcount)


def _require_text(what: str, text: str, characters_max: int) -> None:
    plain = text.replace("\n", "").replace("\r", "").isprintable()
    if not text.strip() or len(text) > characters_max or not plain:
        given = f"{len(text)} characters"
        raise Refused(f"check: {what}: {given}; allowed: 1 to {characters_max} of plain text")
