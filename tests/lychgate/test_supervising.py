"""The parent of several workers, without its children: what it makes of a change."""

from __future__ import annotations

from lychgate.supervising import Supervisor, _First, _unseen_first
from resolver.setup import Built, Setup
from tests.resolver.venue import snapshot


def test_the_parent_outlives_whatever_a_change_brings() -> None:
    """As a worker does: refused as a whole, the old one kept, and said why."""
    good = Built(snapshot())
    outcomes: list[Built | Exception] = [good, RuntimeError("torn")]

    def build() -> Built:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    parent = Supervisor(Setup((), {}, build), 1, None)
    parent._follow()
    assert parent._built is good
    assert parent._faults == ("snapshot: RuntimeError('torn')",)


def test_the_parent_keeps_the_policy_for_all_its_workers() -> None:
    """What is left to do for a snapshot is done once, and not by each worker."""
    settled: list[str] = []

    def settle() -> tuple[str, ...]:
        settled.append("parent")
        return ("no space left",)

    setup = Setup((), {}, lambda: Built(snapshot(), settle=settle))
    parent = Supervisor(setup, 1, None)
    parent._follow()
    assert settled == ["parent"]
    assert parent._faults == ("no space left",)
    worker = _First(parent._built, parent._faults, setup)
    first, second = worker(), worker()
    assert first.snapshot is parent._built.snapshot
    assert first.warnings == ("no space left",)
    assert not first.settle() and not second.settle()
    assert settled == ["parent"]


def test_a_worker_looks_once_for_what_changed_before_it_was_there() -> None:
    watch = _unseen_first(lambda: 7)
    first = watch()
    assert first != watch()
    assert watch() == watch() == 7
