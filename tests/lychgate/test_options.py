"""Where commands find their configuration, and whose the files are that they make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lychgate.commands import options


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "SYSTEM_FILE", tmp_path / "etc.toml")
    return tmp_path


def level(folder: Path) -> str:
    return options.load(None).log.level


def test_this_folder_goes_before_the_installation_and_that_before_the_defaults(
    folder: Path,
) -> None:
    assert level(folder) == "info"
    (folder / "etc.toml").write_text('log.level = "error"')
    assert level(folder) == "error"
    (folder / "lychgate.toml").write_text('log.level = "debug"')
    assert level(folder) == "debug"


def made(folder: Path) -> int:
    options.load(None)
    path = folder / "var" / "made"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
    return path.stat().st_mode & 0o777


def test_in_a_state_folder_of_a_group_files_are_the_groups(folder: Path) -> None:
    state = folder / "var"
    state.mkdir()
    assert made(folder) == 0o644, "a folder like any other: as the umask says"
    (state / "made").unlink()
    state.chmod(0o2770)
    assert made(folder) == 0o660
