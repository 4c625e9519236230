"""The tar reader: what archives may do to a reader, and what this one lets them do."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.tarstream import (
    EXTENSION_OCTETS_MAX,
    MEMBERS_MAX,
    TarFault,
    looks_like_tar,
    members,
)


def header(path: str, size: int, kind: bytes = b"0") -> bytes:
    member = tarfile.TarInfo(path)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def content(octets: bytes) -> dict[str, bytes]:
    return {member.path: member.read(1 << 20) for member in members(io.BytesIO(octets))}


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_what_tarfile_writes(kind: int) -> None:
    files = {"a": b"", "b/c": b"x" * 512, f"{'d' * 90}/{'e' * 90}": b"y" * 700}
    if kind != tarfile.USTAR_FORMAT:
        files["é/" * 200] = b"long"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for path, octets in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mtime = len(octets), 1.5  # as TarFile.add does
            tar.addfile(member, io.BytesIO(octets))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        link = tarfile.TarInfo("link")
        link.type, link.linkname = (
            tarfile.LNKTYPE,
            "a" * (100 if kind == tarfile.USTAR_FORMAT else 300),
        )
        tar.addfile(link)
    assert content(out.getvalue()) == files
    assert looks_like_tar(out.getvalue()[:512])


def test_what_is_left_unread_of_a_member_is_passed_over() -> None:
    octets = header("a", 1000) + b"x" * 1024 + header("b", 3) + b"abc".ljust(512, b"\0")
    found = [(member.path, member.read(2)) for member in members(io.BytesIO(octets + bytes(1024)))]
    assert found == [("a", b"xx"), ("b", b"ab")]


def test_an_extended_header_may_not_be_of_any_size() -> None:
    for kind in (b"x", b"L"):
        with pytest.raises(TarFault, match=f"allowed are {EXTENSION_OCTETS_MAX}"):
            content(header("a", 1 << 30, kind))


def test_a_chain_of_extended_headers_is_a_row_of_members() -> None:
    """`tarfile` follows them by recursion."""
    with pytest.raises(TarFault, match=f"more than {MEMBERS_MAX} members"):
        content(header("a", 0, b"x") * (MEMBERS_MAX + 1))


def test_numbers_of_members_are_bounded() -> None:
    assert len(content(header("a", 0) * MEMBERS_MAX + bytes(1024))) == 1
    with pytest.raises(TarFault, match=f"more than {MEMBERS_MAX} members"):
        content(header("a", 0) * (MEMBERS_MAX + 1))


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "cut short"),
        (header("a", 10), "cut short"),
        (header("a", 10) + b"x" * 100, "cut short"),
        (header("a", 0), "cut short"),
        (b"bet365.com\n" * 100, "no header"),
        (header("a", 0)[:-1] + b"x", "no header"),
        (header("a", 1 << 40), "for a number"),
    ],
)
def test_damage_is_a_fault(octets: bytes, says: str) -> None:
    with pytest.raises(TarFault, match=says):
        for member in members(io.BytesIO(octets)):
            while member.read(64):
                pass


def test_a_member_without_end_is_read_in_small_pieces() -> None:
    class Endless:
        largest = 0
        given = header("a", 1 << 32)

        def read(self, size: int, /) -> bytes:
            self.largest = max(self.largest, size)
            octets, self.given = self.given[:size], b""
            return octets or b"x" * size

    source = Endless()
    member = next(members(source))
    assert sum(len(member.read(4096)) for _ in range(1000)) == 4_096_000
    assert source.largest == 4096


@given(st.binary(max_size=2000), st.integers(0, 511), st.binary(min_size=1, max_size=20))
def test_no_octets_raise_anything_else(tail: bytes, place: int, change: bytes) -> None:
    octets = bytearray(header("a/domains", 5) + tail)
    octets[place : place + len(change)] = change
    for given_octets in (bytes(octets), tail):
        try:
            content(given_octets)
        except TarFault as fault:
            assert "whole" in str(fault) or "allowed" in str(fault)
