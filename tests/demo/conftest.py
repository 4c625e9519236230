"""One demonstration for every test of this folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from portal.rendering import STATIC_FOLDER
from tests.demo.demonstration import Demonstration


class _Kept:
    """The one that runs."""

    demo: Demonstration | None = None


@pytest.fixture(scope="session")
def kept() -> Iterator[_Kept]:
    found = _Kept()
    yield found
    if found.demo is not None:
        with suppress(subprocess.TimeoutExpired):  # then it was killed
            found.demo.end()


@pytest.fixture
def demo(kept: _Kept, tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """One that runs."""
    if not (STATIC_FOLDER / "lychgate.css").exists():
        pytest.skip("no style sheets; run `make assets`")
    if kept.demo is None or not kept.demo.is_running:
        kept.demo = Demonstration(tmp_path_factory.mktemp("demo"))
    return kept.demo
