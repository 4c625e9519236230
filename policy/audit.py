"""The audit chain: every decision of a person, each entry sealed together with the one before it.

An entry's digest is taken over all its fields and over the digest of the entry before. Who alters,
removes or slips in an entry has to write every later one anew; and whoever noted a digest earlier,
on paper or in another system, notices even that. Pure: where entries are kept is
`policy.commands.journal`'s matter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

Outcome = Literal["done", "refused"]

FIRST_PREVIOUS: Final = "0" * 64
"""What the first entry has for the digest of the one before."""

NOTES_MAX: Final = 20
"""Notes of one verification that are kept; more are counted."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One decision, or one that was refused."""

    number: int
    """From 1, without a gap."""
    at: float
    """POSIX seconds."""
    actor: str
    """The id of the person."""
    via: str
    """`cli`, `portal` or `api`."""
    action: str
    """Such as `venue.add`."""
    subject: str
    """What it was done to, such as `venue:crewe`."""
    before: str | None
    """The thing before as canonical JSON; None when it was not there."""
    after: str | None
    """The thing afterwards; None when it is gone, or nothing came of it."""
    reason: str
    """Why, in the person's words; for a refusal, why it was refused."""
    outcome: Outcome
    previous: str
    """The digest of the entry before."""
    digest: str = ""
    """SHA-256 in hexadecimal over everything above."""

    def sealed(self) -> AuditEntry:
        """The same entry with its digest."""
        return replace(self, digest=digest_of(self))


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken."""

    number: int
    """The first entry that cannot be trusted."""
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying a chain found."""

    entries: int
    """How many were looked at."""
    broken: Break | None
    """The first broken entry; None when the chain is whole."""
    last_digest: str
    """The digest of the last sound entry: note it elsewhere, and give it to a later check."""
    notes: tuple[str, ...] = ()
    """What is odd and breaks nothing, such as a clock that was put back."""
    notes_left_out: int = 0
    """Notes beyond `NOTES_MAX`."""


class Chain:
    """Verifies entries one after the other, so that a long log need not be held in memory."""

    def __init__(self, noted_digest: str = "") -> None:
        """`noted_digest` is of an entry seen earlier; the chain must still hold it."""
        self._noted = noted_digest
        self._digest = FIRST_PREVIOUS
        self._at = float("-inf")
        self._number = 0
        self._count = 0
        self._broken: Break | None = None
        self._notes: list[str] = []
        self._left_out = 0

    def add(self, entry: AuditEntry) -> None:
        """Look at the next entry, in the order of numbers."""
        self._count += 1
        if self._broken is not None:
            return
        why = self._fault(entry)
        if why:
            self._broken = Break(entry.number, why)
            return
        if entry.at < self._at:
            self._note(
                f"entry {entry.number} is dated {_moment(entry.at)}, before the entry ahead of it "
                f"({_moment(self._at)}): the clock was put back"
            )
        self._number, self._digest, self._at = entry.number, entry.digest, entry.at
        if entry.digest == self._noted:
            self._noted = ""

    def verdict(self) -> Verdict:
        """What was found, once all entries were looked at."""
        broken = self._broken
        if broken is None and self._noted:
            why = f"the chain ends without the digest that was noted earlier, {self._noted}"
            broken = Break(self._number + 1, why)
        notes = tuple(self._notes)
        return Verdict(self._count, broken, self._digest, notes, self._left_out)

    def _fault(self, entry: AuditEntry) -> str:
        if entry.number != self._number + 1:
            return f"it follows entry {self._number}: entries between them are missing or doubled"
        if entry.previous != self._digest:
            return "it does not continue the entry before it: that one was replaced"
        if entry.digest != digest_of(entry):
            return "its content was altered: the digest does not fit"
        return ""

    def _note(self, note: str) -> None:
        if len(self._notes) < NOTES_MAX:
            self._notes.append(note)
        else:
            self._left_out += 1


def verify(entries: Iterable[AuditEntry], noted_digest: str = "") -> Verdict:
    """Verify a whole chain, in the order of numbers."""
    chain = Chain(noted_digest)
    for entry in entries:
        chain.add(entry)
    return chain.verdict()


def digest_of(entry: AuditEntry) -> str:
    """The digest that an entry ought to have."""
    fields = {
        "number": entry.number,
        "at": float(entry.at),
        "actor": entry.actor,
        "via": entry.via,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
        "outcome": entry.outcome,
        "previous": entry.previous,
    }
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON that is the same for the same value: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
