"""One resolver process: loop, listeners, service, upstreams, telemetry; and what it does on change.

`run` is what every worker runs. It is given everything (`Setup`) and reads no configuration itself.
Snapshots are built by a callable off the loop, verified, and swapped; a fault leaves the old one in
place and is told in log, metric and `/readyz`.
"""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

import structlog
from prometheus_client.registry import Collector

from resolver.cache import Cache, CacheSettings
from resolver.clock import Clock
from resolver.limits import Limits
from resolver.listeners import Bind, open_listeners
from resolver.service import Service
from resolver.snapshot import Snapshot, verify
from resolver.telemetry import status
from resolver.telemetry.asked import FLUSH_SECONDS, Asked
from resolver.telemetry.metrics import Metrics
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.transports import Endpoint

TICK_SECONDS: Final = 1.0
"""How often the clock is compared and files are looked at."""
TAKE_SECONDS: Final = 0.1
"""How often events become metrics: while they are still in the processor's cache (measured: 2 us an
event after 0.1 s, 6 us after 1 s)."""
SWITCH_SECONDS: Final = 0.001
"""How long a thread that builds a snapshot may hold the interpreter while queries wait."""

COLLECT_SECONDS: Final = 3600.0
"""Between two looks for reference cycles among everything."""
QUIET_QUERIES: Final = 50
"""A second with fewer queries is quiet."""

log = structlog.get_logger("resolver")


