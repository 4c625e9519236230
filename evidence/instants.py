"""Numbers of events that are their time. Pure.

The milliseconds since 1970 stand in the upper bits, a count of events within one in the lower:
newest first is greatest first, and a number fits into 53 bits, as JSON needs it.
"""

from __future__ import annotations

from typing import Final

IN_A_MILLISECOND_MAX: Final = 4096
"""Events of one millisecond; the next are counted under the next millisecond."""


def first_id(at: float) -> int:
    """The smallest number that an event at or after an instant has."""
    return int(at * 1000) * IN_A_MILLISECOND_MAX


def instant_of(event_id: int) -> float:
    """When an event was, in POSIX seconds."""
    return (event_id // IN_A_MILLISECOND_MAX) / 1000


def minute_of(at: float) -> int:
    """The minute of an instant, since 1970."""
    return int(at // 60)
