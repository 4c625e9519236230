"""What `telemetry.db` is made of, for the parts of `policy.store` that keep databases."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from evidence.migrations import FOLDER, VERSIONS
from evidence.tables import METADATA, MODULES
from policy.store.engine import Keeping
from policy.store.versions import Schema

TELEMETRY: Final = Schema(
    METADATA,
    VERSIONS,
    FOLDER,
    "lychgate_telemetry_version",
    writer_lock=0x6C796374,  # "lyct"
    upgrade="start `lychgate record`, which upgrades it",
)

KEEPING: Final = Keeping(
    # After a power cut the last second may be missing; the file is sound all the same.
    synchronous="NORMAL",
    # What was deleted is overwritten: names and addresses do not stay behind in free pages.
    pragmas=("secure_delete = ON", "cache_size = -16384", "temp_store = MEMORY"),
    at_creation=("auto_vacuum = INCREMENTAL",),
)


def load_tables() -> None:
    """Import every module with tables, so that `METADATA` has all of them."""
    for module in MODULES:
        import_module(f"{__package__}.{module}")
