"""Terms and bank holidays: on which days a period begins."""

from __future__ import annotations

from datetime import date

import pytest

from policy.calendar import WHEN, Calendar, Term
from policy.holidays import DIVISIONS, bank_holidays, last_year

from .college import ask, instant, packed, policy

TERM = Term("Spring", date(2026, 1, 5), date(2026, 4, 2))
CALENDAR = Calendar([TERM], {date(2026, 1, 12), date(2026, 4, 3)})


@pytest.mark.parametrize(
    ("day", "fits"),
    [
        (date(2026, 1, 4), {"any", "holidays", "not-bank-holidays"}),  # the day before term
        (date(2026, 1, 5), {"any", "term", "not-bank-holidays"}),  # its first
        (date(2026, 4, 2), {"any", "term", "not-bank-holidays"}),  # its last
        (date(2026, 4, 3), {"any", "holidays", "bank-holidays"}),
        (date(2026, 1, 12), {"any", "holidays", "bank-holidays"}),  # a bank holiday in term
    ],
)
def test_each_day_is_of_its_kind(day: date, fits: set[str]) -> None:
    assert {when for when in WHEN if CALENDAR.fits(when, day)} == fits


def test_terms_are_found_in_any_order() -> None:
    calendar = Calendar([Term("B", date(2026, 9, 1), date(2026, 9, 30)), TERM])
    assert calendar.fits("term", date(2026, 2, 1)) and calendar.fits("term", date(2026, 9, 30))
    assert not calendar.fits("term", date(2026, 6, 1))


def test_bank_holidays_come_with_the_package() -> None:
    assert date(2026, 12, 25) in bank_holidays("england-and-wales")
    assert date(2026, 11, 30) in bank_holidays("scotland")  # St Andrew's Day, there only
    assert date(2026, 11, 30) not in bank_holidays("england-and-wales")
    assert min(last_year(division) for division in DIVISIONS) >= 2026
    with pytest.raises(ValueError, match="use one of england-and-wales"):
        bank_holidays("wales")


MORE = """
[[terms]]
name = "Spring"
from = 2026-01-05
to = 2026-04-02

[[profiles.learners.periods]]
name = "evening class"
days = ["thu"]
from = "22:00"
to = "01:00"
when = "term"
actions = { streaming = "allow" }
"""


def test_a_period_of_the_term_only() -> None:
    """It belongs to the day on which it begins: the last evening of term runs past midnight."""
    college = policy(MORE)
    learner = college.identify(packed("10.20.1.5"))
    at = {
        "2026-03-26 22:30": "exception",
        "2026-04-02 21:59": "before",
        "2026-04-02 22:00": "open",
        "2026-04-03 00:59": "open",  # Good Friday, and no term: but begun on Thursday
        "2026-04-03 01:00": "after",
        "2026-04-09 22:30": "holidays",
    }
    found = [ask(college, learner, instant(a), "x.example", "streaming").action for a in at]
    usual = ask(college, learner, instant("2026-02-02 10:00"), "x.example", "streaming").action
    assert usual != "allow"
    assert found == ["allow", usual, "allow", "allow", usual, usual]
    view = college.view(learner, instant("2026-04-02 22:00"))
    assert view.changes["streaming"] == instant("2026-04-03 01:00")
