"""What goes wrong with a store, done for real: one clear line, and nothing changed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from policy.store import Store, StoreFault, engine, transactions
from policy.store.versions import VERSION_TABLE

from .college import RULE
from .postgresql import Server

LINE = re.compile(r"[^\n]+: [^\n]+; [^\n]+")


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def move(path: Path, to: Path) -> None:
    path.rename(to)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that is there and closed."""
    path = tmp_path / "state.db"
    asyncio.run(make(url_of(path)))
    return path


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer gives up soon."""
    monkeypatch.setattr(engine, "BUSY_SECONDS_MAX", 0.1)
    monkeypatch.setattr(transactions, "BUSY_SECONDS_MAX", 0.1)


async def make(url: str) -> None:
    """A store with one rule."""
    store = await Store.open(url, create=True)
    await add(store)
    await store.close()


async def add(store: Store) -> None:
    """One rule more."""
    async with store.writing() as writing:
        await writing.put("rules", None, RULE)


async def use(url: str) -> None:
    """Open a store and read it."""
    store = await Store.open(url)
    try:
        await store.document()
    finally:
        await store.close()


def fault(url: str, kind: str) -> str:
    """The one line that opening and reading a store comes to."""
    with pytest.raises(StoreFault) as caught:
        asyncio.run(use(url))
    return told(caught.value, kind)


def told(caught: StoreFault, kind: str) -> str:
    """The line of a fault."""
    assert caught.kind == kind, caught
    assert LINE.fullmatch(str(caught))
    return str(caught)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "store.url: it is no address of a database; allowed: sqlite+aiosqlite:///PATH or "),
        ("state.db", "it is no address of a database"),
        ("mysql://u:secret@h/d", "mysql://u:***@h/d: mysql is not known; allowed: "),
        ("sqlite:///state.db", "sqlite is not known; allowed: sqlite+aiosqlite:///PATH or "),
        ("sqlite+aiosqlite://", "it names no file; allowed: sqlite+aiosqlite:///PATH"),
        ("sqlite+aiosqlite:///:memory:", ":memory:: it names no file; allowed: "),
    ],
)
def test_an_address_that_is_none(url: str, says: str) -> None:
    assert says in fault(url, "url")


def test_no_store_is_made_by_looking(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert fault(url_of(path), "gone").startswith(f"{path}: there is no store; ")
    assert not path.exists()
    path.touch()
    assert "there is no store" in fault(url_of(path), "gone")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    async def story() -> None:
        await Store.open(url_of(tmp_path / "none" / "state.db"), create=True)

    with pytest.raises(StoreFault) as caught:
        asyncio.run(story())
    assert "there is no such folder" in told(caught.value, "gone")


def test_another_program_s_database(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE people (id)")

    async def story() -> None:
        await Store.open(url_of(path), create=True)

    with pytest.raises(StoreFault) as caught:
        asyncio.run(story())
    assert "it holds something else" in told(caught.value, "url")


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("this is a letter, and not a store\n" * 100)
    assert fault(url_of(path), "corrupt").startswith(f"{path}: the store is damaged; ")


def test_a_file_with_a_damaged_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    fault(url_of(path), "corrupt")


def test_a_body_that_somebody_edited(store_url: str) -> None:
    async def story() -> None:
        await make(store_url)
        for body in ("{", "[]", '"text"'):
            store = await Store.open(store_url)
            async with store.writing() as writing:
                statement = text("UPDATE rules SET body = :body")
                await writing.connection.execute(statement, {"body": body})
            with pytest.raises(StoreFault) as caught:
                await store.document()
            assert "the store is damaged" in told(caught.value, "corrupt")
            await store.close()

    asyncio.run(story())


def test_a_file_cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)
    fault(url_of(path), "corrupt")


def test_a_file_that_goes_away_while_it_is_open(path: Path) -> None:
    async def story() -> None:
        store = await Store.open(url_of(path))
        move(path, away)
        for use in (store.document, lambda: add(store)):
            with pytest.raises(StoreFault) as caught:
                await use()
            assert "there is no store; " in told(caught.value, "gone")
        move(away, path)
        assert len((await store.document()).raw["rules"]) == 1
        await store.close()

    away = path.with_name("away.db")
    asyncio.run(story())


def test_a_file_put_in_its_place_while_it_is_open(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"

    async def story() -> None:
        store = await Store.open(url_of(path))
        await make(url_of(other))
        second = await Store.open(url_of(other))
        await add(second)
        await second.close()
        move(other, path)
        assert len((await store.document()).raw["rules"]) == 2
        other.write_bytes(b"what a copy that failed leaves behind" * 100)
        move(other, path)
        for _ in range(2):
            with pytest.raises(StoreFault) as caught:
                await store.document()
            told(caught.value, "corrupt")
        await store.close()

    asyncio.run(story())


@pytest.mark.usefixtures("brief")
def test_somebody_else_writes(store_url: str) -> None:
    async def story() -> None:
        await make(store_url)
        one, other = await Store.open(store_url), await Store.open(store_url)
        async with one.writing() as writing:
            await writing.put("rules", None, RULE)
            with pytest.raises(StoreFault) as caught:
                await add(other)
            assert "somebody else is writing; try again" in told(caught.value, "locked")
            assert len((await other.document()).raw["rules"]) == 1  # readers do not wait
        await add(other)
        assert len((await other.document()).raw["rules"]) == 3
        await one.close()
        await other.close()

    asyncio.run(story())


def test_a_newer_version(store_url: str) -> None:
    """Refused at the opening, and where it happens under a store that is open."""

    async def story() -> None:
        await make(store_url)
        store = await Store.open(store_url)
        async with store.writing() as writing:
            statement = text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
            await writing.connection.execute(statement)
        for use in (
            store.document,
            lambda: add(store),
            lambda: Store.open(store_url),
            lambda: Store.open(store_url, create=True),
        ):
            with pytest.raises(StoreFault) as caught:
                await use()
            assert "a newer Lychgate migrated it (version 9999)" in told(caught.value, "newer")
        await store.close()

    asyncio.run(story())


def test_an_older_version(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(make(store_url))
    newer = replace(Store.schema, versions=(*Store.schema.versions, "0009"))
    monkeypatch.setattr(Store, "schema", newer)
    assert "lychgate store upgrade" in fault(store_url, "older")


@pytest.fixture
def public(path: Path) -> Iterator[Path]:
    """The store in a folder that everybody may enter, and we are nobody in particular."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        there = Path(shutil.copy(path, folder))
        there.chmod(0o644)
        os.seteuid(65534)
        try:
            yield there
        finally:
            os.seteuid(0)


