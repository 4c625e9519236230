"""How guessing is slowed: an account locks for a growing time, an address may try so often."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

FAILURES_FREE: Final = 4
"""Wrong answers in a row that cost nothing."""
LOCK_SECONDS: Final = 30.0
"""The first lock; each later one is twice as long."""
LOCK_SECONDS_MAX: Final = 900.0
"""Never longer: or whoever knows a name could keep its owner out."""

ATTEMPTS_MAX: Final = 60
"""Attempts of one address within a window. A whole venue may be behind one."""
WINDOW_SECONDS: Final = 600.0
ADDRESSES_MAX: Final = 10_000
"""Addresses that are remembered; the oldest is forgotten."""


def lock_seconds(failures: int) -> float:
    """How long an account is locked after so many wrong answers in a row; 0: it is not."""
    over = failures - FAILURES_FREE
    if over <= 0:
        return 0.0
    doublings = min(over - 1, 16)  # beyond that the bound holds anyway
    return min(LOCK_SECONDS * 2.0**doublings, LOCK_SECONDS_MAX)


class Attempts:
    """Counts attempts by address, or by whoever else may do something so often."""

    def __init__(
        self, attempts_max: int = ATTEMPTS_MAX, window_seconds: float = WINDOW_SECONDS
    ) -> None:
        self._most: Final = attempts_max
        self._window: Final = window_seconds
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def is_used_up(self, address: str, at: float) -> bool:
        """Whether no attempt is left; counts none."""
        began, count = self._counts.get(address, (at, 0))
        return count >= self._most and 0 <= at - began < self._window

    def may(self, address: str, at: float) -> bool:
        """Count an attempt; whether it is still one of those allowed."""
        began, count = self._counts.pop(address, (at, 0))
        if at - began >= self._window or at < began:
            began, count = at, 0
        count += 1
        self._counts[address] = began, count
        while len(self._counts) > ADDRESSES_MAX:
            self._counts.popitem(last=False)
        return count <= self._most
