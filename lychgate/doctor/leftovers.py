"""What was moved aside, and what nobody prunes: it holds personal data beyond its time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from evidence.recorder import DAMAGED
from lychgate.archiving.contents import ASIDE
from lychgate.doctor import Finding, Level, Patient

LOOKS_FOR = "What a restore or a damaged log left behind: personal data that nobody prunes."
OLD_SECONDS: Final = 30 * 86_400
_WHY: Final = "events and names in it are kept longer than your retention says"


def check(patient: Patient) -> Iterator[Finding]:
    """Folders and files that were moved aside."""
    configuration = patient.configuration
    if configuration is None:
        return
    found = sorted(configuration.state_directory.glob(f"{ASIDE}*"))
    events = configuration.telemetry_file
    if events is not None:
        found += sorted(events.parent.glob(f"{events.name}{DAMAGED}*[0-9]"))
    for path in found:
        age = patient.at - _moved_at(path)
        level: Level = "warning" if age > OLD_SECONDS else "note"
        what = f"{path}: moved aside {max(age, 0) / 86_400:.0f} days ago"
        yield Finding(level, what, _WHY, (f"rm -r {path}*   # when you need it no more",))


def _moved_at(path: Path) -> float:
    """Its inode was changed last when it was renamed."""
    try:
        return path.lstat().st_ctime
    except OSError:
        return 0.0
