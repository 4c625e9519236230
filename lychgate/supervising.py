"""Several workers: this process starts them, watches them, and answers for them.

Workers are forked children, each with a loop of its own, on the same addresses (SO_REUSEPORT). The
parent answers no queries: it serves metrics and health, passes signals on, puts a new worker in the
place of a dead one, and follows changes of policy itself, so that a new worker starts from the last
good snapshot even when the files are broken by then.
"""

from __future__ import annotations

import asyncio
import gc
import mmap
import os
import signal
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, NoReturn

import structlog
import uvloop
from prometheus_client import multiprocess

from lychgate.heartbeat import Witness
from lychgate.notifying import Notifier
from resolver.listeners import Bind, ListenFault
from resolver.process import WATCH_SECONDS, run
from resolver.setup import Built, Setup, SnapshotFault, build, rebuild
from resolver.telemetry import status
from resolver.telemetry.metrics import note_built

RESTART_SECONDS_MIN: Final = 0.5
RESTART_SECONDS_MAX: Final = 30.0
"""A worker that dies again and again is started again less and less often."""
STEADY_SECONDS: Final = 60.0
"""A worker that lived this long has earned a quick restart."""
SILENT_SECONDS_MAX: Final = 20.0
"""A worker whose loop has not moved for so long hangs: it is killed and replaced."""
BEAT_SECONDS: Final = 1.0
STOP_SECONDS_MAX: Final = 10.0
"""A worker that has not ended this long after SIGTERM is killed."""

_BEAT: Final = struct.Struct("d")
_UNSEEN: Final = object()
"""In the place of a stamp: the first look follows whatever changed since the first snapshot."""

_AWAITED: Final = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

log = structlog.get_logger("lychgate")


@dataclass
class Worker:
    """One place for a worker; who is in it changes."""

    number: int
    pid: int = 0
    """0 while nobody is in it."""
    started_at: float = 0.0
    """On the monotonic clock."""
    due_at: float = 0.0
    """When to start the next one."""
    delay_seconds: float = RESTART_SECONDS_MIN


