"""What the recorder needs to know of places: titles of venues, and the organisation's clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy.store.faults import StoreFault
from policy.store.reading import read_keys
from policy.store.store import Store

Decisions = Callable[[], AbstractAsyncContextManager[Store]]

ZONE: Final = "Europe/London"
"""Where nobody says another one."""


async def zone_of(decisions: Decisions) -> str:
    """The organisation's clock; `ZONE` while nobody can say."""
    try:
        async with decisions() as store, store.reading() as connection:
            raw = await read_keys(connection, ["organisation"])
        zone = str(raw.get("organisation", {}).get("timezone", ZONE))
        ZoneInfo(zone)
        return zone
    except (StoreFault, ZoneInfoNotFoundError, ValueError):
        return ZONE


async def titles_of(decisions: Decisions) -> Mapping[str, str]:
    """Titles of venues, by id; empty while nobody can say."""
    try:
        async with decisions() as store, store.reading() as connection:
            raw = await read_keys(connection, ["venues"])
        venues = raw.get("venues", {})
        return {id: str(body.get("title", id)) for id, body in venues.items()}
    except (StoreFault, AttributeError):
        return {}
