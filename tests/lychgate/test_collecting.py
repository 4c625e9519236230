"""The portal's cycle collector walks only what is new, and still finds what died."""

from __future__ import annotations

import asyncio
import gc
import weakref

from lychgate.collecting import WHOLE_EVERY, collecting_quietly, settle


class _Loop:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_set_aside_for_as_long_as_it_lasts() -> None:
    async def story() -> None:
        before = gc.get_freeze_count()
        async with collecting_quietly(0.01):
            await asyncio.sleep(0.05)
            assert gc.get_freeze_count() > 10_000
        assert gc.get_freeze_count() <= before

    asyncio.run(story())


def test_what_died_in_the_meantime_is_found_once_an_hour() -> None:
    kept = _Loop()
    gone = weakref.ref(kept)
    try:
        settle(0)
        del kept
        gc.collect()
        assert gone() is not None, "set aside, so that nothing walks it"
        settle(WHOLE_EVERY)
        assert gone() is None
        fresh = _Loop()
        gone = weakref.ref(fresh)
        del fresh
        settle(1)
        assert gone() is None, "what is new is looked at each time"
    finally:
        gc.unfreeze()
