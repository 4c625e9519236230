"""The last figures that pages asked for, kept for a moment: a month takes longer than a click may.

Kept with the services by period and venues, at most `KEPT_MAX` of them for `KEPT_SECONDS`. Whoever
asks for what is just being read waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Final

from evidence.reading.places import Venues
from portal.reporting.material import Material, Sources, read_material
from portal.reporting.periods import Chosen
from portal.services import Services
from portal.standing_policy import Standing

KEPT_MAX: Final = 64
KEPT_SECONDS: Final = 120.0
_KEPT: Final = "figures"


class Keeping:
    """What was read last, by what was asked for."""

    def __init__(self) -> None:
        self._found: Final[dict[Hashable, tuple[float, Material]]] = {}
        self._reading: Final = asyncio.Lock()

    async def material(
        self, services: Services, now: Standing, chosen: Chosen, venues: Venues
    ) -> Material:
        """As it was at most `KEPT_SECONDS` ago. Raises `StoreFault`."""
        key = (chosen.first, chosen.last, None if venues is None else frozenset(venues))
        if (known := self._known(key, services.clock())) is not None:
            return known
        async with self._reading:
            at = services.clock()
            if (known := self._known(key, at)) is not None:
                return known
            sources = Sources(services.store, services.evidence, services.taxonomy)
            found = await read_material(sources, chosen.period, venues, at, now.zone)
            self._found.pop(key, None)
            while len(self._found) >= KEPT_MAX:
                self._found.pop(next(iter(self._found)))
            self._found[key] = at, found
            return found

    def _known(self, key: Hashable, at: float) -> Material | None:
        read_at, found = self._found.get(key, (0.0, None))
        return found if found is not None and 0 <= at - read_at < KEPT_SECONDS else None


async def kept_material(
    services: Services, now: Standing, chosen: Chosen, venues: Venues
) -> Material:
    """The figures of a period and venues. Raises `StoreFault`."""
    keeping = services.kept.get(_KEPT)
    if not isinstance(keeping, Keeping):
        keeping = services.kept[_KEPT] = Keeping()
    return await keeping.material(services, now, chosen, venues)
