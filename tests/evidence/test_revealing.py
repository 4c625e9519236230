"""Looking behind a pseudonym: who may, with what, and what the audit log says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from categoriser import taxonomy
from evidence.pseudonyms import Identity
from evidence.reading import events
from evidence.revealing import reveal
from evidence.store import EvidenceStore
from policy.audit import AuditEntry
from policy.commands.command import Actor, Refused
from policy.commands.desk import Desk
from policy.commands.journal import entries
from policy.store import Store
from policy.types import Grant
from tests.evidence.happenings import batch, detail, record

NOW = 1_795_259_307.0
TAXONOMY = taxonomy.load()
LEAD = Actor("dora", "Dora Lead", "portal", (Grant("safeguarding-lead"),))
ELSEWHERE = Actor("dan", "Dan Lead", "portal", (Grant("safeguarding-lead", frozenset({"derby"})),))
TUTOR = Actor("tom", "Tom Tutor", "portal", (Grant("tutor"),))
PARTNER = Actor("pat", "Pat Partner", "portal", (Grant("partner-administrator"),))
WHY = "A learner may be at risk; spoken to the deputy head."
GRAVE = detail(
    NOW, "harm.example", category="self-harm", address="10.0.0.7", device="pc-7", hostname="pc7"
)
ORDINARY = detail(NOW + 1, "chat.example", category="social-media", address="10.0.0.8")


class Case:
    """Two events, and a desk."""

    def __init__(self, evidence: EvidenceStore, store: Store) -> None:
        self.evidence = evidence
        self.store = store
        self.desk = Desk(store, TAXONOMY)

    async def look(self, actor: Actor, reason: str = WHY, **what: Any) -> Identity:
        return await reveal(
            self.desk, self.evidence, TAXONOMY, actor, reason=reason, at=NOW, **what
        )

    async def log(self) -> list[AuditEntry]:
        async with self.store.reading() as connection:
            return [entry async for entry in entries(connection)]


def tell(folder: Path, story: Callable[[Case, int, int, str], Awaitable[None]]) -> None:
    async def run() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{folder}/state.db", create=True)
        evidence = await EvidenceStore.open(
            f"sqlite+aiosqlite:///{folder}/telemetry.db", create=True
        )
        try:
            await record(evidence, batch("b", [GRAVE, ORDINARY], at=NOW), at=NOW)
            async with evidence.reading() as connection:
                ordinary, grave = (await events(connection)).events
            await story(Case(evidence, store), grave.id, ordinary.id, grave.pseudonym)
        finally:
            await evidence.close()
            await store.close()

    asyncio.run(run())


def test_a_safeguarding_lead_looks_and_it_is_entered(tmp_path: Path) -> None:
    async def story(case: Case, grave: int, ordinary: int, device: str) -> None:
        seen = await case.look(LEAD, event_id=grave)
        assert seen == Identity("pc-7", "pc7", "10.0.0.7")
        assert await case.look(LEAD, pseudonym=device) == seen
        first, second = await case.log()
        assert (first.actor, first.action, first.subject) == (
            "dora",
            "identity.reveal",
            f"event:{grave}",
        )
        assert (first.outcome, first.reason) == ("done", WHY)
        assert second.number == first.number + 1  # every look, also the second at the same
        # Whom they saw does not stand in a log that nobody can edit.
        assert not any(word in str(first) for word in ("10.0.0.7", "pc-7", "pc7", "harm.example"))

    tell(tmp_path, story)


@pytest.mark.parametrize("actor", [TUTOR, PARTNER, ELSEWHERE])
def test_nobody_else_looks_and_the_attempt_is_entered(tmp_path: Path, actor: Actor) -> None:
    async def story(case: Case, grave: int, ordinary: int, device: str) -> None:
        with pytest.raises(Refused) as caught:
            await case.look(actor, event_id=grave)
        assert caught.value.permission
        (entry,) = await case.log()
        assert (entry.actor, entry.action, entry.outcome) == (
            actor.id,
            "identity.reveal",
            "refused",
        )

    tell(tmp_path, story)


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_no_look_without_a_reason(tmp_path: Path, reason: str) -> None:
    async def story(case: Case, grave: int, ordinary: int, device: str) -> None:
        with pytest.raises(Refused, match="reason: none is given"):
            await case.look(LEAD, reason, event_id=grave)
        assert await case.log() == []

    tell(tmp_path, story)


def test_ordinary_events_stay_pseudonymous_for_everybody(tmp_path: Path) -> None:
    async def story(case: Case, grave: int, ordinary: int, device: str) -> None:
        with pytest.raises(Refused, match="does not matter to safeguarding"):
            await case.look(LEAD, event_id=ordinary)
        for what in ({"event_id": 1}, {"pseudonym": "0" * 20}, {"pseudonym": ""}):
            with pytest.raises(Refused, match="no such event"):
                await case.look(LEAD, **what)
        assert await case.log() == []

    tell(tmp_path, story)


def test_with_its_key_an_identity_is_gone(tmp_path: Path) -> None:
    from sqlalchemy import delete

    from evidence.tables import keys

    async def story(case: Case, grave: int, ordinary: int, device: str) -> None:
        async with case.evidence.changing() as connection:
            await connection.execute(delete(keys))
        with pytest.raises(Refused, match="no identity is kept"):
            await case.look(LEAD, event_id=grave)
        assert await case.log() == []

    tell(tmp_path, story)


def test_a_seal_of_somebody_else_does_not_open(tmp_path: Path) -> None:
    from sqlalchemy import update

    from evidence.tables import identities

    async def story(case: Case, grave: int, ordinary: int, device: str) -> None:
        async with case.evidence.changing() as connection:
            await connection.execute(update(identities).values(sealed=b"x" * 80))
        with pytest.raises(Refused, match="damaged"):
            await case.look(LEAD, event_id=grave)
        assert await case.log() == []

    tell(tmp_path, story)
