"""Entries of published lists that cover a name, for programs."""

from __future__ import annotations

import asyncio
from typing import Final

from pydantic import BaseModel

from blocklists.sheets import SheetFault
from blocklists.sources import SourceFault
from blocklists.tracing import Trace
from categoriser.names import NameFault
from portal.services import Services

TRACES_MAX: Final = 50


class Entry(BaseModel):
    """One entry of a list."""

    source: str
    title: str
    category: str
    rule: str
    line: int
    since: str
    """The day on which the list first had it."""
    version: str
    standing: str
    """`filters`, `suggests`, `held` or `disabled`."""
    exception: bool
    """It opens instead of blocking."""
    excepted_by: str


async def traces_of(services: Services, name: str) -> list[Trace] | None:
    """Which published lists have a name; None: they cannot be read."""
    try:
        found = await asyncio.to_thread(services.lists.trace, name)
    except (SourceFault, SheetFault, NameFault, OSError):
        return None
    return list(found[:TRACES_MAX])


async def entries_for(services: Services, name: str) -> list[Entry] | None:
    """The same for programs."""
    found = await traces_of(services, name)
    if found is None:
        return None
    return [
        Entry(
            source=one.source,
            title=one.title,
            category=one.category,
            rule=one.rule,
            line=one.line,
            since=one.since.isoformat(),
            version=one.version,
            standing=one.standing,
            exception=one.exception,
            excepted_by=one.excepted_by,
        )
        for one in found
    ]
