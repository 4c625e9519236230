"""Brings a store from one version of its tables to another, up and down; by Alembic.

Each version is one module of `versions`.  A version that was released is never edited.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

VERSIONS: Final = ("0001", "0002", "0003")
"""Every version, oldest first. A test holds that Alembic finds the same."""

HEAD: Final = VERSIONS[-1]
"""The version that this code reads and writes."""

FOLDER: Final = Path(__file__).parent
