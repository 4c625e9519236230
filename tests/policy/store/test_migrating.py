"""Every version of the tables, up and down, in both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import portal.accounts.tables  # noqa: F401  # they are in the same store
from policy.store import Store, StoreFault
from policy.store.engine import create_file, file_of, make_engine, read_url
from policy.store.importing import replace_document
from policy.store.migrating import current, downgrade, migration_context, upgrade
from policy.store.migrations import FOLDER, HEAD, VERSIONS
from policy.store.tables import METADATA
from policy.store.versions import VERSION_TABLE

from .college import RAW, built, meaning

EARLIER = ("base", *VERSIONS[:-1])


async def prepare(url: str) -> None:
    """An empty database."""
    path = file_of(read_url(url))
    if path is not None:
        create_file(path)


async def seen(url: str, look: Any) -> Any:
    """What a function sees of a database."""
    engine = make_engine(read_url(url))
    async with engine.connect() as connection:
        found = await connection.run_sync(look)
    await engine.dispose()
    return found


def schema(connection: Connection) -> list[str]:
    """Everything that was made in a database, triggers and indexes included."""
    if connection.dialect.name == "sqlite":
        found = text("SELECT type || ' ' || name FROM sqlite_master")
    else:
        found = text(
            "SELECT 'table ' || tablename FROM pg_tables WHERE schemaname = 'public'"
            " UNION SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = 'public'"
            " UNION SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal"
            " UNION SELECT 'function ' || proname FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
        )
    return sorted(connection.scalars(found))


def test_the_versions_are_those_that_are_there() -> None:
    script = ScriptDirectory(str(FOLDER))
    assert tuple(revision.revision for revision in script.walk_revisions())[::-1] == VERSIONS
    assert script.get_current_head() == HEAD


@pytest.mark.parametrize("earlier", EARLIER)
def test_up_from_every_version_and_back(store_url: str, earlier: str) -> None:
    async def story() -> None:
        await prepare(store_url)
        assert await current(store_url) is None
        await upgrade(store_url)
        assert await current(store_url) == HEAD
        newest = await seen(store_url, schema)
        await downgrade(store_url, earlier)
        assert await current(store_url) == (None if earlier == "base" else earlier)
        left = await seen(store_url, schema)
        if earlier == "base":
            assert [line for line in left if VERSION_TABLE not in line] == []
        await upgrade(store_url)
        assert await seen(store_url, schema) == newest
        await upgrade(store_url)  # nothing more to do
        assert await current(store_url) == HEAD

    asyncio.run(story())


@pytest.mark.parametrize("earlier", VERSIONS)
def test_what_is_stored_lives_through_it(store_url: str, earlier: str) -> None:
    async def story() -> None:
        store = await Store.open(store_url, create=True)
        async with store.writing() as writing:
            await replace_document(writing, RAW)
        await store.close()
        await downgrade(store_url, earlier)
        if earlier != HEAD:
            with pytest.raises(StoreFault) as caught:
                await Store.open(store_url)
            assert caught.value.kind == "older"
        store = await Store.open(store_url, create=True)
        assert meaning(built((await store.document()).raw)) == meaning(built(RAW))
        await store.close()

    asyncio.run(story())


def test_the_migrations_make_what_the_tables_say(store_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = migration_context(connection)
        context.opts["include_name"] = lambda name, kind, _: (
            (kind, name) != ("table", VERSION_TABLE)
        )
        return list(compare_metadata(context, METADATA))

    async def story() -> None:
        await prepare(store_url)
        await upgrade(store_url)
        assert await seen(store_url, differences) == []

    asyncio.run(story())


def test_a_migration_that_fails_leaves_nothing(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policy.store import store as module

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def story() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(module, "replace_document", fail)
            with pytest.raises(ZeroDivisionError):
                await Store.open(store_url, create=True)
        assert await seen(store_url, schema) == []
        store = await Store.open(store_url, create=True)
        await store.close()

    asyncio.run(story())


def test_tables_without_a_policy_get_the_one_that_ships(store_url: str) -> None:
    async def story() -> None:
        await prepare(store_url)
        await upgrade(store_url)
        store = await Store.open(store_url, create=True)
        assert built((await store.document()).raw).venues["here"].title == "Our venue"
        await store.close()

    asyncio.run(story())


def test_many_processes_make_one_store(store_url: str) -> None:
    async def story() -> None:
        stores = await asyncio.gather(*(Store.open(store_url, create=True) for _ in range(4)))
        assert {(await store.document()).revision for store in stores} == {1}
        assert len({(await store.document()).fingerprint for store in stores}) == 1
        await asyncio.gather(*(store.close() for store in stores))

    asyncio.run(story())
