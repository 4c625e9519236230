"""`lychgate explain` for whoever asks often: one snapshot kept, built anew only when it must be.

Each question first looks at the stamp of everything snapshots are built from, about 0.1 ms; only
when it moved is a new snapshot built, off the loop, and the question waits for it: whoever has
just written a rule must see what it does. One builder on one thread, whatever number of people ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import time
from typing import Any, Final

from categoriser.matches import CategoryIndex
from lychgate.composition import SnapshotBuilder
from lychgate.config import Configuration
from lychgate.explaining import Ground, explain_on, lay_ground
from resolver.setup import SnapshotFault
from resolver.wire import codes

_NEVER: Final = object()


class Explaining:
    """Explains names under the policy as it is now; see `portal.services.Explain`."""

    def __init__(self, configuration: Configuration, clock: Callable[[], float] = time) -> None:
        self._configuration: Final = configuration
        self._clock: Final = clock
        self._builder: Final = SnapshotBuilder(configuration)
        # The builder belongs to one thread at a time, and so does the watch within it.
        self._thread: Final = ThreadPoolExecutor(1, "explaining")
        self._ground: Ground | None = None
        self._stamp: object = _NEVER
        self.built = 0
        """How many times a snapshot was asked for."""

    async def __call__(
        self, name: str, client: str, at: str | None, *, place: str = ""
    ) -> Mapping[str, Any]:
        """What happens to a name, as JSON has it. Raises ValueError."""
        ground = await self.ground()
        # Some 0.2 ms: not worth a thread.
        return explain_on(
            ground, name, codes.A, client=client, place=place, at=at, now=self._clock()
        ).as_json()

    async def ground(self) -> Ground:
        """The snapshot of everything as it is now. Raises ValueError when none can be built."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._refresh)
        except SnapshotFault as fault:
            raise ValueError("; ".join(fault.faults)) from None

    def index(self) -> CategoryIndex:
        """What is known of names now. Waits: not for the loop. Raises ValueError when no snapshot
        can be built.
        """
        try:
            return self._thread.submit(self._refresh).result().snapshot.index
        except SnapshotFault as fault:
            raise ValueError("; ".join(fault.faults)) from None

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _refresh(self) -> Ground:
        stamp = self._builder.watch()  # before building: what changes meanwhile is seen next time
        if self._ground is None or stamp != self._stamp:
            self._ground = None
            self.built += 1
            self._ground = lay_ground(self._builder, self._configuration)
            self._stamp = stamp
        return self._ground
