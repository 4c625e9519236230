"""The one clock of a resolver process: POSIX seconds that never run backwards.

Counted from the monotonic clock, so a stepped wall clock cannot make cached data immortal; compared
with the wall clock once a second, so timetables follow it.
"""

from time import monotonic, time
from typing import Final

STEP_SECONDS: Final = 1.0
"""A difference beyond this is a step (a corrected clock, a resumed laptop) and not drift."""


class Clock:
    """Call it to get the time."""

    def __init__(self) -> None:
        self._offset = time() - monotonic()

    def __call__(self) -> float:
        """POSIX seconds."""
        return monotonic() + self._offset

    def follow(self) -> bool:
        """Adopt the wall clock if it was stepped; True then: what was timed must be forgotten."""
        offset = time() - monotonic()
        if abs(offset - self._offset) < STEP_SECONDS:
            return False
        self._offset = offset
        return True
