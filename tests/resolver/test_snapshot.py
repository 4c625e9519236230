"""The snapshot: perspectives, routes, and that a broken one is found out before it is trusted."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace

import pytest

from categoriser.matches import CategoryIndex
from categoriser.names import from_text
from resolver.answers import UnknownKind, nodata, nxdomain
from resolver.snapshot import verify
from tests.resolver.venue import (
    LEARNER,
    LUNCH_STARTS,
    POLICY,
    STAFF,
    TUESDAY_10,
    packed,
    snapshot,
)


def test_a_perspective_is_one_clients_side() -> None:
    state = snapshot()
    learner = state.perspective(packed(LEARNER), TUESDAY_10)
    staff = state.perspective(packed(STAFF), TUESDAY_10)
    assert (learner.client.venue, learner.client.profile) == ("harbour", "learners")
    assert (staff.client.room, staff.client.profile) == ("office", "staff")
    assert (learner.build_answer, staff.build_answer) == (nxdomain.build, nodata.build)
    assert from_text("www.google.com") in learner.rewrites
    assert not staff.rewrites
    assert learner.view.valid_until == LUNCH_STARTS
    assert math.isinf(staff.view.valid_until) or staff.view.valid_until > TUESDAY_10


def test_the_longest_zone_takes_a_name() -> None:
    state = snapshot(routes={"corp.example": "head", "lab.corp.example": "lab"})
    routes = {
        name: state.route(from_text(name))
        for name in (
            "corp.example",
            "a.b.corp.example",
            "lab.corp.example",
            "x.lab.corp.example",
            "example",
            "notcorp.example",
            "corp.example.org",
            ".",
        )
    }
    assert routes == {
        "corp.example": "head",
        "a.b.corp.example": "head",
        "lab.corp.example": "lab",
        "x.lab.corp.example": "lab",
        "example": None,
        "notcorp.example": None,
        "corp.example.org": None,
        ".": None,
    }
    assert snapshot().route(from_text("corp.example")) is None


def test_nothing_in_it_changes() -> None:
    state = snapshot()
    with pytest.raises(FrozenInstanceError):
        state.routes = {}  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        state.perspective(packed(LEARNER), TUESDAY_10).rewrites = {}  # type: ignore[misc]


def test_a_good_one_is_verified() -> None:
    verify(snapshot(), TUESDAY_10)


def test_a_kind_of_answer_that_is_no_file_is_found_out() -> None:
    """Also in a profile that no venue uses yet."""
    state = snapshot(policy=POLICY.replace('answer = "nodata"', 'answer = "teapot"'))
    with pytest.raises(UnknownKind, match="teapot"):
        verify(state, TUESDAY_10)


def test_an_index_that_raises_is_found_out() -> None:
    class Torn:
        def find(self, spelling: object) -> tuple[()]:
            raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        verify(replace(snapshot(), index=CategoryIndex((Torn(),))), TUESDAY_10)
