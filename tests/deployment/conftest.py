"""A network for the layouts of one module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deployment.network import Network, require_namespaces


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Nobody in it yet."""
    require_namespaces()
    made = Network(tmp_path_factory.mktemp("network"))
    try:
        yield made
    finally:
        made.close()
