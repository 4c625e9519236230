"""What becomes of archives in a folder: some are removed, and the others lose the log of events.

An archive that keeps the log of events for a year would keep it longer than the recorder does, with
the keys of the pseudonyms in it. So it is in the archives of the last days only. The figures and
alerts are in there as well: whoever loses the disk loses nothing, and whoever goes back further has
only the decisions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lychgate.archiving import ArchiveFault
from lychgate.archiving.contents import is_telemetry
from lychgate.archiving.packing import repack
from lychgate.archiving.rotation import Keep, made_at, outlived, superfluous
from lychgate.archiving.unpacking import peek

DAY_SECONDS: Final = 86_400.0


def tidy(folder: Path, keep: Keep, telemetry_days: int, *, at: float) -> Iterator[tuple[str, bool]]:
    """Do it; yields what was done in words, and whether that is well. A damaged archive is told,
    and left. Raises OSError.
    """
    names = [path.name for path in folder.iterdir()]
    for name in (*superfluous(names, keep), *outlived(names, at)):
        (folder / name).unlink()
        yield f"{folder / name}: removed, its time is over", True
    for path in sorted(folder.iterdir()):
        made = made_at(path.name)
        if made is None or at - made.timestamp() < telemetry_days * DAY_SECONDS:
            continue
        try:
            if any(is_telemetry(member.name) for member in peek(path).members):
                repack(path, leave_out=is_telemetry)
                yield f"{path}: without the log of events now, after {telemetry_days} days", True
        except (ArchiveFault, OSError) as fault:
            yield f"{fault}; if the log of events is in it, it stays there: remove it", False


def hand_over(path: Path) -> None:
    """Made by root, it belongs to whoever owns the folder above: the timer runs under an account of
    its own, and goes on with it. Raises OSError.
    """
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
