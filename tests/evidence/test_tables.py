"""The tables of the telemetry database: what migrations make of them, and how files are kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from evidence.migrations import FOLDER, VERSIONS
from evidence.schema import TELEMETRY
from evidence.store import EvidenceStore
from evidence.tables import METADATA
from policy.store import Store
from policy.store.faults import StoreFault
from policy.store.migrating import current, downgrade, migration_context


def test_the_versions_are_those_that_are_there() -> None:
    script = ScriptDirectory(str(FOLDER))
    assert tuple(found.revision for found in script.walk_revisions())[::-1] == VERSIONS


def test_the_migrations_make_what_the_tables_say(evidence_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = migration_context(connection, schema=TELEMETRY)
        context.opts["include_name"] = lambda name, kind, _: (
            (kind, name) != ("table", TELEMETRY.version_table)
        )
        return list(compare_metadata(context, METADATA))

    async def story() -> None:
        store = await EvidenceStore.open(evidence_url, create=True)
        async with store.reading() as connection:
            assert await connection.run_sync(differences) == []
        await store.close()

    asyncio.run(story())


def test_back_to_nothing_and_up_again(evidence_url: str) -> None:
    async def story() -> None:
        store = await EvidenceStore.open(evidence_url, create=True)
        await store.close()
        assert await current(evidence_url, TELEMETRY) == TELEMETRY.head
        await downgrade(evidence_url, "base", TELEMETRY)
        assert await current(evidence_url, TELEMETRY) is None
        store = await EvidenceStore.open(evidence_url, create=True)
        async with store.reading() as connection:
            tables = await connection.run_sync(lambda inner: inspect(inner).get_table_names())
        assert set(METADATA.tables) <= set(tables)
        await store.close()

    asyncio.run(story())


def test_decisions_and_telemetry_may_share_a_postgresql_database(postgresql: Any) -> None:
    url = postgresql.database()

    async def story() -> None:
        for kind in (Store, EvidenceStore, Store, EvidenceStore):
            store = await kind.open(url, create=True)
            assert await store.check() == ()
            await store.close()

    asyncio.run(story())


def test_how_the_file_is_kept(sqlite_url: str) -> None:
    """Quick commits; what is deleted is overwritten, and its room given back."""

    async def story() -> None:
        store = await EvidenceStore.open(sqlite_url, create=True)
        async with store.reading() as connection:
            found = {
                name: await connection.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "secure_delete", "auto_vacuum")
            }
        assert found == {
            "journal_mode": "wal",
            "synchronous": 1,  # NORMAL
            "secure_delete": 1,
            "auto_vacuum": 2,  # INCREMENTAL
        }
        await store.close()

    asyncio.run(story())


def test_where_nothing_was_recorded_the_remedy_is_not_that_of_the_store(sqlite_url: str) -> None:
    async def story() -> None:
        with pytest.raises(StoreFault, match=r"nothing is recorded yet; `lychgate record`"):
            await EvidenceStore.open(sqlite_url)
        async with EvidenceStore.at(sqlite_url).reading():
            pytest.fail("there is nothing to read")

    with pytest.raises(StoreFault, match=r"nothing is recorded yet; `lychgate record`") as told:
        asyncio.run(story())
    assert told.value.kind == "gone"
