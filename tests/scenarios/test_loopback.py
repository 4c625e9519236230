"""Every scenario that needs no virtual time, against a real `lychgate serve` on loopback.

All that were selected are played when the first result is asked for, a few processes at a time: one
takes half a second to start, and some scenarios wait for silence.
"""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.scenarios import language, loopback
from tests.scenarios.language import Scenario
from tests.scenarios.loopback import Result

AT_A_TIME = 5
"""Processes; more of them than cores, for much of the time is waiting."""
RUN_SECONDS_MAX = 300.0


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> dict[str, Result]:
    """What became of each scenario that was selected and can be played."""
    selected: list[Scenario] = [
        cast(Scenario, item.callspec.params["scenario"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.function is test_scenario
    ]
    return asyncio.run(_play([s for s in selected if loopback.reason_to_skip(s) is None]))


async def _play(scenarios: list[Scenario]) -> dict[str, Result]:
    places = asyncio.Semaphore(AT_A_TIME)

    async def one(group: list[Scenario]) -> dict[str, Result]:
        async with places:
            try:
                return await loopback.run(group)
            except (Exception, AssertionError) as fault:
                return dict.fromkeys([scenario.id for scenario in group], fault)

    groups = sorted(loopback.share(scenarios), key=len, reverse=True)
    async with asyncio.timeout(RUN_SECONDS_MAX):
        found = await asyncio.gather(*map(one, groups))
    return {id: result for results in found for id, result in results.items()}


@pytest.mark.parametrize("scenario", language.load(), ids=lambda scenario: scenario.id)
def test_scenario(scenario: Scenario, request: pytest.FixtureRequest) -> None:
    reason = loopback.reason_to_skip(scenario)
    if reason is not None:
        pytest.skip(reason)
    result = request.getfixturevalue("results")[scenario.id]
    if isinstance(result, BaseException):
        raise result
    unused = [reply.where for reply in scenario.replies if reply.where not in result.used]
    assert not unused, f"upstream entries that nobody asked for: {', '.join(unused)}"
