"""The parent of several workers, without its children: what it makes of a change."""

from __future__ import annotations

from lychgate.supervising import Supervisor
from resolver.process import Built, Setup
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