class Supervisor:
    """The parent of several workers."""

    def __init__(
        self, setup: Setup, workers: int, metrics: Bind | None, witness: Witness | None = None
    ) -> None:
        self._setup: Final = setup
        self._witness: Final = witness or Witness(Notifier(), workers)
        self._unheard = ""
        self._beats: Final = Beats(workers)
        self._metrics: Final = metrics
        self._workers: Final = [Worker(number) for number in range(workers)]
        self._faults: tuple[str, ...] = ()
        self._health: Final = status.Health()
        self._stamp: object = _UNSEEN
        began = time.monotonic()
        self._built: Built = build(setup, time.time())
        note_built(self._built.source_up, time.monotonic() - began)
        self._lifeline: Final = os.pipe()
        """Its writing end closes when this process ends, however it ends; workers watch it."""

    def run(self) -> int:
        """Run until told to stop; the exit status."""
        # Signals are taken one by one with sigtimedwait: no handler ever interrupts anything.
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        gc.collect()
        gc.freeze()  # What is here already is never looked at again, and so stays shared.
        server = None
        try:
            for worker in self._workers:
                self._start(worker)
            if self._metrics is not None:
                server = status.serve(self._metrics, self._health, self._setup.collectors)
            self._tell_health()
            self._witness.ready(self._setup.binds, self._health)
            self._watch()
        finally:
            self._health.ready = False
            self._witness.stopping()
            self._stop()
            if server is not None:
                server.close()
        return 0

    def _watch(self) -> None:
        """Take signals until one means the end."""
        while True:
            taken = signal.sigtimedwait(_AWAITED, WATCH_SECONDS)
            number = None if taken is None else taken.si_signo
            if number in (signal.SIGTERM, signal.SIGINT):
                return
            self._bury()
            self._end_silent()
            if number == signal.SIGHUP:
                self._witness.reloading()
                self._send(signal.SIGHUP)
            # Only now: watching may take a thread, which must not be forked nor take our signals.
            stamp = self._setup.watch()
            if number == signal.SIGHUP or stamp != self._stamp:
                self._stamp = stamp
                self._follow()
            if number == signal.SIGHUP:
                self._witness.reloaded()
            now = time.monotonic()
            for worker in self._workers:
                if not worker.pid and now >= worker.due_at:
                    self._start(worker)
            self._tell_health()
            # Logged here and not where it is found: a lock of the log must not be held at a fork.
            if self._witness.problem != self._unheard:
                self._unheard = self._witness.problem
                log.error("what we ask ourselves", problem=self._unheard or "is answered again")

    def _start(self, worker: Worker) -> None:
        # A replacement is forked while the status server's threads live in the parent. They hold no
        # lock that a worker takes; keep it so. The same goes for the witness's thread.
        pid = os.fork()
        if pid == 0:
            self._become_worker(worker)
        worker.pid, worker.started_at = pid, time.monotonic()
        log.info("worker started", worker=worker.number, pid=pid)

    def _become_worker(self, worker: Worker) -> NoReturn:
        """In the child: serve, and never return into the parent's code."""
        code = 1
        try:
            os.close(self._lifeline[1])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            uvloop.run(self._work(worker.number))
            code = 0
        except (SnapshotFault, ListenFault) as fault:
            log.error("worker cannot start", worker=worker.number, problem=str(fault))
        except BaseException:
            log.exception("worker failed", worker=worker.number)
        finally:
            os._exit(code)

    async def _work(self, number: int) -> None:
        self._beats.keep_on(number)
        # The parent is gone without a word: end as if it had told us.
        asyncio.get_running_loop().add_reader(
            self._lifeline[0], os.kill, os.getpid(), signal.SIGTERM
        )
        first = _First(self._built, self._faults, self._setup)
        watch = _unseen_first(self._setup.watch)
        await run(replace(self._setup, build_snapshot=first, watch=watch))

    def _bury(self) -> None:
        """Take note of workers that ended."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.pid and (code := _ended(worker.pid)) is not None:
                if now - worker.started_at >= STEADY_SECONDS:
                    worker.delay_seconds = RESTART_SECONDS_MIN
                log.error(
                    "worker ended; another takes its place",
                    worker=worker.number,
                    pid=worker.pid,
                    status=code,
                    after_seconds=worker.delay_seconds,
                )
                multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
                worker.pid, worker.due_at = 0, now + worker.delay_seconds
                worker.delay_seconds = min(worker.delay_seconds * 2, RESTART_SECONDS_MAX)

    def _end_silent(self) -> None:
        """Kill workers that hang: they take their share of the queries and answer none."""
        now = time.monotonic()
        for worker in self._workers:
            last = max(worker.started_at, self._beats.last(worker.number))
            if worker.pid and now - last > SILENT_SECONDS_MAX:
                log.error("worker hangs; it is ended", worker=worker.number, pid=worker.pid)
                worker.started_at = now  # Once; dying takes a moment.
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)

    def _follow(self) -> None:
        """Do what the workers do on a change: take it over, or keep what was."""
        began = time.monotonic()
        try:
            built = rebuild(self._setup, time.time())
        except SnapshotFault as fault:
            self._faults = fault.faults
            return
        note_built(built.source_up, time.monotonic() - began)
        self._built, self._faults = built, built.settle()

    def _tell_health(self) -> None:
        health = self._health
        missing = sum(not worker.pid for worker in self._workers)
        down = (f"{missing} of {len(self._workers)} workers are down",) if missing else ()
        problems = (*self._faults, *self._built.warnings)
        health.loaded(self._built.snapshot.policy.fingerprint, (*down, *problems))
        health.ready = not missing

    def _send(self, number: int) -> None:
        for worker in self._workers:
            if worker.pid:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, number)

    def _stop(self) -> None:
        """End the workers, in good order if they can."""
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while any(worker.pid for worker in self._workers):
            for worker in self._workers:
                if worker.pid and _ended(worker.pid) is not None:
                    worker.pid = 0
            if time.monotonic() >= deadline:
                self._send(signal.SIGKILL)
                deadline += STOP_SECONDS_MAX
            signal.sigtimedwait({signal.SIGCHLD}, 0.1)


class Beats:
    """When the loop of each worker last moved, in memory that parent and workers share."""

    def __init__(self, workers: int) -> None:
        self._memory: Final = mmap.mmap(-1, workers * _BEAT.size)

    def last(self, number: int) -> float:
        """On the monotonic clock, which all processes share."""
        found: tuple[float] = _BEAT.unpack_from(self._memory, number * _BEAT.size)
        return found[0]

    def keep_on(self, number: int) -> None:
        """In the worker, on its loop: note the time, again and again."""
        _BEAT.pack_into(self._memory, number * _BEAT.size, time.monotonic())
        asyncio.get_running_loop().call_later(BEAT_SECONDS, self.keep_on, number)


class _First:
    """Builds snapshots for a worker; the first is the parent's: good, and in shared memory.

    What is left to do for a snapshot the parent does, once for all.
    """

    def __init__(self, built: Built, faults: Sequence[str], setup: Setup) -> None:
        warnings = (*built.warnings, *faults)
        self._built: Built | None = replace(built, warnings=warnings, settle=tuple)
        self._setup: Final = setup

    def __call__(self) -> Built:
        built, self._built = self._built, None
        return built if built is not None else replace(self._setup.build_snapshot(), settle=tuple)


def _unseen_first(watch: Callable[[], object]) -> Callable[[], object]:
    """A worker's watch: something may have changed since the parent built what it begins with."""
    stamps = iter([_UNSEEN])
    return lambda: next(stamps, None) or watch()


def _ended(pid: int) -> int | None:
    """The exit status of a child that ended (negative: the signal that ended it), else None."""
    try:
        found, code = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(code) if found else None
