"""What every test may use: the shared material beside the repository, and how Hypothesis runs.

Tests that need the shared material ask for the `shared` fixture and skip, visibly, without it.
Hypothesis is derandomised, so a failure on one machine is a failure on all; set
HYPOTHESIS_PROFILE=explore to look further.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

SHARED = Path(os.environ.get("LYCHGATE_SHARED", Path(__file__).parents[2] / "shared"))

pytest_plugins = ["tests.policy.store.postgresql"]

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,  # a busy build machine is not a slow function
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option of ours; options must be declared in the uppermost conftest."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what golden tests find as what they expect; read the changes",
    )


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material (real lists, essential hosts)."""
    if not SHARED.is_dir():
        pytest.skip(f"shared material is not at {SHARED}; set LYCHGATE_SHARED to its folder")
    return SHARED


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Commands that a test runs set logging, on a stream of their own, and the umask of the whole
    process.
    """
    umask = os.umask(0o022)
    os.umask(umask)
    yield
    os.umask(umask)
    structlog.reset_defaults()
