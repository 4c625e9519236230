"""Which archives stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lychgate.archiving.rotation import (
    Keep,
    made_at,
    name_of,
    outlived,
    read_keep,
    superfluous,
)

BEGIN = datetime(2026, 1, 1, 2, tzinfo=UTC)


def daily(days: int) -> list[str]:
    return [name_of((BEGIN + timedelta(days=day)).timestamp()) for day in range(days)]


def test_two_years_of_nights() -> None:
    names = daily(730)
    left = sorted(set(names) - set(superfluous(names, Keep(7, 4, 12))))
    assert len(left) <= 7 + 4 + 12 and left[-7:] == names[-7:]
    months = {(at.year, at.month) for name in left if (at := made_at(name))}
    assert len(months) == 12
    # Removed night after night, the same stay.
    there: list[str] = []
    for name in names:
        there.append(name)
        for gone in superfluous(there, Keep(7, 4, 12)):
            there.remove(gone)
    # A week or month is kept by its newest archive so far: the rest are the same nights or earlier.
    assert len(there) <= 7 + 4 + 12 and there[-7:] == names[-7:]
    assert len({(at.year, at.month) for name in there if (at := made_at(name))}) == 12


@given(st.lists(st.integers(946_684_800, 4_102_444_800), max_size=40))
def test_the_newest_always_stays_and_others_files_too(times: list[int]) -> None:
    names = [name_of(at) for at in times]
    others = ["lychgate-notes.txt", "lychgate-20261399T000000Z.tar.gz", "before-0002.tar.gz"]
    gone = superfluous([*names, *others], Keep(0, 0, 0))
    assert not set(gone) & set(others)
    if names:
        assert max(names) not in gone and set(gone) == set(names) - {max(names)}


def test_archives_from_before_a_migration_go_after_a_year() -> None:
    at = datetime(2027, 6, 1, tzinfo=UTC).timestamp()
    old, young = (f"before-0003-to-0004-{day}T020000Z.tar.gz" for day in ("20260501", "20260701"))
    others = ["before-0003-to-0004-20200101T020000Z.store", "before-0002.tar.gz", *daily(3)]
    assert outlived([old, young, *others], at) == [old]


def test_what_is_no_number_of_archives_is_told() -> None:
    assert read_keep("14/8/24") == Keep(14, 8, 24)
    for text in ("", "7", "7/4", "a/b/c", "-1/4/12", "7/4/12/1"):
        with pytest.raises(ValueError, match="use DAILY/WEEKLY/MONTHLY"):
            read_keep(text)
