"""Times as people type them, on the organisation's clock, summer time included."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lychgate.instants import InstantFault, read_day, read_instant, show_span, write_instant

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 3, 28, 9, 30, 15, 500_000, tzinfo=LONDON).timestamp()
"""The Saturday before clocks go forward, at 01:00 on 29 March."""


def read(text: str, now: float = NOW, *, whole_day: bool = False) -> str:
    return write_instant(read_instant(text, now, LONDON, "--until", whole_day=whole_day), LONDON)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("12:00", "2026-03-28T12:00:00+00:00"),
        ("9:05", "2026-03-28T09:05:00+00:00"),
        ("2026-03-30T12:00", "2026-03-30T12:00:00+01:00"),
        ("2026-03-30 12:00", "2026-03-30T12:00:00+01:00"),
        ("2026-03-30T12:00Z", "2026-03-30T13:00:00+01:00"),
        ("2026-03-30T12:00:00+02:00", "2026-03-30T11:00:00+01:00"),
        ("2026-03-30", "2026-03-30T00:00:00+01:00"),
        ("+2h", "2026-03-28T11:30:15+00:00"),
        ("+30m", "2026-03-28T10:00:15+00:00"),
        ("+24h", "2026-03-29T10:30:15+01:00"),
        ("+1d", "2026-03-29T09:30:15+01:00"),
        ("2026-03-29T01:30", "2026-03-29T02:30:00+01:00"),  # a time that summer time skips
        ("2026-10-25T01:30", "2026-10-25T01:30:00+01:00"),  # one that it repeats: the first
    ],
)
def test_times_are_read_on_the_local_clock(text: str, means: str) -> None:
    assert read(text) == means


def test_until_a_day_has_that_day_in_it() -> None:
    assert read("2026-03-29", whole_day=True) == "2026-03-30T00:00:00+01:00"
    assert read("2026-10-25", whole_day=True) == "2026-10-26T00:00:00+00:00"


def test_days() -> None:
    assert read_day("2026-03-30", NOW, LONDON, "--review") == date(2026, 3, 30)
    assert read_day("+7d", NOW, LONDON, "--review") == date(2026, 4, 4)
    just_before_midnight = datetime(2026, 6, 1, 23, 30, tzinfo=UTC).timestamp()
    assert read_day("+0d", just_before_midnight, LONDON, "--review") == date(2026, 6, 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "25:00",
        "12:60",
        "12",
        "+h",
        "+2w",
        "-2h",
        "2026-13-01",
        "9999-12-31T23:59-12:00",
    ],
)
def test_what_is_no_time_is_told_with_what_is(text: str) -> None:
    with pytest.raises(InstantFault, match=r"^--until: .* is not a time; use 12:00 for today"):
        read(text)
    with pytest.raises(InstantFault, match=r"^--review: .* is not a date; use 2026-03-03"):
        read_day(text, NOW, LONDON, "--review")


def test_a_span_of_one_day_names_it_once() -> None:
    hour = 3600
    assert show_span(NOW, NOW + 2 * hour, LONDON) == ("2026-03-28 09:30", "11:30")
    late = show_span(NOW, NOW + 24 * hour, LONDON)
    assert late == ("2026-03-28 09:30", "2026-03-29 10:30")
    assert show_span(-math.inf, NOW, LONDON) == ("", "2026-03-28 09:30")


@given(st.text(max_size=20))
def test_no_text_breaks_it(text: str) -> None:
    for reader in (read_instant, read_day):
        try:
            reader(text, NOW, LONDON, "--until")
        except InstantFault as fault:
            assert str(fault).startswith("--until: ")
