"""Every scenario against the real life of a query in virtual time."""

from __future__ import annotations

import pytest

from tests.scenarios import language, virtual
from tests.scenarios.language import Scenario


@pytest.mark.parametrize("scenario", language.load(), ids=lambda scenario: scenario.id)
def test_scenario(scenario: Scenario) -> None:
    reason = virtual.reason_to_skip(scenario)
    if reason is not None:
        pytest.skip(reason)
    script = virtual.run(scenario)
    unused = [reply.where for reply in scenario.replies if reply.where not in script.used]
    assert not unused, f"upstream entries that nobody asked for: {', '.join(unused)}"
