"""Checks counted by place, and what holds now, for all venues and for one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from evidence.checks import keeping
from evidence.checks.results import Run
from evidence.figures import Checks, InForce, Period, checking, checks, in_force
from evidence.notices import NoticeSettings
from evidence.store import EvidenceStore
from policy.commands.exceptions import EndException, GrantException
from policy.commands.rules import AddRules
from policy.store import Store
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import TUTOR, make_college, perform
from tests.portal.test_checks import FAILED, WELL, run_at

PERIOD = Period(TUESDAY_10 - 86_400, TUESDAY_10 + 60)
LONDON = ZoneInfo("Europe/London")


async def checked(folder: Path, runs: list[Run], *venues: frozenset[str] | None) -> list[Checks]:
    """Keep these runs, and count them for each of the readers."""
    store = await EvidenceStore.open(f"sqlite+aiosqlite:///{folder / 't.db'}", create=True)
    try:
        async with store.changing() as connection:
            for run in runs:
                await keeping.keep(connection, run, NoticeSettings(), run.venue, "Europe/London")
        async with store.reading() as connection:
            return [await checks(connection, PERIOD, one) for one in venues]
    finally:
        await store.close()


def test_checks_are_counted_by_place_and_the_newest_says_how_it_stands(tmp_path: Path) -> None:
    runs = [
        run_at("crewe", PERIOD.since - 1, FAILED),
        run_at("crewe", PERIOD.since, FAILED, WELL),
        run_at("crewe", TUESDAY_10, WELL),
        run_at("derby", TUESDAY_10 - 60, WELL),
        run_at("derby", TUESDAY_10, FAILED),
        run_at("derby", PERIOD.until, FAILED),
    ]
    every, derby, none = asyncio.run(
        checked(tmp_path, runs, None, frozenset({"derby"}), frozenset())
    )
    told = [(one.venue, one.checks, one.well, one.newest) for one in every.places]
    assert told == [("crewe", 2, 1, "pass"), ("derby", 2, 1, "fail")]
    assert (every.total, every.well, every.troubles_more) == (4, 2, 0)
    assert [(run.venue, run.at) for run in every.troubles] == [
        ("derby", TUESDAY_10),
        ("crewe", PERIOD.since),
    ]
    assert every.troubles[0].troubles == (FAILED,) and every.troubles[0].passed == ()
    assert [one.venue for one in derby.places] == ["derby"] and derby.total == 2
    assert none == Checks((), (), 0)


def test_of_many_troubles_the_newest_are_told_and_the_others_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "TROUBLES_MAX", 2)
    runs = [run_at("crewe", TUESDAY_10 - n, FAILED) for n in range(5, 0, -1)]
    (found,) = asyncio.run(checked(tmp_path, runs, None))
    assert [run.at for run in found.troubles] == [TUESDAY_10 - 1, TUESDAY_10 - 2]
    assert found.troubles_more == 3 and found.total == 5


def test_what_holds_now(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"
    asyncio.run(make_college(url))

    async def read(at: float, venues: frozenset[str] | None) -> InForce:
        store = await Store.open(url)
        async with store.reading() as connection:
            found = await in_force(connection, venues, at, LONDON)
        await store.close()
        return found

    def now(at: float = TUESDAY_10 + 120, venues: frozenset[str] | None = None) -> InForce:
        return asyncio.run(read(at, venues))

    before = now()
    room = "room:ellesmere-port/it-suite"
    for number in (1, 2):
        grant = GrantException(room, f"CV {number}", TUESDAY_10 + 3600, sites=["facebook.com"])
        last = perform(url, grant, actor=TUTOR)
    rules = (
        {"action": "allow", "pattern": "all.example"},
        {"action": "deny", "pattern": "one.example", "scope": "venue:ellesmere-port"},
    )
    perform(url, AddRules(rules, reason="tried"))
    after = now()
    assert (after.allowed - before.allowed, after.denied - before.denied) == (1, 1)
    assert after.exceptions - before.exceptions == 2
    assert after.entries == before.entries + 3 and len(after.digest) == 64
    assert after.digest != before.digest
    ended = int(last.subject.partition(":")[2])
    perform(url, EndException(ended, "over"), actor=TUTOR, at=TUESDAY_10 + 60)
    assert now().exceptions - before.exceptions == 1
    assert now(TUESDAY_10 + 7200).exceptions == before.exceptions
    elsewhere = now(venues=frozenset({"partner"}))
    assert elsewhere.exceptions == 0
    assert (elsewhere.allowed, elsewhere.denied) <= (after.allowed, after.denied - 1)
