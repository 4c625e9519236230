"""Bank holidays of the United Kingdom, from the data in the `govuk-bank-holidays` package.

Nothing is downloaded: a venue must keep its timetable without a network. The package's data reach
two to three years ahead; `last_year` says how far, so that somebody can be warned in time.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final

DIVISIONS: Final = ("england-and-wales", "scotland", "northern-ireland")


@cache
def bank_holidays(division: str) -> frozenset[date]:
    """The bank holidays of one of `DIVISIONS`. Raises ValueError for another word."""
    if division not in DIVISIONS:
        raise ValueError(f"{division!r} has no bank holidays; use one of {', '.join(DIVISIONS)}")
    # It brings `requests` along, for downloads that are not made here: 60 ms of a start that only
    # organisations with bank holidays should pay.
    from govuk_bank_holidays.bank_holidays import BankHolidays

    found = BankHolidays(use_cached_holidays=True).get_holidays(division=division)
    return frozenset(holiday["date"] for holiday in found)


def last_year(division: str) -> int:
    """The last year the data reach."""
    return max(bank_holidays(division)).year
