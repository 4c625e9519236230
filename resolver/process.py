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
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Final

import structlog

from policy.rulebook import RuleBook
from resolver.cache import Cache
from resolver.clock import Clock
from resolver.listeners import Bind, adopt_listeners, open_listeners
from resolver.service import Service
from resolver.setup import Built, Setup, SnapshotFault, build, rebuild
from resolver.telemetry import status
from resolver.telemetry.asked import FLUSH_SECONDS, Asked
from resolver.telemetry.metrics import Metrics, note_built
from resolver.telemetry.recording import Recording
from resolver.telemetry.tap import Tap
from resolver.upstream.forwarder import Forwarder

TICK_SECONDS: Final = 1.0
"""How often the clock is compared."""
WATCH_SECONDS: Final = 0.25
"""How often a change is looked for: what somebody approves is live within a second."""
TAKE_SECONDS: Final = 0.1
"""How often events become metrics: while they are still in the processor's cache (measured: 2 us an
event after 0.1 s, 6 us after 1 s)."""
SWITCH_SECONDS: Final = 0.00005
"""How long a thread that builds a snapshot may hold the interpreter while queries wait. Each packet
gives the interpreter away twice, so this counts twice for each: while 50,000 rules were filed at
10,000 queries a second, 1 ms lost queries and held the loop up for 38 ms, this none and 11 ms."""

RELEASE_SECONDS: Final = 15.0
"""How long rules outlive their snapshot: longer than any query under way under it."""
RELEASED_AT_ONCE: Final = 500
"""Rules that are freed in one step, in which no query is answered: 0.4 ms."""

COLLECT_SECONDS: Final = 3600.0
"""Between two looks for reference cycles among everything."""
QUIET_QUERIES: Final = 50
"""A second with fewer queries is quiet."""

log = structlog.get_logger("resolver")


