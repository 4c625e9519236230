"""Telling a check of the filter from a learner: nobody is to be alarmed by our own questions, and
no figure is to be made of them.

A check announces what it will ask, as whom and when, before it asks. What comes so is recorded with
`CHECK` for its transport, stands in the query log, and is counted nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.checks.tables import announced
from evidence.spool import Detail, Tally
from evidence.tables import CHECK

ROWS_MAX: Final = 2_000
OWED_MINUTES: Final = 10
"""So much later than a query its tally does not come any more."""


class Checks:
    """What checks asked, and how much of it has not been taken out of the tallies yet.

    A resolver writes single queries once a second and tallies every ten, so that what is to be
    taken out is known before. It is remembered in memory only: a recorder that ends just then
    leaves some queries of a check in the sums.
    """

    def __init__(self) -> None:
        self._owed: Final[Counter[Tally]] = Counter()

    def forget(self) -> None:
        """Forget what is owed: a transaction failed, and what was read comes again."""
        self._owed.clear()

    async def mark(self, connection: AsyncConnection, details: Sequence[Detail]) -> list[Detail]:
        """The same details; those that a check announced with `CHECK` for their transport."""
        if not details:
            return []
        begins, ends = min(one.at for one in details), max(one.at for one in details)
        asked = (
            select(announced)
            .where(announced.c.since <= ends, announced.c.until >= begins)
            .order_by(announced.c.id.desc())
            .limit(ROWS_MAX)
        )
        known: dict[tuple[str, str], list[tuple[float, float, frozenset[str]]]] = {}
        for row in await connection.execute(asked):
            span = (row.since, row.until, frozenset(row.names.split()))
            known.setdefault((row.venue, row.address), []).append(span)
        if not known:
            return list(details)
        return [self._marked(one, known.get((one.venue, one.address), ())) for one in details]

    def _marked(self, one: Detail, spans: Sequence[tuple[float, float, frozenset[str]]]) -> Detail:
        if not any(since <= one.at <= until and one.name in names for since, until, names in spans):
            return one
        self._owed[_tally(one)] += one.queries
        return msgspec.structs.replace(one, transport=CHECK)

    def left(self, tallies: Sequence[tuple[Tally, int]]) -> list[tuple[Tally, int]]:
        """The tallies without what checks asked."""
        if not self._owed:
            return list(tallies)
        found = []
        for tally, queries in tallies:
            # A query at the end of a minute may be counted in the next one.
            before = msgspec.structs.replace(tally, minute=tally.minute - 1)
            for key in (tally, before):
                ours = min(self._owed.get(key, 0), queries)
                if ours:
                    self._owed[key] -= ours
                    queries -= ours
            if queries:
                found.append((tally, queries))
        newest = max((tally.minute for tally, _ in tallies), default=0)
        for key in [key for key in self._owed if key.minute < newest - OWED_MINUTES]:
            del self._owed[key]
        return found


def _tally(one: Detail) -> Tally:
    return Tally(
        int(one.at // 60),
        one.venue,
        one.profile,
        one.action,
        one.reason,
        one.category,
        one.sources,
    )
