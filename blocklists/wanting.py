"""*Refresh now*: a person asks, the next refresh of the lists takes it up. No page fetches.

One small file in the folder of the lists, so there is never more than one such wish, and whoever
asks twice is told so. `lychgate lists refresh` renames it when it begins; systemd starts that as
soon as the file appears (`lychgate-lists.path`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blocklists.writing import KeepFault, write_whole

WANTED: Final = "refresh-wanted.json"
TAKEN: Final = "refresh-taken.json"
"""The last wish that was taken up."""
PAUSE_SECONDS: Final = 600.0
"""Between one wish and the next: publishers are other people's machines."""
OCTETS_MAX: Final = 4096
BY_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """That every list in use is looked at now, due or not."""

    by: str
    at: float
    """POSIX seconds."""


def want(root: Path, by: str, at: float) -> None:
    """Ask for a refresh. Raises `KeepFault`, also when somebody asked already, or did just now."""
    root.mkdir(parents=True, exist_ok=True)
    waiting = wanted(root)
    if waiting is not None:
        raise KeepFault(f"refresh: {waiting.by} asked for it already; allowed: once at a time")
    before = _read(root / TAKEN)
    if before is not None and 0 <= at - before.at < PAUSE_SECONDS:
        minutes = int((PAUSE_SECONDS - (at - before.at)) // 60) + 1
        raise KeepFault(f"refresh: asked for a moment ago; allowed: again in {minutes} minutes")
    write_whole(root / WANTED, json.dumps({"by": by[:BY_CHARACTERS_MAX], "at": at}) + "\n")


def wanted(root: Path) -> Wish | None:
    """The wish that waits, if there is one. A file that holds none counts as one of nobody."""
    path = root / WANTED
    return _read(path) or (Wish("", 0.0) if path.exists() else None)


def take_up(root: Path) -> bool:
    """Whether somebody asked; from now on it counts as taken up. Raises `KeepFault`."""
    try:
        (root / WANTED).replace(root / TAKEN)
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise KeepFault.of(fault, root / WANTED) from None
    return True


def _read(path: Path) -> Wish | None:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(OCTETS_MAX))
        return Wish(str(found["by"])[:BY_CHARACTERS_MAX], float(found["at"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
