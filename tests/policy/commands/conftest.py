"""A store of the college for each test: on SQLite a copy of one file, made once."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.policy.commands.desks import make_college


@pytest.fixture(scope="session")
def college_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the college; not to be changed."""
    path = tmp_path_factory.mktemp("college") / "state.db"
    asyncio.run(make_college(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def url(college_file: Path, tmp_path: Path) -> str:
    """A store of its own that holds the college."""
    path = tmp_path / "state.db"
    shutil.copy(college_file, path)
    return f"sqlite+aiosqlite:///{path}"
