"""Charts: well-formed, escaped, with a title and a description, without styles."""

from __future__ import annotations

from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from policy.calendar import Calendar
from policy.types import Period, Profile
from portal.charts import Bar, Stretch, bars, week_grid
from portal.timetables import clock_of, days_of, week_of
from tests.portal.visitors import SATURDAY

LONDON = ZoneInfo("Europe/London")
SVG = "{http://www.w3.org/2000/svg}"
printable = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=40)


@given(printable, st.lists(st.tuples(printable, st.floats(-10, 1e9)), max_size=50))
def test_bars_are_well_formed_whatever_they_are_called(
    title: str, rows: list[tuple[str, float]]
) -> None:
    picture = bars("b", title, "text", [Bar(label, value) for label, value in rows])
    root = ElementTree.fromstring(picture)
    assert root.attrib["aria-labelledby"] == "b-title b-description"
    found = root.find(f"{SVG}title")
    assert found is not None and (found.text or "") == title
    assert all("style" not in element.attrib for element in root.iter())
    assert all(float(r.attrib["width"]) >= 0 for r in root.iter(f"{SVG}rect"))


@given(
    printable, st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1440), st.integers(0, 1440)))
)
def test_weeks_are_well_formed(label: str, given_rows: list[tuple[int, int, int]]) -> None:
    stretches = [Stretch(row, start, end, label) for row, start, end in given_rows]
    picture = week_grid("w", "t", "d", [label] * 7, stretches, (6, 1440))
    root = ElementTree.fromstring(picture)
    drawn = [s for s in stretches if s.row < 7 and s.end > s.start]
    assert len(list(root.iter(f"{SVG}rect"))) == len(drawn)


def test_a_week_follows_the_calendar_and_midnight() -> None:
    lunch = Period("lunch", frozenset({0, 5}), 660, 780, {})
    night = Period("night", frozenset({4}), 22 * 60, 60, {})
    term = Period("class", frozenset(range(7)), 540, 600, {}, "term")
    profile = Profile("p", "P", "nxdomain", True, "off", {}, (lunch, night, term))
    week = week_of(profile, Calendar(), SATURDAY, LONDON)
    told = [(h.period.name, clock_of(h.start), clock_of(h.end), h.is_now) for h in week.today]
    assert told == [("night", "00:00", "01:00", False), ("lunch", "11:00", "13:00", True)]
    root = ElementTree.fromstring(week.chart)
    assert len(list(root.iter(f"{SVG}rect"))) == 4, "lunch twice, Friday's night in two parts"
    assert days_of(lunch) == "Monday, Saturday"
    assert days_of(Period("x", frozenset(range(5)), 0, 1, {})) == "Monday to Friday"
