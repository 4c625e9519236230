"""A change of version: an archive first, tried before it counts, and a way back without loss."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lychgate.archiving import migrating
from lychgate.archiving.migrating import BACKUPS, NOTE, MigrationFault, migrate, settle, undo
from lychgate.archiving.restoring import restore
from lychgate.archiving.unpacking import peek
from lychgate.cli import app
from lychgate.config import Configuration, load
from lychgate.office import Office
from policy.store import StoreFault
from policy.store.migrating import current, downgrade
from policy.store.migrations import HEAD, VERSIONS
from resolver.setup import SnapshotFault
from tests.lychgate.archiving.place import AT, installation, name_of, rename
from tests.policy.store.postgresql import Server

BEFORE = VERSIONS[-2]


@pytest.fixture
def older(tmp_path: Path) -> Configuration:
    """An installation of the version before."""
    place = installation(tmp_path / "here")
    asyncio.run(downgrade(place.store_url, BEFORE))
    return place


def version(place: Configuration) -> str | None:
    return asyncio.run(current(place.store_url))


def archives(place: Configuration) -> list[Path]:
    return sorted((place.state_directory / BACKUPS).glob("before-*.tar.gz"))


def test_a_migration_is_archived_tried_and_noted(older: Configuration) -> None:
    done = migrate(older, at=AT)
    assert done is not None and (done.before, done.after) == (BEFORE, HEAD)
    assert version(older) == HEAD and name_of(older) == "Northshire Skills"
    assert done.archive in archives(older) and done.archive is not None
    assert peek(done.archive).store_version == BEFORE
    assert (older.state_directory / NOTE).exists()
    assert migrate(older, at=AT) is None


def test_an_older_archive_is_brought_to_this_version_on_the_way(older: Configuration) -> None:
    done = migrate(older, at=AT)
    assert done is not None and done.archive is not None and older.file is not None
    rename(older, "Later")
    restore(done.archive, older.file, at=AT, force=True)
    assert version(older) == HEAD and name_of(older) == "Northshire Skills"
    assert Office(older).check() == ()


def test_where_there_is_nothing_nothing_is_done(tmp_path: Path) -> None:
    file = tmp_path / "lychgate.toml"
    file.write_text("")
    assert migrate(load(file), at=AT) is None
    assert [path.name for path in tmp_path.iterdir()] == ["lychgate.toml"]


@pytest.mark.parametrize(
    "fault",
    [
        SnapshotFault(["profiles.learners: cannot be used"]),
        MigrationFault("the store is not up"),
        StoreFault("other", "state.db", "odd", "none"),
        KeyboardInterrupt(),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_cannot_be_used_is_undone(older: Configuration, fault: BaseException) -> None:
    """Octet for octet as it was, though the migration itself had been committed."""
    before = dump(older)

    def verify(configuration: Configuration) -> None:
        assert version(configuration) == HEAD
        raise fault

    with pytest.raises(
        MigrationFault if isinstance(fault, Exception) else KeyboardInterrupt
    ) as why:
        migrate(older, at=AT, verify=verify)
    assert version(older) == BEFORE and dump(older) == before
    assert not (older.state_directory / NOTE).exists() and archives(older)
    if isinstance(fault, Exception):
        assert f"it is of version {BEFORE} again, as it was" in str(why.value)


def dump(place: Configuration) -> list[str]:
    with closing(sqlite3.connect(str(place.store_file))) as connection:
        return list(connection.iterdump())


def test_the_real_verification_finds_a_policy_that_cannot_be_served(
    older: Configuration,
) -> None:
    with closing(sqlite3.connect(str(older.store_file))) as connection:
        connection.execute("UPDATE profiles SET body = json_set(body, '$.answer', 'nonsense')")
        connection.commit()
    with pytest.raises(MigrationFault, match="nonsense"):
        migrate(older, at=AT)
    assert version(older) == BEFORE


def test_a_newer_store_is_refused_with_the_reason(older: Configuration) -> None:
    with closing(sqlite3.connect(str(older.store_file))) as connection:
        connection.execute("UPDATE lychgate_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(MigrationFault, match="would lose what it does not know"):
        migrate(older, at=AT)
    assert version(older) == "9999"


def test_ready_in_time_and_the_way_back_is_forgotten(older: Configuration) -> None:
    migrate(older, at=AT)
    answers = iter(["not yet", ""])
    assert settle(older, lambda: next(answers), within_seconds=5) == ""
    assert version(older) == HEAD and not (older.state_directory / NOTE).exists()
    assert len(archives(older)) == 1 and not list((older.state_directory / BACKUPS).glob("*.store"))


def test_not_ready_in_time_and_the_store_is_as_it_was(older: Configuration) -> None:
    before = dump(older)
    migrate(older, at=AT)
    said = settle(older, lambda: "the resolver does not answer", within_seconds=0.3)
    assert (
        said == f"the resolver does not answer; the store is of version {BEFORE} again, as it was"
    )
    assert dump(older) == before
    assert settle(older, lambda: "still not", within_seconds=0.1) == "still not"  # nothing to undo


def test_a_decision_is_never_lost_silently(older: Configuration) -> None:
    migrate(older, at=AT)
    rename(older, "Decided since")
    with pytest.raises(MigrationFault, match="1 changes were made since"):
        undo(older)
    with pytest.raises(MigrationFault, match="would lose them"):
        settle(older, lambda: "not ready", within_seconds=0.1)
    assert name_of(older) == "Decided since"
    undo(older, force=True)
    assert version(older) == BEFORE
    with pytest.raises(MigrationFault, match="no migration that could be undone"):
        undo(older)


def test_a_note_that_was_tampered_with_leads_nowhere(older: Configuration) -> None:
    migrate(older, at=AT)
    note = older.state_directory / NOTE
    note.write_text(note.read_text().replace('"copy":"before', '"copy":"../before'))
    with pytest.raises(MigrationFault, match="no migration"):
        undo(older)


def test_the_command_and_store_upgrade_are_the_same_safe_way(older: Configuration) -> None:
    option = ["--config", str(older.file)]
    done = CliRunner().invoke(app, ["store", "upgrade", *option])
    assert done.exit_code == 0, done.output
    assert version(older) == HEAD and archives(older)
    # No resolver runs here: it does not become ready, and the store goes back.
    late = CliRunner().invoke(app, ["migrate", "--ready-within", "1", *option])
    assert late.exit_code == 1 and "as it was" in late.output and version(older) == BEFORE
    again = CliRunner().invoke(app, ["migrate", *option])
    assert again.exit_code == 0 and f"of version {HEAD} now, {BEFORE} before" in again.output
    back = CliRunner().invoke(app, ["migrate", "--undo", *option])
    assert back.exit_code == 0 and version(older) == BEFORE


@pytest.fixture
def postgresql_place(tmp_path: Path, postgresql: Server) -> Iterator[Configuration]:
    file = tmp_path / "lychgate.toml"
    file.write_text(f'upstream.servers = ["192.0.2.1"]\nstore.url = "{postgresql.database()}"\n')
    place = load(file)
    Office(place).create()
    rename(place, "Northshire Skills")
    asyncio.run(downgrade(place.store_url, BEFORE))
    yield place


def test_postgresql_goes_back_as_well(postgresql_place: Configuration) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not in PATH; apt-get install postgresql-client")

    def verify(configuration: Configuration) -> None:
        raise MigrationFault("it cannot be used")

    with pytest.raises(MigrationFault, match="as it was"):
        migrate(postgresql_place, at=AT, verify=verify)
    assert version(postgresql_place) == BEFORE
    assert migrate(postgresql_place, at=AT + 1) is not None
    assert name_of(postgresql_place) == "Northshire Skills"
    undo(postgresql_place)
    assert version(postgresql_place) == BEFORE
    assert migrating.read_note(postgresql_place) is None
