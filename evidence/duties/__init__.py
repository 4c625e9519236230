"""Periodic duties of the recorder, a file each, found by folder: nothing to register.

A module `evidence/duties/<word>.py` has::

    INTERVAL_SECONDS: Final = 60.0

    async def run(context: Context) -> None:
        async with context.evidence.reading() as connection: ...

It runs in the recorder's loop: what blocks goes through `asyncio.to_thread`. Each runs by itself,
at most `SECONDS_MAX` long, and never twice at a time; one that fails is reported in log, metric and
portal, and stops nobody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from categoriser.taxonomy import Taxonomy
from evidence.store import EvidenceStore
from policy.store.store import Store

SECONDS_MAX: Final = 300.0


@dataclass(frozen=True, slots=True)
class Context:
    """What a duty is given."""

    evidence: EvidenceStore
    """Open. Its `changing()` is shared with the recorder: keep transactions short."""
    at: float
    """POSIX seconds, when this run began."""
    taxonomy: Taxonomy
    decisions: Callable[[], AbstractAsyncContextManager[Store]]
    """Opens what people decide (venues, people), for as long as the block lasts. Raises
    `StoreFault`."""
    state_directory: Path
    given: Mapping[str, Any] = field(default_factory=dict)
    """What the composition root hands to single duties, by a name of theirs
    (`lychgate.recording`)."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty."""

    name: str
    interval_seconds: float
    run: Callable[[Context], Awaitable[None]]


@cache
def duties() -> tuple[Duty, ...]:
    """Every duty in this folder, by name."""
    found = []
    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        loaded = import_module(f"{__name__}.{module.name}")
        found.append(Duty(module.name, float(loaded.INTERVAL_SECONDS), loaded.run))
    return tuple(found)