class Process:
    """The running parts of one worker."""

    def __init__(self, setup: Setup) -> None:
        self._setup: Final = setup
        self._clock: Final = Clock()
        self._stamp = setup.watch()
        self._reloading = asyncio.Lock()
        self._collect_at = monotonic() + COLLECT_SECONDS
        began = monotonic()
        self._built = built = build(setup, self._clock())
        build_seconds = monotonic() - began
        self.cache: Final = Cache(setup.cache)
        self.forwarder: Final = Forwarder(setup.routes, self.cache, self._clock)
        self.service: Final = Service(
            built.snapshot, self.cache, self.forwarder, setup.limits, self._clock, setup.trust
        )
        directory = setup.asked_directory
        self.asked: Final = None if directory is None else Asked(directory)
        spool = setup.spool_directory
        self.recording: Final = (
            None
            if spool is None
            else Recording(spool, built.snapshot.taxonomy, setup.spool_octets_max)
        )
        self._flush_at = monotonic() + FLUSH_SECONDS
        self.tap: Final = None if setup.tap is None else Tap(setup.tap)
        self.metrics: Final = Metrics(self.service, self.asked, self.recording, self.tap)
        self.health: Final = status.Health()
        self._take_note(built, build_seconds)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        reload_now = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, reload_now.set)
        sys.setswitchinterval(SWITCH_SECONDS)
        setup, observer = self._setup, self._setup.observer
        if setup.handed:
            listeners = await adopt_listeners(self.service, setup.handed)
            binds = list(setup.binds)
        else:
            listeners = await open_listeners(self.service, list(setup.binds), shared=setup.shared)
            pairs = zip(setup.binds, listeners[::2], strict=True)  # UDP and TCP of each address
            binds = [Bind(bind.host, listener.port) for bind, listener in pairs]
        for bind in binds:
            log.info("listening", address=bind.host, port=bind.port)
        server = None
        if self._setup.metrics is not None:
            server = status.serve(self._setup.metrics, self.health, self._setup.collectors)
        collect_garbage()
        if self.tap is not None:
            self.tap.start()
        tasks = [
            asyncio.create_task(self._tick()),
            asyncio.create_task(self._follow_changes(reload_now)),
        ]
        self.health.ready = True
        if observer is not None:
            observer.ready(binds, self.health)
        try:
            await stop.wait()
        finally:
            self.health.ready = False
            if observer is not None:
                observer.stopping()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for listener in listeners:
                listener.close()
            self.forwarder.close()
            self.metrics.take(0.0)
            if self.asked is not None:
                self._flush_of(self.asked)()
            if self.recording is not None:
                self.recording.flush(self.recording.take(), self._clock(), last=True)
            if self.tap is not None:
                self.tap.close()
            if server is not None:
                server.close()

    async def reload(self) -> None:
        """Build a snapshot off the loop, verify it, swap it; or keep the old one and say why."""
        async with self._reloading:
            began = monotonic()
            try:
                built = await asyncio.to_thread(rebuild, self._setup, self._clock())
            except SnapshotFault as fault:
                self.health.refused(fault.faults)
                self.metrics.reload("refused")
                for line in fault.faults:
                    log.error("change refused; the old policy stays", problem=line)
                return
            old = self.service.snapshot
            if built.snapshot is not old:
                self.service.swap(built.snapshot)
                if built.snapshot.policy.rulebook is not old.policy.rulebook:
                    self._release_later(old.policy.rulebook)
                self.metrics.reload("done")
                log.info("snapshot swapped", policy=built.snapshot.policy.fingerprint[:12])
            self._take_note(built, monotonic() - began)
            await self._settle()

    def _release_later(self, rules: RuleBook) -> None:
        """Keep the rules of an old snapshot until nobody uses them, and free them off the loop."""
        loop = asyncio.get_running_loop()
        loop.call_later(RELEASE_SECONDS, loop.run_in_executor, None, release, [rules])

    def _take_note(self, built: Built, build_seconds: float) -> None:
        """Say in health, metrics and log what is in use now, and what is not as it should be."""
        known = self.health.problems
        self._built = built
        self.health.loaded(built.snapshot.policy.fingerprint, built.warnings)
        note_built(built.source_up, build_seconds)
        for warning in built.warnings:
            if warning not in known:
                log.warning("snapshot", problem=warning)

    async def _settle(self) -> None:
        """Do, off the loop, what is left to do for a snapshot that is in use."""
        problems = await asyncio.to_thread(self._built.settle)
        for problem in problems:
            log.warning("snapshot", problem=problem)
        if problems:
            self.health.problems += problems

    async def _follow_changes(self, reload_now: asyncio.Event) -> None:
        """Take every change over. Not a part of `_tick`: figures are taken while a snapshot is
        built.
        """
        await self._settle()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reload_now.wait(), WATCH_SECONDS)
            told = reload_now.is_set()
            reload_now.clear()
            observer = self._setup.observer if told else None
            if observer is not None:
                observer.reloading()
            if self._is_stale() or told:
                await self.reload()
            if observer is not None:
                observer.reloaded()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + TICK_SECONDS
        while True:
            expected = loop.time() + TAKE_SECONDS
            await asyncio.sleep(TAKE_SECONDS)
            now = loop.time()
            self.metrics.take(now - expected)
            if now >= due:
                due = now + TICK_SECONDS
                self._follow_clock()
                self._tidy(now)
                self._count_names(now)
                self._record()

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

    def _record(self) -> None:
        """Write what happened, in a thread; taken once a second, here, on the loop."""
        if self.recording is not None:
            flush = partial(self.recording.flush, self.recording.take(), self._clock())
            asyncio.get_running_loop().run_in_executor(None, flush)

    def _flush_of(self, asked: Asked) -> Callable[[], None]:
        """What a thread has to do; what was counted is taken here, on the loop."""
        return partial(asked.flush, asked.take(), self.service.snapshot.index, self._clock())

    def _is_stale(self) -> bool:
        stamp = self._setup.watch()
        changed = stamp != self._stamp
        self._stamp = stamp
        return changed


def release(last: list[RuleBook]) -> None:
    """Let go of rules in small steps: freeing is one step that holds the interpreter. `last` is
    emptied, so that nobody else keeps them.
    """
    for part in last.pop().parts():
        while part:
            del part[-RELEASED_AT_ONCE:]


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
