"""A telemetry database of each kind, not made yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def evidence_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not exist yet, in each kind."""
    make: Callable[[], str] = {
        "sqlite": lambda: f"sqlite+aiosqlite:///{tmp_path}/telemetry.db",
        "postgresql": lambda: request.getfixturevalue("postgresql").database(),
    }[request.param]
    return make()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path}/telemetry.db"
