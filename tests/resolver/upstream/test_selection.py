"""Selection: the quickest first, the broken one rests, and nobody is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.upstream.selection import (
    EXPLORE_EVERY,
    FAILURES_MAX,
    PATIENCE_SECONDS_MAX,
    PATIENCE_SECONDS_MIN,
    REST_SECONDS_MAX,
    REST_SECONDS_MIN,
    Selection,
)

AT = 1_000_000.0


def selection(count: int = 3) -> Selection:
    return Selection([f"udp://192.0.2.{n}:53" for n in range(count)])


def fail(chosen: Selection, number: int, times: int = FAILURES_MAX, at: float = AT) -> None:
    for _ in range(times):
        chosen.failed(number, at)


def test_at_first_they_stand_as_configured() -> None:
    assert selection().order(AT) == [0, 1, 2]


def test_a_failure_moves_it_back_and_the_quicker_stands_first() -> None:
    chosen = selection()
    chosen.failed(0, AT)
    assert chosen.order(AT) == [1, 2, 0]
    for _ in range(20):
        chosen.succeeded(2, 0.004)
    chosen.failed(1, AT)
    assert chosen.order(AT)[0] == 2


def test_one_that_rests_comes_last_and_then_back() -> None:
    chosen = selection()
    fail(chosen, 0)
    for number in (1, 2):
        chosen.upstreams[number].rtt_seconds = 1.0  # slow, but they answer
    assert chosen.upstreams[0].is_resting(AT)
    assert chosen.order(AT)[-1] == 0
    rested = AT + REST_SECONDS_MIN
    assert chosen.order(rested - 0.01)[-1] == 0
    assert chosen.order(rested)[0] == 0


def test_an_answer_ends_the_rest_at_once() -> None:
    chosen = selection()
    fail(chosen, 0)
    chosen.succeeded(0, 0.001)
    assert not chosen.upstreams[0].is_resting(AT)
    for number in (1, 2):
        chosen.upstreams[number].rtt_seconds = 1.0
    assert chosen.order(AT)[0] == 0


def test_rests_grow_to_a_bound() -> None:
    chosen = selection()
    rests = []
    for _ in range(FAILURES_MAX + 12):
        chosen.failed(0, AT)
        rests.append(chosen.upstreams[0].rests_until - AT)
    assert rests[FAILURES_MAX - 1 : FAILURES_MAX + 2] == [
        REST_SECONDS_MIN,
        2 * REST_SECONDS_MIN,
        4 * REST_SECONDS_MIN,
    ]
    assert max(rests) == rests[-1] == REST_SECONDS_MAX


def test_when_all_rest_they_are_asked_all_the_same() -> None:
    chosen = selection()
    for number in range(3):
        fail(chosen, number)
    assert sorted(chosen.order(AT)) == [0, 1, 2]


def test_now_and_then_the_second_goes_first() -> None:
    """Or a slow day would never be unlearnt."""
    chosen = selection()
    for _ in range(50):
        chosen.succeeded(0, 0.001)
    firsts = [chosen.order(AT)[0] for _ in range(3 * EXPLORE_EVERY)]
    assert firsts.count(1) == 3
    assert firsts.count(0) == 3 * EXPLORE_EVERY - 3


def test_exploring_never_wakes_one_that_rests() -> None:
    chosen = selection(2)
    fail(chosen, 1, FAILURES_MAX + 3)
    assert {chosen.order(AT)[0] for _ in range(3 * EXPLORE_EVERY)} == {0}


@pytest.mark.parametrize(
    ("rtt", "patience"),
    [(0.001, PATIENCE_SECONDS_MIN), (0.1, 0.4), (3.0, PATIENCE_SECONDS_MAX)],
)
def test_patience_is_four_round_trips_within_bounds(rtt: float, patience: float) -> None:
    chosen = selection(1)
    for _ in range(200):
        chosen.succeeded(0, rtt)
    assert chosen.upstreams[0].patience_seconds == pytest.approx(patience)


@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.integers(0, 3), st.none() | st.floats(0, 4), st.floats(0, 100)), max_size=60
    ),
)
def test_whatever_happens_everybody_is_in_the_order_once(
    count: int, events: list[tuple[int, float | None, float]]
) -> None:
    chosen = selection(count)
    at = AT
    for number, seconds, passing in events:
        at += passing
        order = chosen.order(at)
        assert sorted(order) == list(range(count))
        resting = [chosen.upstreams[n].is_resting(at) for n in order]
        assert resting == sorted(resting)  # who rests stands behind who does not
        if seconds is None:
            chosen.failed(number % count, at)
        else:
            chosen.succeeded(number % count, seconds)
        for health in chosen.upstreams:
            assert PATIENCE_SECONDS_MIN <= health.patience_seconds <= PATIENCE_SECONDS_MAX
            assert health.rests_until <= at + REST_SECONDS_MAX
