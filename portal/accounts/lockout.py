"""How guessing is slowed: an account locks for a growing time, an address may try so often."""

from __future__ import annotations

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


def lock_seconds(failures: int) -> float:
    """How long an account is locked after so many wrong answers in a row; 0: it is not."""
    over = failures - FAILURES_FREE
    if over <= 0:
        return 0.0
    doublings = min(over - 1, 16)  # beyond that the bound holds anyway
    return min(LOCK_SECONDS * 2.0**doublings, LOCK_SECONDS_MAX)
