"""The spool: what is written is read again, in order; what is damaged hurts nobody."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.spool import (
    DAMAGED_MAX,
    SpoolFault,
    SpoolWriter,
    Traffic,
    backlog,
    read_batch,
    set_aside,
    sweep,
    waiting,
)
from tests.evidence.happenings import detail


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    one, other = SpoolWriter(tmp_path / "spool"), SpoolWriter(tmp_path / "spool")
    for number, writer in enumerate([one, other, one, other]):
        traffic = [(Traffic(number, "crewe", "learners", "bbc.co.uk"), 3)]
        assert writer.write(100.0 + number, [detail(100.0 + number)], [], traffic, lost=number)
    read = [read_batch(path) for path in waiting(tmp_path / "spool", 10)]
    assert [batch.lost for batch in read] == [0, 1, 2, 3]
    assert read[2].details == [detail(102.0)]
    assert read[3].traffic == [(Traffic(3, "crewe", "learners", "bbc.co.uk"), 3)]
    assert len({batch.id for batch in read}) == 4
    assert len(waiting(tmp_path / "spool", 2)) == 2


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    SpoolWriter(tmp_path / "spool").write(1.0, [detail(1.0)], [], [])
    (path,) = waiting(tmp_path / "spool", 1)
    assert path.stat().st_mode & 0o007 == 0
    assert path.parent.stat().st_mode & 0o007 == 0


def test_a_full_spool_takes_no_more_and_what_is_in_it_stays(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, octets_max=2_000)
    taken = [writer.write(float(n), [detail(float(n))], [], []) for n in range(50)]
    assert taken[0] and not taken[-1]
    assert backlog(tmp_path).octets <= 2_000
    assert read_batch(waiting(tmp_path, 1)[0]).details == [detail(0.0)]
    for path in waiting(tmp_path, 100):
        path.unlink()
    assert writer.write(60.0, [detail(60.0)], [], [])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert waiting(tmp_path / "no", 5) == []
    assert backlog(tmp_path / "no").batches == 0
    assert sweep(tmp_path / "no", 0.0) == 0


def test_what_a_dead_writer_left_is_swept(tmp_path: Path) -> None:
    half = tmp_path / "1-2-3.part"
    half.write_bytes(b"half")
    os.utime(half, (100, 100))
    fresh = tmp_path / "2-2-3.part"
    fresh.write_bytes(b"half")
    assert sweep(tmp_path, 200.0) == 1
    assert fresh.exists() and not half.exists()


@given(octets=st.binary(max_size=200))
def test_no_octets_raise_anything_but_a_fault(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes
) -> None:
    path = tmp_path_factory.mktemp("spool") / "1.batch"
    path.write_bytes(octets)
    with pytest.raises(SpoolFault):
        read_batch(path)


@given(place=st.integers(0, 10_000), octet=st.integers(0, 255))
def test_a_batch_that_was_damaged_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, octet: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    SpoolWriter(folder).write(1.0, [detail(1.0)], [], [])
    (path,) = waiting(folder, 1)
    octets = bytearray(path.read_bytes())
    octets[place % len(octets)] = octet
    path.write_bytes(octets)
    with suppress(SpoolFault):
        assert isinstance(read_batch(path).details, list)


def test_of_many_damaged_files_some_are_kept(tmp_path: Path) -> None:
    for number in range(DAMAGED_MAX + 5):
        path = tmp_path / f"{number:03}.batch"
        path.write_bytes(b"x")
        set_aside(path)
    assert waiting(tmp_path, 100) == []
    assert len(list((tmp_path / "damaged").iterdir())) == DAMAGED_MAX
