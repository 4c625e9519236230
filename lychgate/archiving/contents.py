"""What belongs into an archive: the settings, the store, and all of the state folder that cannot be
made anew.

The folder is taken as it is found, so that what other parts keep there (keys, certificates, choices
of lists) is in it without being named here. Left out is only what is known to be rebuildable.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from evidence.recorder import DAMAGED
from lychgate.archiving.manifest import is_safe
from lychgate.config import Configuration
from portal.certificates import KEY_FILE, ROOT_FILE

CONFIG: Final = "config/lychgate.toml"
POLICY: Final = "config/policy.toml"
CHOICES: Final = "config/lists.toml"
STATE: Final = "state"
DUMP: Final = "state/state.pgdump"
TELEMETRY: Final = "telemetry.db"
LISTS: Final = "lists"
OTHER_OCTETS_MAX: Final = 64_000_000
"""A file beside the databases and lists that is larger is no setting of anybody's."""

REBUILDABLE: Final = frozenset(
    {
        "asked",  # counts of the last days, for suggestions
        "backups",
        # Whoever has it can pretend to be any site to devices that trust the root: it stays on the
        # machine, readable by the portal alone. A new root is made and put on the devices instead.
        KEY_FILE,
        ROOT_FILE,
        "index.lychgate",  # compiled from the lists
        "metrics",  # of running processes
        "policy.last.json",  # a copy of what the store says
        "spool",  # events on their way to telemetry.db
        "recorder.json",
    }
)
"""Names in the state folder that are left out: they are made anew."""
_PASSING: Final = ("-wal", "-shm", "-journal", ".part", ".lock", ".pid", ".sock", ".tmp")
ASIDE: Final = "aside-"
"""Begins the name of a folder with what a restore found in its way."""


@dataclass(frozen=True)
class Item:
    """A file to be taken."""

    name: str
    source: Path
    kind: Literal["file", "database"]


def items(configuration: Configuration, *, telemetry: bool, lists: bool) -> Iterator[Item]:
    """Everything but a PostgreSQL store. Raises OSError."""
    if configuration.file is not None:
        yield Item(CONFIG, configuration.file, "file")
    if configuration.policy_file is not None:
        yield Item(POLICY, configuration.policy_file, "file")
    state = configuration.state_directory
    choices = configuration.choices_file
    if choices.exists() and not choices.resolve().is_relative_to(state.resolve()):
        yield Item(CHOICES, choices, "file")
    store = configuration.store_file
    if store is not None and store.exists():
        yield Item(f"{STATE}/state.db", store, "database")
    events = configuration.telemetry_file
    if telemetry and events is not None and events.exists():
        yield Item(f"{STATE}/{TELEMETRY}", events, "database")
    if not state.is_dir():
        return
    databases = [path for path in (store, events) if path is not None and path.exists()]
    for path in sorted(state.iterdir()):
        if path.name in REBUILDABLE or path.name.startswith((".", ASIDE)):
            continue
        if events is not None and path.name.startswith(f"{events.name}{DAMAGED}"):
            continue  # nobody prunes what is in it
        if path.name == LISTS and not lists:
            continue
        if path.exists() and any(path.samefile(database) for database in databases):
            continue
        yield from _below(path, f"{STATE}/{path.name}", path.name == LISTS)


def is_telemetry(name: str) -> bool:
    """Whether a member of an archive is the log of events."""
    return name == f"{STATE}/{TELEMETRY}"


def _below(path: Path, name: str, large: bool) -> Iterator[Item]:
    """Regular files only; links lead elsewhere, sockets and locks are of this moment."""
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        for entry in sorted(path.iterdir()):
            yield from _below(entry, f"{name}/{entry.name}", large)
        return
    if not stat.S_ISREG(mode) or path.name.endswith(_PASSING) or not is_safe(name):
        return
    if path.suffix == ".db":
        yield Item(name, path, "database")
    elif large or path.lstat().st_size <= OTHER_OCTETS_MAX:
        yield Item(name, path, "file")
