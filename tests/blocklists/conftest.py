"""What tests of lists may use: whether golden files are to be written anew."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def updates_golden(pytestconfig: pytest.Config) -> bool:
    """Whether `--update-golden` was given."""
    return bool(pytestconfig.getoption("--update-golden"))
