"""Archives: made while somebody writes, opened and tried, put back whole or not at all."""

from __future__ import annotations

import shutil
import stat
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lychgate.archiving import ArchiveFault, packing, restoring
from lychgate.archiving.manifest import Manifest
from lychgate.archiving.packing import pack
from lychgate.archiving.restoring import restore
from lychgate.config import Configuration, load
from lychgate.office import Office
from policy.store import StoreFault
from tests.lychgate.archiving.place import AT, installation, name_of, rename
from tests.policy.store.postgresql import Server

EVERYTHING = {
    "config/lychgate.toml",
    "state/state.db",
    "state/keys/pseudonyms.key",
    "state/lists.toml",
    "state/telemetry.db",
}


@pytest.fixture
def place(tmp_path: Path) -> Configuration:
    return installation(tmp_path / "here")


def names(made: Manifest) -> set[str]:
    return {member.name for member in made.members}


def test_an_archive_has_everything_that_cannot_be_made_anew(
    place: Configuration, tmp_path: Path
) -> None:
    to = tmp_path / "a.tar.gz"
    made, warnings = pack(place, to, at=AT)
    assert names(made) == EVERYTHING and not warnings
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name != "here"] == ["a.tar.gz"]
    with tarfile.open(to) as tar:
        assert tar.getnames()[0] == "manifest.json"
    less, _ = pack(place, tmp_path / "b.tar.gz", at=AT, telemetry=False, lists=True)
    assert names(less) == EVERYTHING - {"state/telemetry.db"} | {"state/lists/ut1/sheet.txt"}
    with pytest.raises(ArchiveFault, match="there is a file already"):
        pack(place, to, at=AT)


def test_it_comes_back_on_a_new_machine(place: Configuration, tmp_path: Path) -> None:
    to = tmp_path / "a.tar.gz"
    pack(place, to, at=AT)
    done = restore(to, tmp_path / "there" / "lychgate.toml", at=AT)
    there = load(tmp_path / "there" / "lychgate.toml")
    assert name_of(there) == "Northshire Skills"
    assert done.aside is None and not done.warnings
    key = there.state_directory / "keys" / "pseudonyms.key"
    assert key.read_bytes() == b"secret" * 10 and stat.S_IMODE(key.stat().st_mode) & 0o007 == 0
    assert not (there.state_directory / "passwd").exists()
    rename(there, "Elsewhere")  # and it goes on
    assert name_of(there) == "Elsewhere" and name_of(place) == "Northshire Skills"


def test_in_a_folder_of_a_group_all_of_the_group_go_on_with_it(
    place: Configuration, tmp_path: Path
) -> None:
    """Resolver, recorder and portal have accounts of their own; keys stay with their owner."""
    to = tmp_path / "a.tar.gz"
    pack(place, to, at=AT)
    state = tmp_path / "there" / place.state_directory.name
    state.mkdir(parents=True)
    state.chmod(0o2770)
    restore(to, tmp_path / "there" / "lychgate.toml", at=AT)
    there = load(tmp_path / "there" / "lychgate.toml")
    assert there.state_directory == state
    for file in (there.store_file, there.telemetry_file):
        assert file is not None and stat.S_IMODE(file.stat().st_mode) == 0o660
    assert stat.S_IMODE((state / "keys").stat().st_mode) == 0o2770
    assert stat.S_IMODE((state / "keys" / "pseudonyms.key").stat().st_mode) & 0o027 == 0


def test_an_archive_is_whole_while_somebody_decides(place: Configuration, tmp_path: Path) -> None:
    stop = threading.Event()
    decided = 0

    def decide() -> None:
        nonlocal decided
        while not stop.is_set():
            rename(place, f"Name {decided}")
            decided += 1

    writer = threading.Thread(target=decide)
    writer.start()
    try:
        for number in range(3):
            _, warnings = pack(place, tmp_path / f"{number}.tar.gz", at=AT)
            assert not warnings  # the chain of the audit log was followed in each
    finally:
        stop.set()
        writer.join()
    assert decided > 1
    restore(tmp_path / "2.tar.gz", tmp_path / "there" / "lychgate.toml", at=AT)
    assert Office(load(tmp_path / "there" / "lychgate.toml")).check() == ()


