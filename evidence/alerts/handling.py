"""What people do with an alert: acknowledge it, close it with what came of it.

The command is permitted and entered in the audit log first, then the alert is written: what is not
entered is not done. The log says who did what with which alert and when; never a pseudonym, a site,
or the note, for it keeps for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from sqlalchemy import update

from evidence.alerts.grouping import Group
from evidence.alerts.rows import Kept
from evidence.alerts.tables import ACKNOWLEDGED, CLOSED, NEW, groups
from evidence.store import EvidenceStore
from policy.commands.command import Actor, Change, Permission, Refused, Situation
from policy.policy import Policy
from policy.store.writing import Writing

ACTION: Final = "alert.handle"
NOTE_CHARACTERS_MAX: Final = 2_000
OUTCOMES: Final = (
    "no-concern",
    "false-positive",
    "spoken",
    "referred-team",
    "referred-prevent",
    "referred-police",
    "technical",
)
"""What may come of an alert."""


@dataclass(frozen=True, slots=True)
class AcknowledgeAlert:
    """Say that somebody looks after an alert. Then `write`."""

    action: ClassVar[str] = ACTION
    alert: Kept
    reason: str = field(default="", init=False)

    def permission(self, situation: Situation) -> Permission:
        """At the venue of the alert."""
        return _permission(self.alert.group)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses one that is acknowledged or closed already."""
        if self.alert.state != NEW:
            raise Refused(
                f"{ACTION}: alert {self.alert.id}: it is {self.alert.state}; allowed: a new one"
            )
        return _change(self.alert, ACKNOWLEDGED)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """Who looks after it."""
        return [f"Alert {self.alert.id} is acknowledged by {situation.actor.name}."]


@dataclass(frozen=True, slots=True)
class CloseAlert:
    """Say what came of an alert. Then `write`."""

    action: ClassVar[str] = ACTION
    alert: Kept
    outcome: str
    note: str = field(default="", repr=False)
    reason: str = field(default="", init=False)

    def permission(self, situation: Situation) -> Permission:
        """At the venue of the alert."""
        return _permission(self.alert.group)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Refuses one that is closed, an outcome that is none, and too long a note."""
        faults = []
        if not self.alert.is_open:
            faults.append(
                f"{ACTION}: alert {self.alert.id}: it is {self.alert.state}; allowed: an open one"
            )
        if self.outcome not in OUTCOMES:
            allowed = ", ".join(OUTCOMES)
            faults.append(f"{ACTION}: outcome: {self.outcome[:40]!r}; allowed: {allowed}")
        if len(self.note) > NOTE_CHARACTERS_MAX or not self.note.replace("\n", "").isprintable():
            given = f"{len(self.note)} characters, or some that cannot be printed"
            allowed = f"allowed: up to {NOTE_CHARACTERS_MAX} of plain text"
            faults.append(f"{ACTION}: note: {given}; {allowed}")
        if faults:
            raise Refused(*faults)
        return _change(self.alert, CLOSED, self.outcome)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What came of it."""
        return [f"Alert {self.alert.id} is closed: {self.outcome}."]


async def write(
    evidence: EvidenceStore, command: AcknowledgeAlert | CloseAlert, actor: Actor, at: float
) -> bool:
    """Write what a command that was performed says; False when somebody was quicker."""
    alert = command.alert
    allowed, values = (
        [NEW],
        {
            "state": ACKNOWLEDGED,
            "acknowledged_at": at,
            "acknowledged_by": actor.id,
        },
    )
    if isinstance(command, CloseAlert):
        allowed = [NEW, ACKNOWLEDGED]
        values = {
            "state": CLOSED,
            "closed_at": at,
            "closed_by": actor.id,
            "outcome": command.outcome,
            "note": command.note.strip(),
        }
        if alert.acknowledged_at is None:
            values |= {"acknowledged_at": at, "acknowledged_by": actor.id}
    async with evidence.changing() as connection:
        asked = update(groups).where(groups.c.id == alert.id, groups.c.state.in_(allowed))
        done = await connection.execute(asked.values(values))
    return bool(done.rowcount)


def _permission(group: Group) -> Permission:
    return Permission(ACTION, frozenset({group.venue}))


def _change(alert: Kept, state: str, outcome: str = "") -> Change:
    about = {"venue": alert.group.venue, "theme": alert.group.theme, "severity": alert.severity}
    after = {**about, "state": state, **({"outcome": outcome} if outcome else {})}
    return Change(f"alert:{alert.id}", {**about, "state": alert.state}, after)
