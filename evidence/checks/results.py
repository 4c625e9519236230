"""The nouns of a check: one result, and one run of them at a venue. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

Outcome = Literal["pass", "deviation", "unsure", "fail"]
"""`deviation`: the filter does what the policy says, and the policy opens what it should not.
`unsure`: it could not be told, as with a name that could not be resolved."""

OUTCOMES: Final[tuple[Outcome, ...]] = ("pass", "unsure", "deviation", "fail")
"""From well to worst."""

Way = Literal["subnet", "source", "machine"]
"""How the venue was asked as: by client subnet, from an address in it, or not at all: what was
asked was asked as this machine, and what holds at the venue was worked out."""

SCHEDULE: Final = "schedule"
"""Who ran a check that nobody ran."""


class Result(msgspec.Struct, frozen=True):
    """What came of one question."""

    kind: str
    """A word of `evidence.checks.planning.KINDS`."""
    name: str
    """What was asked about; empty where it is no name."""
    category: str
    expected: str
    """`blocked`, `warned`, `open`, `strict`, `unknown` or `well`."""
    outcome: Outcome
    said: str
    """What was found, in one sentence."""


class Note(msgspec.Struct, frozen=True):
    """What somebody did about a run."""

    at: float
    who: str
    text: str


class Run(msgspec.Struct, frozen=True):
    """One check of one profile at one venue."""

    id: int
    at: float
    seconds: float
    venue: str
    profile: str
    who: str
    """A person, `cli:ACCOUNT`, or `SCHEDULE`."""
    way: Way
    counts: dict[str, int]
    """Results by outcome."""
    troubles: tuple[Result, ...]
    """All results but those that passed."""
    passed: tuple[Result, ...] = ()
    """Only of a run that is read by itself."""
    notes: tuple[Note, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst of its results."""
        return worst(self.counts)

    @property
    def total(self) -> int:
        """How many results there are."""
        return sum(self.counts.values())


def worst(counts: dict[str, int]) -> Outcome:
    """The worst outcome of some; `unsure` when there is none. What could not be told leaves a run
    well as long as something passed. Pure.
    """
    if counts.get("fail"):
        return "fail"
    if counts.get("deviation"):
        return "deviation"
    return "pass" if counts.get("pass") else "unsure"


def count(results: Sequence[Result]) -> dict[str, int]:
    """Results by outcome."""
    counts = Counter(one.outcome for one in results)
    return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}
