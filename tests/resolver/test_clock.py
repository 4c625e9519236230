"""The clock: monotonic between two looks at the wall clock, and then only a step counts."""

from __future__ import annotations

import pytest

from resolver import clock
from resolver.clock import STEP_SECONDS, Clock


class Clocks:
    """The machine's two clocks, to be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.running = 1_000_000.0, 500.0
        monkeypatch.setattr(clock, "time", lambda: self.wall)
        monkeypatch.setattr(clock, "monotonic", lambda: self.running)

    def pass_seconds(self, seconds: float, *, wall: float | None = None) -> None:
        self.running += seconds
        self.wall += seconds if wall is None else wall


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def test_it_counts_from_the_wall_clock(clocks: Clocks) -> None:
    ours = Clock()
    clocks.pass_seconds(7.5)
    assert ours() == 1_000_007.5


@pytest.mark.parametrize("step", [-3600.0, -2.0, 2.0, 86_400.0])
def test_a_step_is_adopted_when_it_is_looked_for_and_not_before(
    clocks: Clocks, step: float
) -> None:
    ours = Clock()
    clocks.pass_seconds(10, wall=10 + step)
    assert ours() == 1_000_010.0
    assert ours.follow()
    assert ours() == clocks.wall
    assert not ours.follow()


def test_drift_is_no_step_until_it_adds_up(clocks: Clocks) -> None:
    ours = Clock()
    steps = 0
    for _ in range(100):
        clocks.pass_seconds(1, wall=1.05)
        steps += ours.follow()
        assert abs(ours() - clocks.wall) < STEP_SECONDS
    assert 0 < steps < 10
