"""Files replaced in one step: whole, with their mode, or as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocklists.writing import KeepFault, replacing, write_whole


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "one\n")
    assert path.stat().st_mode & 0o777 == 0o644, "status is read by other users"
    path.chmod(0o600)
    with replacing(path) as file:
        file.write("two\n")
        assert path.read_text() == "one\n"
    assert path.read_text() == "two\n" and path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_breaks_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "one\n")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write("half")
        raise KeyboardInterrupt
    assert path.read_text() == "one\n" and list(tmp_path.iterdir()) == [path]


def test_a_place_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeepFault, match=r"nowhere/file: No such file.*a writable place is needed"):
        write_whole(tmp_path / "nowhere" / "file", "")
