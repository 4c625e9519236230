"""The store, in SQLite and in PostgreSQL: what is written is read, by one writer, whole or not."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from policy.document import Builder
from policy.store import KINDS, Store, StoreFault
from policy.store.importing import replace_document
from policy.store.tables import audit
from tests.policy.college import TAXONOMY

from .college import RAW, RULE, built, meaning

ENTRY = {
    "number": 1,
    "at": 1.5,
    "actor": "jo",
    "via": "cli",
    "action": "rule.add",
    "subject": "rule 1",
    "before": None,
    "after": "{}",
    "reason": "",
    "outcome": "done",
    "previous": "",
    "digest": "d",
}


async def college(url: str) -> Store:
    """An open store that holds the college."""
    store = await Store.open(url, create=True)
    async with store.writing() as writing:
        await replace_document(writing, RAW)
    return store


def test_a_new_store_holds_the_policy_that_ships(store_url: str) -> None:
    async def story() -> None:
        store = await Store.open(store_url, create=True)
        document = await store.document()
        assert document.revision == 1
        assert built(document.raw).venues["here"].title == "Our venue"
        assert await store.check() == ()
        await store.close()
        again = await Store.open(store_url, create=True)  # nothing happens to one that is there
        assert await again.document() == document
        await again.close()

    asyncio.run(story())


def test_a_document_comes_back_with_the_same_meaning(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        raw = (await store.document()).raw
        assert meaning(built(raw)) == meaning(built(RAW))
        assert [rule["id"] for rule in raw["rules"]] == [1, 2, 3]
        assert set(raw) == set(RAW)
        await store.close()

    asyncio.run(story())


def test_every_kind_is_put_got_and_removed(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        async with store.writing() as writing:
            for kind in KINDS:
                entries = await writing.all(kind)
                assert entries, kind
                for id, body in entries.items():
                    assert await writing.get(kind, id) == body
                    assert await writing.put(kind, id, body) == id
                assert await writing.all(kind) == entries
            for kind in reversed(KINDS):
                for id in await writing.all(kind):
                    assert await writing.remove(kind, id)
                    assert not await writing.remove(kind, id)
                    assert await writing.get(kind, id) is None
            assert await writing.document() == {}
        await store.close()

    asyncio.run(story())


def test_what_did_not_change_is_the_very_same_object(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        first = await store.document()
        async with store.writing() as writing:
            await writing.put("exceptions", 1, {**RAW["exceptions"][0], "purpose": "another"})
        second = await store.document(first)
        changed = {key for key in first.raw if first.raw[key] is not second.raw[key]}
        assert changed == {"exceptions"}
        assert second.fingerprint != first.fingerprint
        assert second.revision == first.revision + 1
        assert second.revisions["exceptions"] == second.revision
        builder = Builder(TAXONOMY, "test")
        rules = builder.build(first.raw, first.fingerprint).rulebook
        assert builder.build(second.raw, second.fingerprint).rulebook is rules
        async with store.writing() as writing:
            await writing.put("rooms", "chester/hall", {"networks": ["10.30.1.0/24"]})
        third = await store.document(second)
        assert third.raw["venues"] is not second.raw["venues"]
        assert third.raw["profiles"] is second.raw["profiles"]
        assert list(third.raw["venues"]["chester"]["rooms"]) == ["hall"]
        async with store.writing() as writing:
            await writing.remove("pages", "gambling")
        fourth = await store.document(third)
        assert "pages" not in fourth.raw
        assert (await store.document(fourth)).fingerprint == fourth.fingerprint
        await store.close()

    asyncio.run(story())


def test_a_failing_write_leaves_nothing(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        before = await store.document()
        with pytest.raises(ZeroDivisionError):
            async with store.writing() as writing:
                await writing.put("rules", None, RULE)
                await writing.connection.execute(insert(audit), ENTRY)
                raise ZeroDivisionError
        assert await store.document() == before
        async with store.reading() as connection:
            assert not (await connection.execute(audit.select())).all()
        await store.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("kind", "id", "body"),
    [
        ("rules", None, {**RULE, "scope": "venue:nowhere"}),
        ("rules", None, {**RULE, "scope": "room:crewe/nowhere"}),
        ("rules", None, {**RULE, "scope": "profile:nobody"}),
        ("rules", None, {**RULE, "scope": "device:none"}),
        ("exceptions", None, {**RAW["exceptions"][0], "where": "room:chester/it-suite"}),
        ("rooms", "nowhere/hall", {}),
        ("venues", "york", {"profile": "nobody"}),
        ("devices", "tablet", {"profile": "nobody"}),
        ("people", "sam", {"name": "Sam", "roles": [{"role": "tutor", "venues": ["nowhere"]}]}),
        ("organisation", "organisation", {"default_profile": "nobody"}),
    ],
)
def test_the_database_refuses_a_reference_to_nothing(
    store_url: str, kind: Any, id: Any, body: dict[str, Any]
) -> None:
    async def story() -> None:
        store = await college(store_url)
        before = await store.document()
        with pytest.raises(StoreFault) as caught:
            async with store.writing() as writing:
                await writing.put(kind, id, body)
        assert caught.value.kind == "refused"
        assert "foreign key" in str(caught.value).lower()
        assert await store.document() == before
        await store.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("kind", "id"),
    [
        ("profiles", "learners"),
        ("venues", "crewe"),
        ("rooms", "crewe/it-suite"),
        ("devices", "laptop"),
    ],
)
def test_the_database_keeps_what_others_name(store_url: str, kind: Any, id: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        with pytest.raises(StoreFault, match="nothing was changed"):
            async with store.writing() as writing:
                await writing.remove(kind, id)
        await store.close()

    asyncio.run(story())


def test_numbers_are_never_given_twice(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        async with store.writing() as writing:
            assert await writing.put("rules", None, RULE) == 4
            assert await writing.remove("rules", 4)
        async with store.writing() as writing:
            assert await writing.put("rules", None, {**RULE, "id": 4}) == 5
            assert await writing.put("rules", 17, RULE) == 17
            assert await writing.put_many("rules", [(None, RULE), (None, RULE)]) == [18, 19]
        rules = (await store.document()).raw["rules"]
        assert [rule["id"] for rule in rules] == [1, 2, 3, 5, 17, 18, 19]
        await store.close()

    asyncio.run(story())


def test_the_audit_log_only_grows(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        before = await store.document()
        async with store.writing() as writing:
            await writing.connection.execute(insert(audit), ENTRY)
        # No decision changed: readers have nothing to build.
        assert await store.document() == before
        postgresql = store_url.startswith("postgresql")
        for statement in (
            "UPDATE audit SET reason = 'another'",
            "DELETE FROM audit",
            "TRUNCATE audit" if postgresql else "REPLACE INTO audit SELECT * FROM audit",
        ):
            with pytest.raises(StoreFault, match="append-only") as caught:
                async with store.writing() as writing:
                    await writing.connection.execute(text(statement))
            assert caught.value.kind == "refused"
        async with store.reading() as connection:
            (row,) = (await connection.execute(audit.select())).mappings()
            assert dict(row) == ENTRY
        await store.close()

    asyncio.run(story())


def test_writers_take_turns_and_readers_see_one_moment(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        other = await Store.open(store_url)

        async def add(to: Store, times: int) -> None:
            for _ in range(times):
                async with to.writing() as writing:
                    await writing.put("rules", None, RULE)

        async with store.reading() as connection:
            count = text("SELECT count(*) FROM rules")
            seen = await connection.scalar(count)
            await asyncio.gather(add(store, 5), add(other, 5), add(store, 5))
            assert await connection.scalar(count) == seen == 3
        rules = (await store.document()).raw["rules"]
        assert [rule["id"] for rule in rules] == list(range(1, 19))
        assert (await store.document()).revision == 17
        await store.close()
        await other.close()

    asyncio.run(story())


def test_texts_of_every_script_and_any_character(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        body = {"text": "Gofyn am gymorth \u2028 \x00 \x7f 😀 'quoted\" \\ \n"}
        async with store.writing() as writing:
            await writing.put("pages", "gambling", body)
        assert (await store.document()).raw["pages"]["gambling"] == body
        with pytest.raises(StoreFault) as caught:  # as a shell hands over what is no UTF-8
            async with store.writing() as writing:
                await writing.put("pages", "gambling", {"text": "\udc80"})
        assert caught.value.kind == "refused"
        await store.close()

    asyncio.run(story())


_DIES = """
import asyncio, sys
from policy.store import Store

async def story():
    store = await Store.open(sys.argv[1])
    async with store.writing() as writing:
        rule = {"action": "deny", "pattern": "a.example", "reason": "because"}
        await writing.put_many("rules", [(None, rule)] * 5_000)
        await writing.finish()
        print("almost", flush=True)
        await asyncio.sleep(60)

asyncio.run(story())
"""


def test_a_writer_that_is_killed_leaves_nothing(store_url: str) -> None:
    async def story() -> None:
        store = await college(store_url)
        before = await store.document()
        command = [sys.executable, "-c", _DIES, store_url]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"almost\n"
        process.kill()
        await process.wait()
        async with store.writing() as writing:  # and nobody waits for it
            assert await writing.put("rules", None, RULE) == 4
            await writing.remove("rules", 4)
        assert (await store.document()).raw == before.raw
        assert await store.check() == ()
        await store.close()

    asyncio.run(story())


def test_who_only_reads_needs_no_alembic() -> None:
    code = "import sys, policy.store; assert 'alembic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_file_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "state.db"

    async def story() -> None:
        await (await Store.open(f"sqlite+aiosqlite:///{path}", create=True)).close()

    asyncio.run(story())
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
