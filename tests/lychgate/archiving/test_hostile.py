"""Archives from somebody who means harm, or that a disk has damaged: refused in a line, and nothing
is written outside the folder given."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lychgate.archiving import ArchiveFault, manifest
from lychgate.archiving.manifest import Manifest, Member
from lychgate.archiving.packing import pack
from lychgate.archiving.restoring import restore
from lychgate.archiving.unpacking import peek, unpack
from policy.store.migrations import HEAD
from tests.lychgate.archiving.place import AT, installation

OCTETS = b"enabled = []\n"
GOOD = Member("state/lists.toml", len(OCTETS), hashlib.sha256(OCTETS).hexdigest(), 0o600)


def made_of(*members: Member, **changes: Any) -> Manifest:
    plain = Manifest(manifest.FORMAT, "0.1", AT, "host", "", "", members)
    return msgspec.structs.replace(plain, **changes)


def write(to: Path, head: Any, *files: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(to, "w:gz") as tar:
        octets = head if isinstance(head, bytes) else msgspec.json.encode(head)
        info = tarfile.TarInfo("manifest.json")
        info.size = len(octets)
        tar.addfile(info, io.BytesIO(octets))
        for info, content in files:
            tar.addfile(info, io.BytesIO(content))
    return to


def plain(name: str = GOOD.name, content: bytes = OCTETS, **changes: Any) -> Any:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


def named(name: str) -> Member:
    return msgspec.structs.replace(GOOD, name=name)


def test_a_good_one_is_taken(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.gz", made_of(GOOD), plain())
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / GOOD.name).read_bytes() == OCTETS
    assert (tmp_path / "out" / GOOD.name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "state/../../evil",
        "/etc/passwd",
        "state//evil",
        "state/.hidden",
        "state/a\0b",
        "state/a\nb",
        "other/file",
        "state",
        "state/" + "a" * 300,
        "state/" + "a/" * 20 + "a",
    ],
)
def test_no_path_leads_out(tmp_path: Path, name: str) -> None:
    archive = write(tmp_path / "a.gz", made_of(named(name)), plain(name.replace("\0", "")))
    with pytest.raises(ArchiveFault, match="such a path is never taken"):
        unpack(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.gz", "out"] or list(
        (tmp_path / "out").iterdir()
    ) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([plain(type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0)], "no plain file"),
        ([plain(type=tarfile.LNKTYPE, linkname="/etc/passwd", size=0)], "no plain file"),
        ([plain(type=tarfile.FIFOTYPE, size=0)], "no plain file"),
        ([plain(type=tarfile.CHRTYPE, size=0)], "no plain file"),
        ([plain(type=tarfile.DIRTYPE, size=0)], "no plain file"),
        ([plain(), plain()], "not in its manifest, or is twice"),
        ([plain(), plain("state/more")], "not in its manifest"),
        ([plain("../evil")], "not in its manifest"),
        ([plain(content=OCTETS + b"x")], "another size"),
        ([plain(content=OCTETS[:-1] + b"x")], "is damaged"),
        ([], "is missing"),
    ],
)
def test_what_the_manifest_does_not_say_is_not_taken(
    tmp_path: Path, files: list[Any], says: str
) -> None:
    archive = write(tmp_path / "a.gz", made_of(GOOD), *files)
    with pytest.raises(ArchiveFault, match=says):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (made_of(GOOD, GOOD), "members twice"),
        (made_of(msgspec.structs.replace(GOOD, octets=10**15)), "octets; not taken"),
        (made_of(msgspec.structs.replace(GOOD, octets=-1)), "octets; not taken"),
        (made_of(format=manifest.FORMAT + 1), "in form 2, and this one reads up to 1; update"),
        (made_of(store_version="9999"), f"this one knows up to {HEAD}, and would lose"),
        (b"{}", "its manifest cannot be read"),
        (b"[" * 100_000, "its manifest cannot be read"),
        (b"\xff", "its manifest cannot be read"),
    ],
)
def test_a_manifest_that_lies_or_is_newer_is_refused(tmp_path: Path, head: Any, says: str) -> None:
    archive = write(tmp_path / "a.gz", head, plain())
    for look in (peek, lambda path: unpack(path, tmp_path / "out")):
        with pytest.raises(ArchiveFault, match=says):
            look(archive)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A gigabyte of zeros where 13 octets were promised."""
    archive = tmp_path / "a.gz"
    octets = msgspec.json.encode(made_of(GOOD))
    head = tarfile.TarInfo("manifest.json")
    head.size = len(octets)
    bomb = tarfile.TarInfo(GOOD.name)
    bomb.size = 1 << 30
    with gzip.open(archive, "wb", compresslevel=1) as out:
        out.write(head.tobuf() + octets + bytes(-len(octets) % 512) + bomb.tobuf())
        out.write(bytes(1 << 24))
    with pytest.raises(ArchiveFault, match="another size"):
        unpack(archive, tmp_path / "out")
    large = tmp_path / "b.gz"
    head.size = manifest.MANIFEST_OCTETS_MAX + 1
    with gzip.open(large, "wb", compresslevel=1) as out:
        out.write(head.tobuf() + bytes(1 << 20))
    with pytest.raises(ArchiveFault, match="a manifest of"):
        peek(large)


@given(st.binary(max_size=600))
def test_no_octets_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for content in (octets, gzip.compress(octets)):
        archive = folder / "a.gz"
        archive.write_bytes(content)
        with pytest.raises(ArchiveFault):
            peek(archive)


def test_an_archive_cut_or_changed_anywhere_is_refused(tmp_path: Path) -> None:
    place = installation(tmp_path / "here")
    whole = tmp_path / "a.tar.gz"
    pack(place, whole, at=AT)
    octets = whole.read_bytes()
    target = tmp_path / "there" / "lychgate.toml"

    def refused(changed: bytes) -> None:
        bad = tmp_path / "bad.tar.gz"
        bad.write_bytes(changed)
        with pytest.raises(ArchiveFault):
            restore(bad, target, at=AT)

    changes: list[Callable[[int], bytes]] = [
        lambda at: octets[:at],
        lambda at: octets[:at] + bytes((octets[at] ^ 0x10,)) + octets[at + 1 :],
    ]
    for at in range(20, len(octets) - 20, len(octets) // 12):
        for change in changes:
            refused(change(at))
    assert not target.exists()
