"""The desk: one transaction, one entry, on both databases; and two desks on one store."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from policy.commands.command import (
    REASON_CHARACTERS_MAX,
    Change,
    Permission,
    Refused,
    Situation,
)
from policy.commands.profiles import SetActions
from policy.commands.rooms import AddRoom
from policy.commands.venues import AddVenue, ChangeVenue, RemoveVenue
from policy.policy import Policy
from policy.store import Store, StoreFault
from policy.store.writing import Writing
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import (
    LEAD,
    PAT,
    TUTOR,
    document,
    in_store,
    journal,
    make_college,
    open_desk,
    perform,
    refusal,
    verdict,
)

HERE = Path(__file__)
ROOMS_EACH = 6


@pytest.fixture
def either(store_url: str) -> str:
    """A store that holds the college, in each kind of database."""
    asyncio.run(make_college(store_url))
    return store_url


def test_commands_do_the_same_on_both_databases(either: str) -> None:
    perform(either, AddVenue("chester", {"networks": ["10.40.0.0/16"]}, reason="Ours: été"))
    perform(either, AddRoom("chester", "lab", {"networks": ["10.40.1.0/24"]}))
    perform(either, SetActions("young", {"games": "warn"}), at=TUESDAY_10 + 0.123456)
    refused = refusal(either, RemoveVenue("chester"), actor=TUTOR)
    assert refused.permission
    assert refusal(either, AddVenue("x", {"networks": ["10.40.2.0/24"]})).faults
    perform(either, RemoveVenue("chester"))
    entries = journal(either)
    assert [(entry.number, entry.action, entry.outcome) for entry in entries] == [
        (1, "venue.add", "done"),
        (2, "room.add", "done"),
        (3, "profile.change", "done"),
        (4, "venue.remove", "refused"),
        (5, "venue.remove", "done"),
    ]
    assert entries[0].reason == "Ours: été"
    assert entries[2].at == TUESDAY_10 + 0.123456
    found = verdict(either)
    assert found.broken is None
    assert (found.entries, len(found.notes)) == (5, 1)
    assert found.last_digest == entries[-1].digest


def test_the_log_cannot_be_edited_through_the_database(either: str) -> None:
    perform(either, ChangeVenue("crewe", {"title": "Crewe hub"}))

    async def edit(store: Store) -> None:
        async with store.writing() as writing:
            await writing.connection.execute(text("UPDATE audit SET actor = 'sam'"))

    async def remove(store: Store) -> None:
        async with store.writing() as writing:
            await writing.connection.execute(text("DELETE FROM audit"))

    for action in (edit, remove):
        with pytest.raises(StoreFault):
            in_store(either, action)
    assert verdict(either).broken is None


def test_who_edits_the_file_behind_the_triggers_is_caught(url: str) -> None:
    for title in ("A", "B", "C", "D"):
        perform(url, ChangeVenue("crewe", {"title": title}))
    noted = verdict(url).last_digest
    file = sqlite3.connect(url.partition("///")[2])
    triggers = file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        file.execute(f"DROP TRIGGER {name}")
    file.execute("UPDATE audit SET reason = 'Agreed with the head' WHERE number = 3")
    file.commit()
    broken = verdict(url).broken
    assert broken is not None
    assert (broken.number, broken.why) == (
        3,
        "its content was altered: the digest does not fit",
    )
    file.execute("DELETE FROM audit WHERE number >= 3")
    file.commit()
    file.close()
    assert verdict(url).broken is None
    cut = verdict(url, noted).broken
    assert cut is not None
    assert cut.number == 3


class _Fails(ChangeVenue):
    """Writes, and fails only then."""

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        await super().apply(writing, situation)
        raise Refused("venue.change: crewe: no; allowed: nothing")


class _Breaks(ChangeVenue):
    """Writes something that no resolver would read."""

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        await writing.put("venues", "crewe", {"networks": ["nowhere"]})
        return Change("venue:crewe", None, {})


class _AsksLate(ChangeVenue):
    """Knows whom it concerns only once it has looked."""

    def permission(self, situation: Situation) -> Permission:
        return Permission("policy.read", None)

    async def apply(self, writing: Writing, situation: Situation) -> Change:
        await writing.put("venues", "crewe", {"networks": ["10.77.0.0/16"]})
        raise Refused("no", needed=Permission(self.action, frozenset({"crewe", "partner"})))


class _CannotSay(ChangeVenue):
    """Fails when all is written."""

    def sentences(self, change: Change, situation: Situation, after: Policy) -> list[str]:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(_Fails, Refused), (_Breaks, Refused), (_CannotSay, ZeroDivisionError)],
)
def test_whatever_fails_nothing_has_changed(
    url: str, kind: type[ChangeVenue], fault: type[Exception]
) -> None:
    before = document(url)
    with pytest.raises(fault):
        perform(url, kind("crewe", {"title": "Crewe hub"}))
    assert document(url) == before
    assert journal(url) == []


def test_a_permission_that_is_missing_late_is_logged_as_well(url: str) -> None:
    before = document(url)
    refused = refusal(url, _AsksLate("crewe", {"title": "x"}), actor=LEAD)
    assert refused.permission
    assert document(url) == before
    (entry,) = journal(url)
    assert (entry.subject, entry.outcome) == ("venue:crewe, venue:partner", "refused")


def test_what_strangers_ask_for_does_not_fill_the_log(either: str) -> None:
    command = AddVenue("a\0\n\x1b[2J" + "x" * 100_000, {})
    assert refusal(either, command, actor=TUTOR).permission
    (entry,) = journal(either)
    assert len(entry.subject) == len(entry.reason) == REASON_CHARACTERS_MAX
    assert entry.subject.startswith("venue:a???[2Jxx")
    assert verdict(either).broken is None


@pytest.mark.parametrize("reason", ["x" * (REASON_CHARACTERS_MAX + 1), "a\0b", "\x1b[2J", "\ud800"])
def test_a_reason_is_plain_text(url: str, reason: str) -> None:
    fault = refusal(url, ChangeVenue("crewe", {"title": "x"}, reason=reason)).faults[0]
    assert fault.startswith("venue.change: reason: ")


def test_two_desks_in_one_process_lose_nothing(either: str) -> None:
    async def add(desk_number: int) -> None:
        async with open_desk(either) as desk:
            for number in range(ROOMS_EACH):
                room = AddRoom(
                    "crewe",
                    f"r{desk_number}-{number}",
                    {"networks": [f"10.30.{desk_number * 50 + number}.0/24"]},
                )
                await desk.perform(PAT, room, at=TUESDAY_10)

    async def both() -> None:
        await asyncio.gather(add(1), add(2))

    asyncio.run(both())
    assert len(document(either)["venues"]["crewe"]["rooms"]) == 2 * ROOMS_EACH
    found = verdict(either)
    assert (found.entries, found.broken) == (2 * ROOMS_EACH, None)


_PROCESS = """
import asyncio, sys
from policy.commands.rooms import AddRoom
from tests.policy.college import TUESDAY_10
from tests.policy.commands.desks import PAT, open_desk

