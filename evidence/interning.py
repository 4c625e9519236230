"""Text that repeats gets a number, once: the small tables, names and domains.

Numbers are given here, for there is one writer at a time. What is remembered of them must be
forgotten (`forget`) whenever a transaction failed, rows were deleted, or somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from sqlalchemy import Table, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from evidence.counting import add

KNOWN_MAX: Final = 200_000
"""Texts of one table that are remembered; beyond it all are forgotten and looked up afresh."""
LOOKED_UP_MAX: Final = 200
"""Texts that one statement asks for."""

Words = tuple[str, ...]


class Interned:
    """One table of texts with numbers."""

    def __init__(self, table: Table, columns: tuple[str, ...]) -> None:
        self._table: Final = table
        self._columns: Final = columns
        self._known: dict[Words, int] = {}
        self._last: int | None = None

    def forget(self) -> None:
        """Look everything up afresh."""
        self._known.clear()
        self._last = None

    async def ids(
        self,
        connection: AsyncConnection,
        wanted: Collection[Words],
        more: Callable[[Words], Mapping[str, Any]] = lambda _: {},
    ) -> Mapping[Words, int]:
        """The numbers of texts, given where there was none; `more` columns of a new row."""
        if len(self._known) > KNOWN_MAX:
            self._known.clear()
        known = self._known
        missing = [words for words in dict.fromkeys(wanted) if words not in known]
        for start in range(0, len(missing), LOOKED_UP_MAX):
            await self._look_up(connection, missing[start : start + LOOKED_UP_MAX])
        new = [words for words in missing if words not in known]
        if new:
            if self._last is None:
                self._last = await connection.scalar(select(func.max(self._table.c.id))) or 0
            rows = []
            for words in new:
                self._last += 1
                known[words] = self._last
                row = dict(zip(self._columns, words, strict=True))
                rows.append({"id": self._last, **row, **more(words)})
            await add(connection, self._table, rows)
        return known

    async def _look_up(self, connection: AsyncConnection, words: list[Words]) -> None:
        columns = [self._table.c[column] for column in self._columns]
        if len(columns) == 1:
            asked = columns[0].in_([one[0] for one in words])
        else:
            asked = tuple_(*columns).in_(words)
        for id, *found in await connection.execute(select(self._table.c.id, *columns).where(asked)):
            self._known[tuple(found)] = id
