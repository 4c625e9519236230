"""The desk at which every command is handed in: who may, what it does, and the entry in the log.

One command is one transaction: the policy is read, the actor's permission is asked, the command
checks and writes, the changed policy is read back as every resolver will read it, and the decision
is entered into the audit log. Whatever fails on the way, nothing has changed. A command that was
refused because of who asks is entered by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from categoriser.taxonomy import Taxonomy
from policy.audit import canonical
from policy.commands import journal
from policy.commands.command import (
    REASON_CHARACTERS_MAX,
    Actor,
    Change,
    Command,
    Done,
    Knowledge,
    Permission,
    Reader,
    Refused,
    Situation,
)
from policy.commands.permissions import check
from policy.document import default_text, read
from policy.entries import KEYS
from policy.policy import Policy
from policy.store import Store
from policy.store.writing import Writing

PLACES: Final = tuple(key for key in KEYS if key not in ("rules", "exceptions"))
"""The parts that every command reads and checks. Of rules there may be 50,000: what a command does
to them it checks by itself."""

TEXT_CHARACTERS_MAX: Final = 2000
"""Of any text that a command writes."""

ENTRY_OCTETS_MAX: Final = 262_144
"""Of one entry, as JSON."""

ENTRIES_MAX: Final[Mapping[str, int]] = {
    "profiles": 500,
    "venues": 2_000,
    "rooms": 20_000,
    "devices": 20_000,
    "people": 10_000,
    "terms": 500,
}
"""Every command reads all of these; some have smaller bounds of their own."""

_PARAGRAPHS: Final = frozenset({"reason", "purpose", "text", "withdrawn_reason"})
"""Keys whose text may have several lines."""

REPLACING: Final = "document.import"
"""The one command that may be given when the policy in the store is not sound."""


class Desk:
    """Performs commands on one store."""

    def __init__(
        self,
        store: Store,
        taxonomy: Taxonomy,
        answers: Sequence[str] | None = None,
        knowledge: Knowledge | None = None,
    ) -> None:
        """`answers` are the words for block answers, any when None."""
        self._store = store
        self._taxonomy = taxonomy
        self._reader = Reader(taxonomy, answers)
        self._knowledge = knowledge or Knowledge()

    async def perform(
        self, actor: Actor, command: Command, *, at: float, dry_run: bool = False
    ) -> Done:
        """Carry a command out; a dry run says what would happen and writes nothing at all.

        Raises `Refused`, and `StoreFault` when the store cannot be written.
        """
        _check_reason(command)
        try:
            async with self._store.writing() as writing:
                done = await self._carry_out(writing, actor, command, at, dry_run)
                if done.audit_number is None:
                    raise _Undone(done)
                return done
        except _Undone as undone:
            return undone.done
        except Refused as refused:
            if refused.needed is not None and not dry_run:
                await self._enter_refusal(actor, command, refused.needed, refused.faults, at)
            raise

    async def _carry_out(
        self, writing: Writing, actor: Actor, command: Command, at: float, dry_run: bool
    ) -> Done:
        before = await self._situation(writing, actor, command, at)
        check(actor, command.permission(before))
        change = await command.apply(writing, before)
        if change.before == change.after:
            return _done(change, ["Nothing changes: it is so already."], None)
        _check_texts(command.action, change.after)
        after = await self._read_back(writing, before)
        sentences = command.sentences(change, before, after)
        if dry_run:
            return _done(change, sentences, None)
        entry = await journal.append(
            writing.connection,
            actor,
            at=at,
            action=command.action,
            subject=change.subject,
            before=change.before,
            after=change.after,
            reason=command.reason.strip(),
        )
        return _done(change, sentences, entry.number)

    async def _situation(
        self, writing: Writing, actor: Actor, command: Command, at: float
    ) -> Situation:
        raw = await writing.document(PLACES)
        try:
            policy = self._reader.build("store", raw)
        except Refused:
            if command.action != REPLACING:
                raise
            policy = read(default_text(), self._taxonomy)
        return Situation(
            actor=actor,
            at=at,
            action=command.action,
            raw=raw,
            policy=policy,
            taxonomy=self._taxonomy,
            reader=self._reader,
            knowledge=self._knowledge,
        )

    async def _read_back(self, writing: Writing, before: Situation) -> Policy:
        raw = await writing.document(PLACES)
        for key, most in ENTRIES_MAX.items():
            there = _count(raw, key)
            if there > most and there > _count(before.raw, key):
                raise Refused(
                    f"{before.action}: {key}: {there} are too many; allowed: up to {most}"
                )
        return self._reader.build(before.action, raw)

    async def _enter_refusal(
        self,
        actor: Actor,
        command: Command,
        needed: Permission,
        faults: Sequence[str],
        at: float,
    ) -> None:
        venues = [f"venue:{venue}" for venue in sorted(needed.venues or ())]
        async with self._store.writing() as writing:
            await journal.append(
                writing.connection,
                actor,
                at=at,
                action=command.action,
                subject=_tidy(", ".join(venues)) or "organisation",
                reason=_tidy(" ".join(faults)),
                outcome="refused",
            )


class _Undone(Exception):
    """Ends a transaction of which nothing shall stay."""

    def __init__(self, done: Done) -> None:
        super().__init__()
        self.done = done


def _tidy(text: str) -> str:
    """Text of somebody who may do nothing here, fit for a log that nobody can edit."""
    return "".join(c if c.isprintable() else "?" for c in text[:REASON_CHARACTERS_MAX])


def _check_reason(command: Command) -> None:
    reason = command.reason
    if len(reason) > REASON_CHARACTERS_MAX or not reason.replace("\n", "").isprintable():
        given = f"{len(reason)} characters, or some that cannot be printed"
        allowed = f"allowed: up to {REASON_CHARACTERS_MAX} of plain text"
        raise Refused(f"{command.action}: reason: {given}; {allowed}")


def _check_texts(action: str, after: Any) -> None:
    """Raise `Refused` for texts that could play tricks on the screens and logs of other people."""
    for entry in after if isinstance(after, list) else [after]:
        for key, text in _texts(entry):
            plain = text.replace("\n", "") if key in _PARAGRAPHS else text
            if len(text) > TEXT_CHARACTERS_MAX or not plain.isprintable():
                given = f"{len(text)} characters, or some that cannot be printed"
                allowed = f"allowed: up to {TEXT_CHARACTERS_MAX} of plain text"
                raise Refused(f"{action}: {_tidy(key)}: {given}; {allowed}")
        if (octets := len(canonical(entry))) > ENTRY_OCTETS_MAX:
            allowed = f"allowed: up to {ENTRY_OCTETS_MAX} octets in one entry"
            raise Refused(f"{action}: {octets} octets are given; {allowed}")


def _count(raw: Mapping[str, Any], key: str) -> int:
    if key == "rooms":
        return sum(len(venue.get("rooms", ())) for venue in raw.get("venues", {}).values())
    return len(raw.get(key, ()))


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in an entry with its key, and every key."""
    if isinstance(value, Mapping):
        for inner, below in value.items():
            yield key, inner
            yield from _texts(below, inner)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _texts(below, key)
    elif isinstance(value, str):
        yield key, value


def _done(change: Change, sentences: Sequence[str], audit_number: int | None) -> Done:
    return Done(
        subject=change.subject,
        before=change.before,
        after=change.after,
        sentences=tuple(sentences),
        warnings=change.warnings,
        audit_number=audit_number,
    )