def test_nothing_is_overwritten_without_being_asked(place: Configuration, tmp_path: Path) -> None:
    to = tmp_path / "a.tar.gz"
    pack(place, to, at=AT)
    rename(place, "Later")
    assert place.file is not None
    with pytest.raises(ArchiveFault, match="there already; --force moves it aside"):
        restore(to, place.file, at=AT)
    assert name_of(place) == "Later"
    done = restore(to, place.file, at=AT, dry_run=True)
    assert name_of(place) == "Later" and len(done.placed) == len(EVERYTHING)
    done = restore(to, place.file, at=AT, force=True)
    assert name_of(place) == "Northshire Skills"
    assert done.aside is not None and stat.S_IMODE(done.aside.stat().st_mode) == 0o700
    kept = tmp_path / "kept"
    kept.mkdir()
    shutil.copytree(done.aside / "state", kept / "var")
    (kept / "lychgate.toml").write_text("")
    assert name_of(load(kept / "lychgate.toml")) == "Later"


def test_a_fault_in_the_middle_leaves_everything_as_it_was(
    place: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "a.tar.gz"
    pack(place, to, at=AT)
    rename(place, "Later")
    before = contents(place.state_directory)
    handed = 0

    def fail(file: Path) -> None:
        nonlocal handed
        handed += 1
        if handed == 4:
            raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(restoring, "_hand_over", fail)
    assert place.file is not None
    with pytest.raises(ArchiveFault, match="No space left on device; everything is as it was"):
        restore(to, place.file, at=AT, force=True)
    assert name_of(place) == "Later"
    after = contents(place.state_directory)
    assert {k: v for k, v in after.items() if not k.startswith("aside-")} == before


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".db", ".part") and "-" not in path.suffix
    }


def test_one_that_cannot_be_opened_is_no_archive(
    place: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, packed, and found to be useless: it is not there, and says so."""
    real = packing.copy_sqlite

    def damage(file: Path, to: Path) -> None:
        real(file, to)
        if to.name == "state.db":
            octets = bytearray(to.read_bytes())
            octets[8192:20480] = bytes(12288)
            to.write_bytes(octets)

    monkeypatch.setattr(packing, "copy_sqlite", damage)
    with pytest.raises(ArchiveFault, match="cannot be opened"):
        pack(place, tmp_path / "a.tar.gz", at=AT)
    assert not list(tmp_path.glob("*.gz*"))


def test_a_damaged_store_is_told_and_not_packed(place: Configuration, tmp_path: Path) -> None:
    store = place.store_file
    assert store is not None
    octets = bytearray(store.read_bytes())
    octets[4096:40960] = bytes(36864)
    store.write_bytes(octets)
    with pytest.raises((ArchiveFault, StoreFault), match="damaged"):
        pack(place, tmp_path / "a.tar.gz", at=AT)
    assert not list(tmp_path.glob("*.gz*"))


def test_a_full_disk_is_told_before_anything_is_copied(
    place: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 1000

    monkeypatch.setattr(packing.shutil, "disk_usage", lambda _: Full)
    with pytest.raises(ArchiveFault, match="make room"):
        pack(place, tmp_path / "a.tar.gz", at=AT)
    assert not list(tmp_path.glob("*.gz*"))


@pytest.fixture
def postgresql_place(tmp_path: Path, postgresql: Server) -> Iterator[Configuration]:
    file = tmp_path / "here" / "lychgate.toml"
    file.parent.mkdir()
    file.write_text(f'upstream.servers = ["192.0.2.1"]\nstore.url = "{postgresql.database()}"\n')
    configuration = load(file)
    Office(configuration).create()
    rename(configuration, "Northshire Skills")
    yield configuration


def test_postgresql_goes_by_its_own_programs(
    postgresql_place: Configuration, tmp_path: Path
) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not in PATH; apt-get install postgresql-client")
    place = postgresql_place
    to = tmp_path / "a.tar.gz"
    made, _ = pack(place, to, at=AT)
    assert names(made) == {"config/lychgate.toml", "state/state.pgdump"}
    rename(place, "Later")
    assert place.file is not None
    with pytest.raises(ArchiveFault, match="--force moves it aside"):
        restore(to, place.file, at=AT)
    assert name_of(place) == "Later"
    done = restore(to, place.file, at=time.time(), force=True)
    assert name_of(place) == "Northshire Skills"
    assert done.aside is not None and (done.aside / "state.pgdump").exists()
    rename(place, "And on")
    assert name_of(place) == "And on"
