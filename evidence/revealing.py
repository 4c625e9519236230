"""Looking behind a pseudonym: for safeguarding alone, with a reason, every look in the audit log.

The seal is opened inside the transaction that enters the look: what is not entered is not seen. The
log says who looked behind which event and why, and never whom they saw.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from sqlalchemy import select

from categoriser.taxonomy import Taxonomy
from evidence.keyring import key_by_id
from evidence.pseudonyms import SHORT_CHARACTERS, Identity
from evidence.reading.blocked import bypass_categories
from evidence.reading.events import Event, EventFilter, event, events
from evidence.store import EvidenceStore
from evidence.tables import identities, pseudonyms
from policy.commands.command import Actor, Change, Permission, Refused, Situation
from policy.commands.desk import Desk
from policy.policy import Policy
from policy.store.writing import Writing

ACTION: Final = "identity.reveal"


@dataclass(frozen=True, slots=True)
class Reveal:
    """Look behind the pseudonym of an event. Made by `reveal`, which reads the event first."""

    action: ClassVar[str] = ACTION
    event: Event
    open: Callable[[], Awaitable[None]] = field(repr=False)
    """Opens the seal, for the eyes of `reveal`; raises `Refused` when nothing is kept."""
    reason: str = ""

    def permission(self, situation: Situation) -> Permission:
        """At the venue of the event."""
        return Permission(self.action, frozenset({self.event.venue}))

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        """Looks."""
        if not self.reason.strip():
            allowed = "allowed: why you need to know, in a sentence"
            raise Refused(f"{self.action}: reason: none is given; {allowed}")
        await self.open()
        short = self.event.pseudonym[:SHORT_CHARACTERS]
        seen = {"device": short, "venue": self.event.venue, "category": self.event.category}
        return Change(f"event:{self.event.id}", None, seen)

    def sentences(self, change: Change, situation: Situation, after: Policy) -> Sequence[str]:
        """What was seen, without saying whom."""
        return [f"The identity behind device {change.after['device']} was looked at."]


async def reveal(
    desk: Desk,
    evidence: EvidenceStore,
    taxonomy: Taxonomy,
    actor: Actor,
    *,
    event_id: int | None = None,
    pseudonym: str = "",
    reason: str,
    at: float,
) -> Identity:
    """Who is behind an event, or behind a pseudonym by its newest event that calls for it.

    Raises `Refused` (not permitted, no reason, no such event, nothing kept) and `StoreFault`.
    """
    found = await _event(evidence, taxonomy, event_id, pseudonym)
    seen: list[Identity] = []

    async def open_seal() -> None:
        seen.append(await _open(evidence, found.pseudonym))

    command = Reveal(found, open_seal, reason)
    done = await desk.perform(actor, command, at=at)
    if done.audit_number is None:
        raise Refused(f"{ACTION}: the look could not be entered in the audit log; try again")
    return seen[-1]


def revealable(taxonomy: Taxonomy) -> frozenset[str]:
    """The categories for whose events an identity may have been kept."""
    matters = {id for id, category in taxonomy.items() if category.safeguarding != "none"}
    return frozenset(matters) | bypass_categories(taxonomy)


async def _event(
    evidence: EvidenceStore, taxonomy: Taxonomy, event_id: int | None, pseudonym: str
) -> Event:
    """The event that is meant. Raises `Refused`."""
    categories = revealable(taxonomy)
    async with evidence.reading() as connection:
        if event_id is not None:
            found = await event(connection, event_id)
        else:
            wanted = EventFilter(pseudonym=pseudonym, categories=categories)
            newest = await events(connection, wanted, limit=1)
            found = newest.events[0] if pseudonym and newest.events else None
    if found is None:
        what = pseudonym or str(event_id)
        raise Refused(
            f"{ACTION}: {what[:80]!r}: there is no such event (any more); "
            "allowed: one in the query log that matters to safeguarding"
        )
    if found.category not in categories:
        raise Refused(
            f"{ACTION}: event {found.id}: its category does not matter to safeguarding, so nobody "
            "may look; allowed: events of categories that do"
        )
    return found


async def _open(evidence: EvidenceStore, pseudonym: str) -> Identity:
    """The identity that is kept. Raises `Refused`."""
    async with evidence.reading() as connection:
        asked = (
            select(pseudonyms.c.key_id, identities.c.sealed)
            .join(identities, identities.c.pseudonym_id == pseudonyms.c.id)
            .where(pseudonyms.c.pseudonym == pseudonym)
        )
        row = (await connection.execute(asked)).first()
        key = None if row is None else await key_by_id(connection, row.key_id)
    if row is None or key is None:
        raise Refused(
            f"{ACTION}: device {pseudonym[:SHORT_CHARACTERS]}: no identity is kept; "
            "allowed: devices with events that matter to safeguarding"
        )
    try:
        return key.open(pseudonym, row.sealed)
    except ValueError as fault:
        raise Refused(f"{ACTION}: {fault}; nothing was shown") from fault
