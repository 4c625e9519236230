"""Brings `telemetry.db` from one version of its tables to another, as `policy.store.migrations`.

A version that was released is never edited; 0001 grows until the first release.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

VERSIONS: Final = ("0001",)
"""Every version, oldest first. A test holds that Alembic finds the same."""

FOLDER: Final = Path(__file__).parent
