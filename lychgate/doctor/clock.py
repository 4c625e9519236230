"""The clock of this machine."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lychgate.doctor import Finding, Patient

LOOKS_FOR = "A clock that nobody sets, or that runs behind what was written before."
WITHOUT_SETTINGS = True
TIME_ERROR: Final = 5
"""adjtimex(2): the clock is not synchronised."""
_ROOM_OCTETS: Final = 512
_AHEAD_SECONDS_MAX: Final = 120.0
_WHY: Final = (
    "timetables and exceptions begin and end at the wrong time, and certificates seem to be expired"
)
_MEND: Final = ("timedatectl set-ntp true", "timedatectl timesync-status")


def check(patient: Patient) -> Iterator[Finding]:
    """What the kernel says, and what files say."""
    shown = datetime.fromtimestamp(patient.at, UTC).isoformat(timespec="seconds")
    newest = _newest(patient)
    if newest is not None and newest[0] > patient.at + _AHEAD_SECONDS_MAX:
        yield Finding(
            "fault",
            f"it is {shown} on this machine, and {newest[1]} was written later than that",
            _WHY,
            _MEND,
        )
    elif not is_synchronised():
        yield Finding("warning", f"nobody sets this clock ({shown})", _WHY, _MEND)
    else:
        yield Finding("good", f"the clock is kept right ({shown})")


def is_synchronised() -> bool:
    """Whether the kernel believes its clock; yes where it cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state: int = libc.adjtimex(ctypes.create_string_buffer(_ROOM_OCTETS))
    except (OSError, AttributeError):
        return True
    return state != TIME_ERROR


def _newest(patient: Patient) -> tuple[float, Path] | None:
    configuration = patient.configuration
    if configuration is None:
        return None
    found = []
    for path in (configuration.store_file, configuration.index_file, configuration.file):
        if path is not None and path.exists():
            found.append((path.stat().st_mtime, path))
    return max(found, default=None)
