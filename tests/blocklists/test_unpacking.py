"""Compressed lists: read whole, or refused with a reason; never more than allowed."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from blocklists import unpacking
from blocklists.unpacking import UnpackFault, opened

LIST = b"".join(b"name%d.example\n" % number for number in range(20_000))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def unpack(path: Path, octets: bytes, octets_max: int = 10_000_000) -> bytes:
    path.write_bytes(octets)
    with opened(path, octets_max) as file:
        return file.read()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "raw"


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_the_first_octets_say_what_it_is(path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert unpack(path, pack(LIST)) == LIST
    assert unpack(path, pack(LIST) + pack(b"more")) == LIST + b"more"
    assert unpack(path, pack(b"")) == b""


@pytest.mark.parametrize("octets", [b"", b"a", b"\x1f", LIST])
def test_anything_else_is_given_as_it_is(path: Path, octets: bytes) -> None:
    assert unpack(path, octets) == octets


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_what_is_cut_short_or_damaged_is_refused(
    path: Path, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(LIST)
    damaged = bytearray(packed)
    damaged[len(packed) // 2] ^= 0xFF
    for octets in (packed[:-1], packed[: len(packed) // 2], bytes(damaged), packed + b"junk"):
        if octets.endswith(b"junk") and pack is bz2.compress:
            continue  # bzip2 itself passes over what follows
        with pytest.raises(UnpackFault, match=r"raw: compressed data: .*; a whole file is needed"):
            unpack(path, octets)


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()])
def test_content_is_bounded_to_the_octet(path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert unpack(path, pack(LIST), len(LIST)) == LIST
    with pytest.raises(UnpackFault, match=f"allowed are {len(LIST) - 1}$"):
        unpack(path, pack(LIST), len(LIST) - 1)


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_bomb_ends_at_the_bound(path: Path, pack: Callable[[bytes], bytes]) -> None:
    path.write_bytes(pack(bytes(20_000_000)))
    assert path.stat().st_size < 25_000
    octets = 0
    with opened(path, 1_000_000) as file, pytest.raises(UnpackFault):
        while piece := file.read(65_536):
            octets += len(piece)
    assert octets <= 1_000_000


def test_xz_may_not_ask_for_any_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "XZ_MEMORY_OCTETS_MAX", 1_000_000)
    with pytest.raises(UnpackFault, match="emory"):
        unpack(path, lzma.compress(LIST))


def test_padding_after_xz_is_passed_over(path: Path) -> None:
    assert unpack(path, lzma.compress(LIST) + bytes(8) + lzma.compress(b"x") + bytes(4)) == (
        LIST + b"x"
    )


def test_a_file_that_is_not_there_is_the_systems_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened(tmp_path / "absent", 1):
        pass