class SnapshotFault(Exception):
    """A snapshot cannot be built; `faults`: *where: what was given; what is allowed*."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults: Final = tuple(faults)


@dataclass(frozen=True)
class Built:
    """A snapshot, and what is not as it should be although it can be used."""

    snapshot: Snapshot
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setup:
    """Everything a resolver process is given."""

    binds: tuple[Bind, ...]
    routes: Mapping[str, Sequence[Endpoint]]
    build_snapshot: Callable[[], Built]
    """Called in a thread; raises `SnapshotFault`."""
    watched: tuple[Path, ...] = ()
    """Files whose change asks for a new snapshot."""
    cache: CacheSettings = CacheSettings()
    limits: Limits = field(default_factory=Limits)
    metrics: Bind | None = None
    asked_directory: Path | None = None
    """Where names in no list are counted for the review queue; None: they are not."""
    collectors: tuple[Collector, ...] = ()
    """Figures of others, shown beside ours."""
    shared: bool = False
    """Whether other processes listen on the same addresses."""


class Process:
    """The running parts of one worker."""

    def __init__(self, setup: Setup) -> None:
        self._setup: Final = setup
        self._clock: Final = Clock()
        self._stamps = read_stamps(self._setup.watched)
        self._reloading = asyncio.Lock()
        self._collect_at = monotonic() + COLLECT_SECONDS
        built = build(setup, self._clock())
        self.cache: Final = Cache(setup.cache)
        self.forwarder: Final = Forwarder(setup.routes, self.cache, self._clock)
        self.service: Final = Service(
            built.snapshot, self.cache, self.forwarder, setup.limits, self._clock
        )
        directory = setup.asked_directory
        self.asked: Final = None if directory is None else Asked(directory)
        self._flush_at = monotonic() + FLUSH_SECONDS
        self.metrics: Final = Metrics(self.service, self.asked)
        self.health: Final = status.Health()
        self.health.loaded(built.snapshot.policy.fingerprint, built.warnings)
        for warning in built.warnings:
            log.warning("snapshot", problem=warning)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        reload_now = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, reload_now.set)
        sys.setswitchinterval(SWITCH_SECONDS)
        listeners = await open_listeners(
            self.service, list(self._setup.binds), shared=self._setup.shared
        )
        for bind, listener in zip(self._setup.binds, listeners[::2], strict=False):
            log.info("listening", address=bind.host, port=listener.port)
        server = None
        if self._setup.metrics is not None:
            server = status.serve(self._setup.metrics, self.health, self._setup.collectors)
        ticker = asyncio.create_task(self._tick(reload_now))
        collect_garbage()
        self.health.ready = True
        try:
            await stop.wait()
        finally:
            self.health.ready = False
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
            for listener in listeners:
                listener.close()
            self.forwarder.close()
            self.metrics.take(0.0)
            if self.asked is not None:
                self._flush_of(self.asked)()
            if server is not None:
                server.close()

    async def reload(self) -> None:
        """Build a snapshot off the loop, verify it, swap it; or keep the old one and say why."""
        async with self._reloading:
            try:
                built = await asyncio.to_thread(rebuild, self._setup, self._clock())
            except SnapshotFault as fault:
                self.health.refused(fault.faults)
                self.metrics.reload("refused")
                for line in fault.faults:
                    log.error("change refused; the old policy stays", problem=line)
                return
            self.service.swap(built.snapshot)
            self.health.loaded(built.snapshot.policy.fingerprint, built.warnings)
            self.metrics.reload("done")
            log.info("snapshot swapped", policy=built.snapshot.policy.fingerprint[:12])

    async def _tick(self, reload_now: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + TICK_SECONDS
        while True:
            expected = loop.time() + TAKE_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reload_now.wait(), TAKE_SECONDS)
            now = loop.time()
            self.metrics.take(now - expected)
            if now >= due:
                due = now + TICK_SECONDS
                self._follow_clock()
                self._tidy(now)
                self._count_names(now)
                if self._is_stale():
                    reload_now.set()
            if reload_now.is_set():
                reload_now.clear()
                await self.reload()

    def _follow_clock(self) -> None:
        if self._clock.follow():
            log.warning("the clock was stepped; answers kept until now are forgotten")
            self.cache.clear()
            self.service.forget_answers()

    def _tidy(self, now: float) -> None:
        """Collect garbage once an hour in a quiet second; after a day without one, all the same."""
        overdue = now - self._collect_at
        quiet = self.metrics.queries_last < QUIET_QUERIES * TAKE_SECONDS
        if overdue >= 0 and (quiet or overdue >= COLLECT_SECONDS * 23):
            self._collect_at = now + COLLECT_SECONDS
            collect_garbage()

    def _count_names(self, now: float) -> None:
        """Write the counts of names once a minute, in a thread."""
        if self.asked is not None and now >= self._flush_at:
            self._flush_at = now + FLUSH_SECONDS
            asyncio.get_running_loop().run_in_executor(None, self._flush_of(self.asked))

    def _flush_of(self, asked: Asked) -> Callable[[], None]:
        """What a thread has to do; what was counted is taken here, on the loop."""
        return partial(asked.flush, asked.take(), self.service.snapshot.index, self._clock())

    def _is_stale(self) -> bool:
        stamps = read_stamps(self._setup.watched)
        changed = stamps != self._stamps
        self._stamps = stamps
        return changed


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


Stamp = tuple[int, int, int]
"""What tells one version of a file from the next."""


def stamp(path: Path) -> Stamp:
    """The stamp of a file; raises OSError when there is none."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_stamps(paths: Iterable[Path]) -> list[Stamp | None]:
    """The stamps of files, None for one that is not there."""
    stamps: list[Stamp | None] = []
    for path in paths:
        try:
            stamps.append(stamp(path))
        except OSError:
            stamps.append(None)
    return stamps


def collect_garbage() -> None:
    """Take the cycle collector off the path of queries: `_tidy` runs it.

    Answering a query makes no reference cycles, but with the collector's own timing every event is
    walked before it is freed, and again and again a cache of a million objects: 8 of 21 us a
    never-seen query. So the collector is off, and everything is looked at in a quiet second once an
    hour (after a day without one, all the same).
    """
    gc.collect()
    gc.disable()


async def run(setup: Setup) -> None:
    """Build the first snapshot and serve; raises `SnapshotFault` or `ListenFault` at start."""
    await Process(setup).run()
