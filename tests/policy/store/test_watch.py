"""Who watches a store hears of every commit, and of a store that goes and comes back."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from policy.commands.journal import append
from policy.store import Store, StoreFault, Watch, watch
from policy.store.engine import read_url
from tests.policy.commands.desks import PAT

from .college import RULE
from .postgresql import Server

SECONDS_MAX = 20.0


def add(url: str, *, fail: bool = False) -> None:
    """Commit one more rule, or almost."""

    async def story() -> None:
        store = await Store.open(url, create=True)
        async with store.writing() as writing:
            await writing.put("rules", None, RULE)
            if fail:
                await writing.put("rules", None, {**RULE, "scope": "venue:nowhere"})
        await store.close()

    asyncio.run(story())


@contextmanager
def watching(url: str) -> Iterator[Watch]:
    """A watch of a store that has heard of what there was."""
    watcher = Watch(url)
    try:
        if url.startswith("postgresql"):
            until(lambda: isinstance(watcher.stamp()[1], str))  # type: ignore[index]
        yield watcher
    finally:
        watcher.close()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def changes(watcher: Watch, by: Callable[[], object]) -> None:
    """What is done makes a difference to the stamp."""
    before = watcher.stamp()
    by()
    until(lambda: watcher.stamp() != before)


def test_a_commit_is_noticed(store_url: str) -> None:
    add(store_url)
    with watching(store_url) as watcher:
        for _ in range(3):
            changes(watcher, lambda: add(store_url))


def test_what_was_not_committed_is_not(store_url: str) -> None:
    add(store_url)
    with watching(store_url) as watcher:
        before = watcher.stamp()
        with pytest.raises(StoreFault):
            add(store_url, fail=True)
        assert watcher.stamp() == before


def test_what_is_no_policy_makes_no_difference(store_url: str) -> None:
    async def refuse() -> None:
        store = await Store.open(store_url)
        async with store.writing() as writing:
            await append(writing.connection, PAT, at=0, action="x", subject="x", reason="x")
        await store.close()

    add(store_url)
    with watching(store_url) as watcher:
        before = watcher.stamp()
        for _ in range(3):
            asyncio.run(refuse())
            assert watcher.stamp() == before
        changes(watcher, lambda: add(store_url))


def test_a_file_that_goes_comes_and_is_replaced(tmp_path: Path) -> None:
    path, other = tmp_path / "state.db", tmp_path / "other.db"
    url, other_url = f"sqlite+aiosqlite:///{path}", f"sqlite+aiosqlite:///{other}"
    add(other_url)
    with watching(url) as watcher:
        assert watcher.stamp() == watcher.stamp() == "gone"
        changes(watcher, lambda: add(url))
        changes(watcher, lambda: path.rename(tmp_path / "away.db"))
        changes(watcher, lambda: (tmp_path / "away.db").rename(path))
        changes(watcher, lambda: other.rename(path))
        changes(watcher, lambda: add(url))
        other.write_bytes(b"no database" * 1000)
        changes(watcher, lambda: other.rename(path))
        assert str(watcher.stamp()).startswith("failing: ")


def test_a_writer_does_not_hold_it_up(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    add(f"sqlite+aiosqlite:///{path}")
    with (
        watching(f"sqlite+aiosqlite:///{path}") as watcher,
        closing(sqlite3.connect(path, isolation_level=None)) as writer,
    ):
        before = watcher.stamp()
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("UPDATE facts SET value = 'x'")
        assert watcher.stamp() == before
        changes(watcher, lambda: writer.execute("COMMIT"))


def test_a_server_that_stops_and_starts(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.05)
    url = postgresql.database()
    add(url)
    with watching(url) as watcher:
        try:
            changes(watcher, postgresql.stop)
            until(lambda: "failing: " in str(watcher.stamp()))
        finally:
            postgresql.start()
        until(lambda: "failing: " not in str(watcher.stamp()))
        changes(watcher, lambda: add(url))


def test_a_notification_that_was_lost(postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(watch, "CHANNEL", "another")
    url = postgresql.database()
    add(url)
    with watching(url) as watcher:
        changes(watcher, lambda: add(url))


def test_no_thread_is_left(postgresql: Server) -> None:
    url = postgresql.database()
    add(url)
    before = threading.active_count()
    with watching(url):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    with watching(str(read_url("sqlite+aiosqlite:////nowhere/state.db"))) as watcher:
        assert watcher.stamp() == "gone"
