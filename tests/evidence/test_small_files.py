"""Small files that say how something stands: whole or not at all, never too much."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from evidence.small_files import read_small, write_small


class Said(msgspec.Struct):
    """Something that is written."""

    text: str


def test_what_is_written_is_read_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "said.json"
    for text in ("one", "another"):
        write_small(path, Said(text))
        assert read_small(path, Said, 100) == Said(text)
    assert path.stat().st_mode & 0o007 == 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("octets", [b"", b'{"text": 1}', b"\xff", b'{"text": "' + b"x" * 100])
def test_what_is_damaged_or_too_large_is_nothing(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "said.json"
    path.write_bytes(octets)
    assert read_small(path, Said, 100) is None
    assert read_small(tmp_path / "none.json", Said, 100) is None
    write_small(path, Said("x" * 100))
    assert read_small(path, Said, 111) == Said("x" * 100)
    assert read_small(path, Said, 110) is None
