"""Who came in, and who did not: from the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select

from evidence.measuring import Family, Given, Sample, bounded
from policy.store.tables import audit

_SIGN_INS: Final = "lychgate_sign_ins"

FAMILIES: Final = (
    Family(
        _SIGN_INS,
        "Times that somebody with an account signed in, or was refused",
        ("period", "outcome"),
    ),
)


async def measure(given: Given) -> Mapping[str, Sequence[Sample]]:
    """Read it."""
    rows: list[tuple[tuple[str, ...], float]] = []
    for word, period in given.periods.items():
        asked: Any = (
            select(audit.c.outcome, func.count())
            .where(
                audit.c.action == "account.sign-in",
                audit.c.at >= period.since,
                audit.c.at < period.until,
            )
            .group_by(audit.c.outcome)
        )
        found = {str(o): int(n) for o, n in await given.decided.execute(asked)}
        rows += [((word, one), float(found.get(one, 0))) for one in ("done", "refused")]
    return {_SIGN_INS: bounded(rows)}
