"""One small list for each format, and what must come of it; see golden/README.md."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Final

import pytest

from blocklists import formats
from blocklists.entries import Entry, Reject
from blocklists.suffixes import SuffixGuard

GOLDEN: Final = Path(__file__).parent / "golden"
GUARD: Final = SuffixGuard()
LISTS: Final = sorted(path.stem for path in GOLDEN.glob("*.txt")) + ["ut1"]


def format_of(name: str) -> str:
    """``csv-semicolon`` is a list of the format ``csv``."""
    return name.partition("-")[0]


def list_octets(name: str) -> bytes:
    """The list itself, decompressed."""
    return packed(GOLDEN / name) if name == "ut1" else (GOLDEN / f"{name}.txt").read_bytes()


def packed(folder: Path) -> bytes:
    """A tar archive of a folder's files, the same octets on every machine."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = path.stat().st_size
            archive.addfile(member, io.BytesIO(path.read_bytes()))
    return file.getvalue()


def written(item: Entry | Reject) -> str:
    """One line of an expected file."""
    if isinstance(item, Reject):
        columns = ["reject", item.text, item.reason]
    elif reason := GUARD.fault(item.name, item.scope):
        columns = ["quarantine", item.name, reason]
    else:
        what = f"{'allow' if item.allow else 'block'} {item.scope}"
        columns = [what, item.name, *([item.label] if item.label else [])]
    return "\t".join([str(item.line), *columns]) + "\n"


@pytest.mark.parametrize("name", LISTS)
def test_golden(name: str, updates_golden: bool) -> None:
    octets = list_octets(name)
    found = "".join(written(item) for item in formats.read(io.BytesIO(octets), format_of(name)))
    expected = GOLDEN / f"{name}.expected"
    if updates_golden:
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LISTS)
def test_golden_lists_are_told_apart_by_content(name: str) -> None:
    assert formats.detect(list_octets(name)[: formats.HEAD_OCTETS]) == format_of(name)


def test_every_format_has_a_golden_list() -> None:
    assert {format_of(name) for name in LISTS} == set(formats.names())
