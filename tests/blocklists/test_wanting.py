"""Asking for a refresh: once at a time, not again at once, whatever the file holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocklists.wanting import (
    OCTETS_MAX,
    PAUSE_SECONDS,
    TAKEN,
    WANTED,
    Wish,
    take_up,
    want,
    wanted,
)
from blocklists.writing import KeepFault

AT = 1_800_000_000.0


def test_one_wish_at_a_time(tmp_path: Path) -> None:
    root = tmp_path / "lists"
    assert wanted(root) is None and not take_up(root)
    want(root, "Ada", AT)
    assert wanted(root) == Wish("Ada", AT)
    with pytest.raises(KeepFault, match="Ada asked for it already"):
        want(root, "Tom", AT + 10)
    assert take_up(root) and not take_up(root) and wanted(root) is None
    with pytest.raises(KeepFault, match="again in 10 minutes"):
        want(root, "Tom", AT + 1)
    with pytest.raises(KeepFault, match="again in 1 minutes"):
        want(root, "Tom", AT + PAUSE_SECONDS - 1)
    want(root, "Tom", AT + PAUSE_SECONDS)
    assert wanted(root) == Wish("Tom", AT + PAUSE_SECONDS)


def test_a_clock_that_was_ahead_shuts_nobody_out(tmp_path: Path) -> None:
    want(tmp_path, "Ada", AT + 9e9)
    assert take_up(tmp_path)
    want(tmp_path, "Ada", AT)


@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b"{}", b"\xff" * OCTETS_MAX, b"[" * 9999])
def test_a_file_of_something_else_is_a_wish_of_nobody(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / WANTED).write_bytes(octets)
    assert wanted(tmp_path) == Wish("", 0.0)
    assert take_up(tmp_path) and (tmp_path / TAKEN).read_bytes() == octets
    want(tmp_path, "Ada", AT)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / TAKEN).mkdir()
    (tmp_path / TAKEN / "x").write_text("x")
    want(tmp_path, "Ada", AT)
    with pytest.raises(KeepFault, match=WANTED):
        take_up(tmp_path)
