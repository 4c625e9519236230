"""Archives in a folder: what the log of events becomes, night after night, and what is told."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lychgate.archiving.packing import pack
from lychgate.archiving.restoring import restore
from lychgate.archiving.rotation import Keep, name_of
from lychgate.archiving.tidying import DAY_SECONDS, tidy
from lychgate.archiving.unpacking import peek
from lychgate.cli import app
from lychgate.config import Configuration, load
from lychgate.office import Office
from tests.lychgate.archiving.place import AT, installation
from tests.lychgate.archiving.place import name_of as organisation_of

KEEP = Keep(7, 4, 12)
TELEMETRY = "state/telemetry.db"


@pytest.fixture
def place(tmp_path: Path) -> Configuration:
    return installation(tmp_path / "here")


def members(archive: Path) -> set[str]:
    return {member.name for member in peek(archive).members}


def test_a_year_of_nights_keeps_decisions_and_a_week_of_events(
    place: Configuration, tmp_path: Path
) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    began = AT
    for night in (0, 30, 200, 358, 362, 364, 365):
        pack(place, folder / name_of(began + night * DAY_SECONDS), at=began + night * DAY_SECONDS)
    at = began + 365 * DAY_SECONDS
    whole = members(folder / name_of(at))
    assert TELEMETRY in whole
    keep = Keep(4, 0, 3)
    said = list(tidy(folder, keep, 7, at=at))
    assert all(well for _, well in said) and said
    ages = {
        path: (at - peek(path).made_at) / DAY_SECONDS
        for path in folder.iterdir()
        if path.name.endswith(".tar.gz")
    }
    assert {round(age) for age in ages.values()} == {0, 1, 3, 7, 165, 335}  # the rotation
    for path, age in ages.items():
        assert members(path) == (whole if age < 7 else whole - {TELEMETRY}), age
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        # No page of the database is left in it either: what it says is all there is.
        assert peek(path).telemetry == (age < 7)
    assert [path for path in folder.iterdir() if not path.name.endswith(".gz")] == []
    assert not list(tidy(folder, keep, 7, at=at))  # again: nothing to do


def test_what_was_made_smaller_is_good_to_go_back_to(place: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    archive = folder / name_of(AT)
    pack(place, archive, at=AT)
    list(tidy(folder, KEEP, 7, at=AT + 8 * DAY_SECONDS))
    restore(archive, tmp_path / "there" / "lychgate.toml", at=AT)
    there = load(tmp_path / "there" / "lychgate.toml")
    assert organisation_of(there) == "Northshire Skills" and Office(there).check() == ()
    assert there.telemetry_file is not None and not there.telemetry_file.exists()
    key = there.state_directory / "keys" / "pseudonyms.key"
    assert key.read_bytes() == b"secret" * 10


def test_put_back_over_a_running_log_the_log_stays(place: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    pack(place, folder / name_of(AT), at=AT)
    list(tidy(folder, KEEP, 7, at=AT + 8 * DAY_SECONDS))
    assert place.file is not None and place.telemetry_file is not None
    restore(folder / name_of(AT), place.file, at=AT, force=True)
    with closing(sqlite3.connect(place.telemetry_file)) as events:
        assert events.execute("SELECT name FROM events").fetchall() == [("bet365.com",)]


def test_a_damaged_one_is_told_and_left(place: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    good, bad = (folder / name_of(AT + day * DAY_SECONDS) for day in (0, 1))
    pack(place, good, at=AT)
    pack(place, bad, at=AT + DAY_SECONDS)
    octets = bytearray(bad.read_bytes())
    octets[len(octets) // 2 :] = bytes(len(octets) - len(octets) // 2)
    bad.write_bytes(octets)
    said = list(tidy(folder, KEEP, 7, at=AT + 30 * DAY_SECONDS))
    ((problem, _),) = [one for one in said if not one[1]]
    assert bad.name in problem and "remove it" in problem
    assert bad.read_bytes() == octets and TELEMETRY not in members(good)
    assert {path.name for path in folder.iterdir()} == {good.name, bad.name}


def test_a_database_that_was_moved_aside_is_in_no_archive(
    place: Configuration, tmp_path: Path
) -> None:
    assert place.telemetry_file is not None
    aside = place.telemetry_file.with_name("telemetry.db.damaged-20261129T010203")
    aside.write_bytes(b"events that nobody prunes")
    for telemetry in (True, False):
        to = tmp_path / f"{telemetry}.tar.gz"
        pack(place, to, at=AT, telemetry=telemetry)
        assert not [name for name in members(to) if "damaged" in name]


def test_the_command_does_it_in_its_folder(place: Configuration) -> None:
    folder = place.state_directory / "backups"
    folder.mkdir()
    at = time.time() - 40 * DAY_SECONDS
    old = folder / name_of(at)
    pack(place, old, at=at)
    assert TELEMETRY in members(old)
    done = CliRunner().invoke(app, ["backup", "--config", str(place.file)])
    assert done.exit_code == 0, done.output
    assert "without the log of events now, after 7 days" in done.output
    assert TELEMETRY not in members(old)
    (new,) = [path for path in folder.iterdir() if path != old]
    assert TELEMETRY in members(new)


def test_one_that_root_made_belongs_to_the_services(place: Configuration) -> None:
    """Or the timer, under an account of its own, could neither add to the folder nor read it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    state = place.state_directory
    os.chown(state, 61184, 61184)
    done = CliRunner().invoke(app, ["backup", "--config", str(place.file)])
    assert done.exit_code == 0, done.output
    folder = state / "backups"
    (archive,) = folder.iterdir()
    for path, mode in ((folder, 0o700), (archive, 0o600)):
        assert (path.stat().st_uid, path.stat().st_gid) == (61184, 61184)
        assert stat.S_IMODE(path.stat().st_mode) == mode
