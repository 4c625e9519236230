"""What a resolver process is given, and how it comes to a snapshot that it may use.

Whoever composes a process (`lychgate.composition`) gives it a `Setup`: it reads no configuration
itself. A snapshot is built in a thread by what it was given, and verified before it counts.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from prometheus_client.registry import Collector

from resolver.cache import CacheSettings
from resolver.limits import Limits, Trust
from resolver.listeners import Bind
from resolver.snapshot import Snapshot, verify
from resolver.telemetry import status
from resolver.telemetry.recording import SPOOL_OCTETS_MAX
from resolver.telemetry.tap import TapSettings
from resolver.upstream.transports import Endpoint


class SnapshotFault(Exception):
    """A snapshot cannot be built; `faults`: *where: what was given; what is allowed*."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults: Final = tuple(faults)


def _never_changes() -> object:
    return None


@dataclass(frozen=True)
class Built:
    """A snapshot, and what is not as it should be although it can be used."""

    snapshot: Snapshot
    """The very same as before when nothing changed."""
    warnings: tuple[str, ...] = ()
    source_up: bool = True
    """Whether the policy is what its source says now, and not one that was kept."""
    settle: Callable[[], tuple[str, ...]] = tuple
    """What is left to do once the snapshot is in use; called in a thread. Returns what failed."""


class Observer(Protocol):
    """Somebody who is told how the process does, such as the service manager."""

    def ready(self, binds: Sequence[Bind], health: status.Health) -> None:
        """Queries are answered at `binds`; `health` goes on saying how."""

    def reloading(self) -> None:
        """Everything is read again, because somebody asked for it."""

    def reloaded(self) -> None:
        """That is done, whether what was read was good or not."""

    def stopping(self) -> None:
        """The end has begun."""


@dataclass(frozen=True)
class Setup:
    """Everything a resolver process is given."""

    binds: tuple[Bind, ...]
    routes: Mapping[str, Sequence[Endpoint]]
    build_snapshot: Callable[[], Built]
    """Called in a thread; raises `SnapshotFault`."""
    watch: Callable[[], object] = _never_changes
    """A stamp; one that differs from the last asks for a new snapshot. Called on the loop: it must
    return within a millisecond, and never raise."""
    cache: CacheSettings = CacheSettings()
    limits: Limits = field(default_factory=Limits)
    trust: Trust = field(default_factory=Trust)
    metrics: Bind | None = None
    asked_directory: Path | None = None
    """Where names in no list are counted for the review queue; None: they are not."""
    spool_directory: Path | None = None
    """Where what happened is left for the recorder; None: telemetry is off."""
    spool_octets_max: int = SPOOL_OCTETS_MAX
    tap: TapSettings | None = None
    """Who is given every query by dnstap; None: nobody."""
    collectors: tuple[Collector, ...] = ()
    """Figures of others, shown beside ours."""
    shared: bool = False
    """Whether other processes listen on the same addresses."""
    handed: tuple[socket.socket, ...] = ()
    """Sockets that somebody else opened; `binds` are then where they listen."""
    observer: Observer | None = None


def build(setup: Setup, at: float) -> Built:
    """Build a snapshot and verify it."""
    built = setup.build_snapshot()
    verify(built.snapshot, at)
    return built


def rebuild(setup: Setup, at: float) -> Built:
    """Build a snapshot after a change. Raises `SnapshotFault`, whatever it was that went wrong: the
    snapshot in use goes on serving, and the next change is looked at.
    """
    try:
        return build(setup, at)
    except SnapshotFault:
        raise
    except Exception as fault:
        raise SnapshotFault((f"snapshot: {fault!r}",)) from fault
