"""Stores for tests of what serves from them."""

from __future__ import annotations

import asyncio

from policy.store import Body, EntryId, Kind, Store


def write(url: str, *entries: tuple[Kind, EntryId | None, Body]) -> None:
    """Put entries into a store past the commands; it is made if there is none."""

    async def run() -> None:
        store = await Store.open(url, create=True)
        async with store.writing() as writing:
            for kind, id, body in entries:
                await writing.put(kind, id, body)
        await store.close()

    asyncio.run(run())
