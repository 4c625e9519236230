"""What a refresh says when it is done, or that it cannot be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from blocklists.gates import Finding

Outcome = Literal["kept", "held", "unchanged", "waiting", "failed"]


class RefreshFault(Exception):
    """This cannot be asked for; `faults` has every reason, each *where: what was given; what is
    allowed*.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What a refresh did about one source.

    `kept`: a new version filters; `held`: a new version waits for a person, `findings` say why;
    `unchanged`: the publisher has nothing new; `waiting`: it is not due; `failed`: `message` says
    why. In all but the first the version before stays in use.
    """

    source: str
    outcome: Outcome
    message: str = ""
    version: str = ""
    entries: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did."""

    results: tuple[SourceResult, ...]

    def ids(self, *outcomes: Outcome) -> tuple[str, ...]:
        """The sources with any of these outcomes."""
        return tuple(each.source for each in self.results if each.outcome in outcomes)
