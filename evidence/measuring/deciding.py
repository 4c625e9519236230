"""What people decided: exceptions by venue and role, passes, changes, and what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from evidence.figures import decisions, due_for_review
from evidence.figures.exceptions import standing_exceptions
from evidence.measuring import Family, Given, Sample, bounded

_GRANTED: Final = "lychgate_exceptions_granted"
_ENDED: Final = "lychgate_exceptions_ended_early"
_EXPIRED: Final = "lychgate_exceptions_expired"
_ACTIVE: Final = "lychgate_exceptions_active"
_PASSES: Final = "lychgate_passes"
_OPEN: Final = "lychgate_passes_open"
_CHANGES: Final = "lychgate_policy_changes"
_DUE: Final = "lychgate_rules_due"

FAMILIES: Final = (
    Family(_GRANTED, "Exceptions granted in a period", ("period", "venue", "role")),
    Family(_ENDED, "Exceptions that somebody ended before their time", ("period", "venue", "role")),
    Family(
        _EXPIRED, "Exceptions that ended by themselves in a period", ("period", "venue", "role")
    ),
    Family(_ACTIVE, "Exceptions that hold now", ("venue", "role")),
    Family(_PASSES, "Warnings that somebody went past in a period", ("period",)),
    Family(_OPEN, "Passes that hold now"),
    Family(_CHANGES, "Changes of the policy in a period", ("period", "action")),
    Family(_DUE, "Rules whose day to look again has come"),
)


async def measure(given: Given) -> Mapping[str, Sequence[Sample]]:
    """Read it."""
    found: dict[str, list[tuple[tuple[str, ...], float]]] = {one.name: [] for one in FAMILIES}
    standing = await standing_exceptions(given.decided, given.zone)
    found[_ACTIVE] = [
        ((one.venue, one.role), 1) for one in standing if one.since <= given.at < one.until
    ]
    for word, period in given.periods.items():
        done = await decisions(given.decided, period, None, given.at)
        for one in done.exceptions:
            found[_GRANTED].append(((word, one.venue, one.role), one.granted))
        for ended in standing:
            if period.since <= ended.until < period.until and not ended.ended_early:
                found[_EXPIRED].append(((word, ended.venue, ended.role), 1))
        for one in done.ended_early:
            found[_ENDED].append(((word, one.venue, one.role), one.granted))
        for change in done.changes:
            found[_CHANGES].append(((word, change.action), 1))
        found[_PASSES].append(((word,), done.passes))
        if done.passes_open is not None:
            found[_OPEN] = [((), float(done.passes_open))]
    today = datetime.fromtimestamp(given.at, given.zone).date()
    found[_DUE].append(((), float(len(await due_for_review(given.decided, today)))))
    return {name: bounded(rows) for name, rows in found.items()}
