"""A backup is a whole store; a store that was put back is told apart from the one that went on."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from policy.store import Store, StoredDocument, StoreFault, backup
from policy.store.importing import replace_document
from policy.store.migrating import current, downgrade

from .college import RAW, RULE
from .postgresql import Server


def put_back(copy: Path, path: Path) -> None:
    """What the documentation says: the copy in place of the file, and its logs away."""
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    copy.rename(path)


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store with the college."""

    async def story() -> None:
        store = await Store.open(url_of(tmp_path / "state.db"), create=True)
        async with store.writing() as writing:
            await replace_document(writing, RAW)
        await store.close()

    asyncio.run(story())
    return tmp_path / "state.db"


async def page(store: Store, text: str) -> StoredDocument:
    """A text for a page, put in."""
    async with store.writing() as writing:
        await writing.put("pages", "gambling", {"text": text})
    return await store.document()


def test_a_backup_of_a_store_in_use(path: Path) -> None:
    to = path.with_name("copy.db")
    before = threading.active_count()  # of other tests

    async def story() -> None:
        store = await Store.open(url_of(path))
        committed = await page(store, "committed")  # still in the write-ahead log
        async with store.writing() as writing:
            await writing.put("rules", None, RULE)
            await backup(url_of(path), to)
        copy = await Store.open(url_of(to))
        assert await copy.document() == committed
        assert await copy.check() == ()
        await copy.close()
        await store.close()

    asyncio.run(story())
    assert sorted(file.name for file in path.parent.iterdir()) == ["copy.db", "state.db"]
    assert threading.active_count() <= before


def test_a_store_of_another_version(path: Path) -> None:
    """Before an upgrade is when a backup is wanted most."""

    async def story() -> None:
        await downgrade(url_of(path), "base")
        await backup(url_of(path), path.with_name("copy.db"))
        assert await current(url_of(path.with_name("copy.db"))) is None

    asyncio.run(story())


def test_two_histories_of_one_store_are_told_apart(path: Path) -> None:
    """After a backup is put back the same numbers come again, for other decisions."""

    async def story() -> None:
        store = await Store.open(url_of(path))
        await backup(url_of(path), path.with_name("copy.db"))
        one = await page(store, "one")
        put_back(path.with_name("copy.db"), path)
        two = await page(store, "two")
        assert two.revisions == one.revisions
        assert two.fingerprint != one.fingerprint
        assert (await store.document(one)).raw["pages"]["gambling"] == {"text": "two"}
        await store.close()

    asyncio.run(story())


def test_a_backup_that_cannot_be(path: Path, tmp_path: Path) -> None:
    to = tmp_path / "copy.db"

    def fault(source: Path, to: Path) -> str:
        with pytest.raises(StoreFault) as caught:
            asyncio.run(backup(url_of(source), to))
        return str(caught.value)

    assert fault(tmp_path / "none.db", to).startswith(f"{tmp_path}/none.db: there is no store; ")
    assert "there is a file already; give another name" in fault(path, path)
    assert "there is no such folder" in fault(path, tmp_path / "none" / "copy.db")
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    assert "the store is damaged; no backup was made" in fault(path, to)
    path.write_text("no database")
    assert "the store is damaged" in fault(path, to)
    assert [file.name for file in tmp_path.iterdir()] == ["state.db"]


def test_postgresql_has_a_program_for_it(postgresql: Server, tmp_path: Path) -> None:
    url = postgresql.database().replace("lychgate@", "lychgate:secret@")
    with pytest.raises(StoreFault) as caught:
        asyncio.run(backup(url, tmp_path / "copy"))
    assert f"use: pg_dump --format=custom --file={tmp_path}/copy postgresql://" in str(caught.value)
    assert "secret" not in str(caught.value).split("use:")[1]
    assert "lychgate@" in str(caught.value).split("use:")[1]