def test_a_file_that_we_may_only_read(public: Path) -> None:
    assert "it may not be read or written; see who owns" in fault(url_of(public), "permission")


def test_a_folder_that_we_may_not_enter(public: Path, path: Path) -> None:
    fault(url_of(path), "permission")
    with pytest.raises(StoreFault) as caught:
        asyncio.run(make(url_of(public.with_name("new.db"))))
    told(caught.value, "permission")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    with pytest.raises(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(512))


def test_a_full_disk(small_disk: Path) -> None:
    url = url_of(small_disk / "state.db")

    async def story() -> None:
        await make(url)
        store = await Store.open(url)
        before = await store.document()
        with pytest.raises(StoreFault) as caught:
            async with store.writing() as writing:
                await writing.put_many("rules", [(None, {**RULE, "reason": "long" * 50})] * 9_000)
        assert "the disk is full; make room" in told(caught.value, "full")
        assert await store.document() == before
        await add(store)
        await store.close()
        fill(small_disk)
        with pytest.raises(StoreFault) as caught:
            await Store.open(url_of(small_disk / "another.db"), create=True)
        told(caught.value, "full")

    asyncio.run(story())


def test_a_server_that_stops(postgresql: Server) -> None:
    url = postgresql.database()

    async def story() -> None:
        await make(url)
        store = await Store.open(url)
        before = await store.document()
        postgresql.stop()
        try:
            for use in (store.document, lambda: add(store), lambda: Store.open(url)):
                with pytest.raises(StoreFault) as caught:
                    await use()
                assert "the database cannot be reached" in told(caught.value, "connect")
        finally:
            postgresql.start()
        assert await store.document() == before
        await add(store)
        with pytest.raises(StoreFault) as caught:
            async with store.writing() as writing:
                await writing.put("rules", None, RULE)
                postgresql.stop()
                postgresql.start()
        assert caught.value.kind == "connect"
        assert len((await store.document()).raw["rules"]) == 2
        await store.close()

    asyncio.run(story())


def test_a_server_without_the_database_or_for_others(postgresql: Server) -> None:
    assert "there is no store" in fault(postgresql.url("nowhere"), "gone")
    assert "there is no store" in fault(postgresql.database(), "gone")
    stranger = postgresql.url("postgres").replace("lychgate@", "stranger:secret@")
    assert "secret" not in fault(stranger, "connect")
    refused = "postgresql+asyncpg://u:secret@127.0.0.1:1/d"
    assert "127.0.0.1:1/d: the database cannot be reached" in fault(refused, "connect")


def test_a_server_that_lets_us_only_look(postgresql: Server) -> None:
    url = postgresql.database()
    asyncio.run(make(url))
    database = url.split("@/")[1].split("?")[0]
    postgresql.sql(f"ALTER DATABASE {database} SET default_transaction_read_only = on")

    async def story() -> None:
        store = await Store.open(url)
        assert (await store.document()).raw["rules"]
        with pytest.raises(StoreFault) as caught:
            await add(store)
        told(caught.value, "permission")
        await store.close()

    asyncio.run(story())
