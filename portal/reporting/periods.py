"""Which time figures are told for: a term, the last days, or from one day to another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from evidence.figures import Period
from portal.standing_policy import id_from

TERM: Final = "term"
LAST_TERM: Final = "last-term"
DAYS: Final = "days"
LAST_DAYS: Final[Mapping[str, int]] = {"7": 7, "30": 30}
WORDS: Final = (TERM, LAST_TERM, *LAST_DAYS, DAYS)
"""What may be chosen; which of them there are now, `words` says."""


class PeriodFault(ValueError):
    """No such time; `field` is what is wrong: *where: what was given; what is allowed*."""

    def __init__(self, field: str, given: str, allowed: str) -> None:
        super().__init__(f"{field}: {given[:60]!r}; allowed: {allowed}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Term:
    """A term as the policy has it."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Chosen:
    """A time that was chosen."""

    word: str
    """Of `WORDS`."""
    term: str
    """The name of a term; empty: none."""
    first: date
    last: date
    """The last day, inside."""
    period: Period


def terms_of(raw: Iterable[Mapping[str, Any]]) -> list[Term]:
    """The terms of a raw document, the earliest first."""
    found = [Term(str(one["name"]), _date(str(one["from"])), _date(str(one["to"]))) for one in raw]
    return sorted(found, key=lambda term: (term.first, term.name))


def words(terms: Sequence[Term], at: float, zone: ZoneInfo) -> list[str]:
    """What can be chosen now: terms only where there are any."""
    return [word for word in WORDS if word not in (TERM, LAST_TERM) or _term(word, terms, at, zone)]


def choose(
    word: str, since: str, until: str, terms: Sequence[Term], at: float, zone: ZoneInfo
) -> Chosen:
    """The time that is meant; with no word this term, or the last 30 days outside terms. Nothing
    after now is in it. Raises `PeriodFault`.
    """
    word = word or (DAYS if since or until else "")
    if not word:
        word = TERM if _term(TERM, terms, at, zone) else "30"
    if word in LAST_DAYS:
        today = _today(at, zone)
        return _whole(word, "", today - timedelta(days=LAST_DAYS[word] - 1), today, at, zone)
    if word == DAYS:
        first, last = _day("since", since), _day("until", until)
        return _whole(word, "", first, last, at, zone)
    if word in (TERM, LAST_TERM) and (term := _term(word, terms, at, zone)):
        return _whole(word, term.name, term.first, term.last, at, zone)
    raise PeriodFault("period", word, ", ".join(words(terms, at, zone)))


def choose_term(name: str, terms: Sequence[Term], at: float, zone: ZoneInfo) -> Chosen:
    """The term with this name, however it is spelled: `Autumn 2026` or `autumn-2026`. Raises
    `PeriodFault`.
    """
    for term in terms:
        if id_from(term.name) == id_from(name):
            return _whole(TERM, term.name, term.first, term.last, at, zone)
    known = ", ".join(term.name for term in terms) or "none yet; `lychgate term add` makes one"
    raise PeriodFault("term", name, f"the name of a term: {known}")


def _whole(word: str, term: str, first: date, last: date, at: float, zone: ZoneInfo) -> Chosen:
    try:
        whole = Period.of_days(first, last, zone)
    except (ValueError, OverflowError) as fault:
        allowed = str(fault).partition("allowed: ")[2] or "days of this century"
        raise PeriodFault("until", f"{first} to {last}", allowed) from fault
    if whole.since >= at:
        raise PeriodFault("since", str(first), "a day that has come")
    return Chosen(word, term, first, last, Period(whole.since, min(whole.until, at)))


def _term(word: str, terms: Sequence[Term], at: float, zone: ZoneInfo) -> Term | None:
    today = _today(at, zone)
    if word == TERM:
        return next((term for term in terms if term.first <= today <= term.last), None)
    return max((term for term in terms if term.last < today), key=_end, default=None)


def _end(term: Term) -> date:
    return term.last


def _today(at: float, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at, zone).date()


def _day(field: str, text: str) -> date:
    try:
        found = _date(text)
    except ValueError:
        found = date.min
    if not 2000 <= found.year < 2100:
        raise PeriodFault(field, text, "a day as in 2026-11-21")
    return found


def _date(text: str) -> date:
    return datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