async def run(url, mine):
    async with open_desk(url) as desk:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(sys.argv[3])):
            body = {"networks": [f"10.30.{mine * 50 + number}.0/24"]}
            await desk.perform(PAT, AddRoom("crewe", f"r{mine}-{number}", body), at=TUESDAY_10)

asyncio.run(run(sys.argv[1], int(sys.argv[2])))
"""


def test_desks_of_two_processes_lose_nothing(either: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, either, str(number), str(ROOMS_EACH)],
            cwd=HERE.parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    for process in processes:  # both stand at the door before either goes in
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert len(document(either)["venues"]["crewe"]["rooms"]) == 2 * ROOMS_EACH
    found = verdict(either)
    assert (found.entries, found.broken) == (2 * ROOMS_EACH, None)


def test_who_waits_too_long_gets_one_clear_line(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.store.engine.BUSY_SECONDS_MAX", 0.05)
    other = sqlite3.connect(url.partition("///")[2], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    command = ChangeVenue("crewe", {"title": "Crewe hub"})
    with pytest.raises(StoreFault, match="^[^\n]*: somebody else is writing; try again[^\n]*$"):
        perform(url, command)
    other.execute("ROLLBACK")
    other.close()
    assert perform(url, command).audit_number == 1


def test_two_who_want_the_same_network_do_not_both_get_it(either: str) -> None:
    async def add(venue: str) -> bool:
        async with open_desk(either) as desk:
            try:
                body = {"networks": ["10.40.0.0/16"]}
                await desk.perform(PAT, AddVenue(venue, body), at=TUESDAY_10)
            except Refused as refused:
                assert "overlaps 10.40.0.0/16" in refused.faults[0]
                return False
            return True

    async def both() -> list[bool]:
        return await asyncio.gather(add("chester"), add("stoke"))

    assert sorted(asyncio.run(both())) == [False, True]


@pytest.mark.parametrize(
    "title", ["\x1b[2JCrewe", "Crewe\nall is well", "\u202eewerC", "\x9b2J", "x" * 2001]
)
def test_what_others_will_read_is_plain_text(url: str, title: str) -> None:
    fault = refusal(url, ChangeVenue("crewe", {"title": title})).faults[0]
    assert fault.startswith("venue.change: title: ")
    assert fault.isprintable()


def test_an_entry_has_a_bound(url: str) -> None:
    networks = [f"fd00:{n // 9999}:{n % 9999}::/48" for n in range(20_000)]
    fault = refusal(url, ChangeVenue("crewe", {"networks": networks})).faults[0]
    assert fault.endswith("allowed: up to 262144 octets in one entry")


def test_so_have_places(either: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.commands.desk.ENTRIES_MAX", {"rooms": 3})
    perform(either, AddRoom("crewe", "lab", {"networks": ["10.30.1.0/24"]}))
    fault = refusal(either, AddRoom("crewe", "hall", {"networks": ["10.30.2.0/24"]})).faults[0]
    assert fault == "room.add: rooms: 4 are too many; allowed: up to 3"
    monkeypatch.setattr("policy.commands.desk.ENTRIES_MAX", {"rooms": 1})
    perform(either, ChangeVenue("crewe", {"title": "Crewe hub"}))  # too many before are no matter
