"""Does a scenario test what it seems to test? In the spirit of Deckard's `rplint.py`.

Each function yields faults as *file:line: what; what is wanted*. Whether every upstream entry is
used can only be seen by playing; `test_virtual.py` and `test_loopback.py` ask for that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from lychgate.config import parse
from lychgate.faults import ConfigurationFault
from tests.scenarios.language import Check, Query, Scenario

_SOURCE = re.compile(
    r"(RFC \d+ section \d[\d.]*|DESIGN section \d+)"
    r"[^:]*: \".{15,}\"$"
)


def lint(scenario: Scenario) -> Iterator[str]:
    """Every fault of one scenario."""
    where = str(scenario.id)
    if not 10 <= len(scenario.title) <= 100:
        yield f"{where}: TITLE {scenario.title!r}; a line of 10 to 100 characters says what holds"
    if not scenario.guards:
        yield f"{where}: GUARDS is missing; quote the sentence or the decision row that is guarded"
    for guard in scenario.guards:
        if not _SOURCE.match(guard):
            yield f'{where}: GUARDS {guard!r}; write RFC 1035 section 4.1.1: "its words"'
    if not scenario.ended or scenario.after_end:
        yield f"{where}: the last item must be END, with nothing behind it"
    try:
        parse("\n".join(f"{word} = {value}" for word, value in scenario.config.settings), where)
    except ConfigurationFault as fault:
        yield from fault.faults
    yield from _lint_steps(scenario)
    yield from _lint_upstreams(scenario)


def lint_together(scenarios: Iterable[Scenario]) -> Iterator[str]:
    """Faults that show only when all are looked at."""
    titles = Counter(scenario.title.lower() for scenario in scenarios)
    for title, count in titles.items():
        if count > 1:
            yield f"{title!r} is the title of {count} scenarios; each needs one of its own"


def _lint_steps(scenario: Scenario) -> Iterator[str]:
    numbers = [step.number for step in scenario.steps]
    if not numbers:
        yield f"{scenario.id}: there is no step"
    if numbers != sorted(set(numbers)):
        yield f"{scenario.id}: step numbers must rise and be different"
    unchecked: list[int] = []
    asked: set[int] = set()
    for step in scenario.steps:
        if isinstance(step.does, Query):
            unchecked.append(step.number)
            asked.add(step.number)
        elif isinstance(step.does, Check):
            number = step.does.of if step.does.of is not None else next(iter(unchecked), None)
            if number is None or number not in asked:
                yield f"{step.where}: checks no query"
            elif number not in unchecked:
                yield f"{step.where}: the query of step {number} was checked before"
            else:
                unchecked.remove(number)
    for number in unchecked:
        yield f"{scenario.id}: the query of step {number} is never checked"


def _lint_upstreams(scenario: Scenario) -> Iterator[str]:
    for _, upstream in scenario.config.forwards:
        if upstream not in scenario.upstreams:
            yield f"{scenario.id}: FORWARD to {upstream}; there is no such UPSTREAM"
    for position, reply in enumerate(scenario.replies):
        if (
            reply.behaviour
            and (reply.records or reply.rcode != "NOERROR")
            and (reply.behaviour in ("SILENCE", "REFUSES_TCP"))
        ):
            yield f"{reply.where}: {reply.behaviour} sends nothing, so it cannot have records"
        for earlier in scenario.replies[:position]:
            if (
                earlier.upstream == reply.upstream
                and earlier.first <= reply.first
                and reply.last <= earlier.last
                and earlier.transport in ("", reply.transport)
                and earlier.name in ("*", reply.name)
                and earlier.rtype in ("*", reply.rtype)
            ):
                yield f"{reply.where}: never reached; {earlier.where} answers before it"
