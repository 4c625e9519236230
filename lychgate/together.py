"""`lychgate up`: resolver, recorder and portal as children of one small parent.

For a first look, for a container, for a machine without a service manager. The children share
nothing with the parent or each other but the files that their own commands use: each is just what
its command is. The parent starts them, starts one again that dies, prefixes what they print, passes
signals on, and ends them in order. It also sends somebody to refresh the lists now and then. With
systemd each has a unit of its own instead.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from lychgate.commands.options import BAD_INPUT

DONE: Final = 0
RESTART_SECONDS_MIN: Final = 0.5
RESTART_SECONDS_MAX: Final = 30.0
"""A part that dies again and again is started again less and less often."""
STEADY_SECONDS: Final = 60.0
"""A part that lived this long has earned a quick restart."""
STOP_SECONDS_MAX: Final = 15.0
"""A part that has not ended this long after SIGTERM is killed."""
HEAD_START_SECONDS: Final = 1.0
"""The resolver's: names are answered first, and a faulty configuration is told once. For the same
reason nothing is imported here that takes a while."""
LISTS_FIRST_SECONDS: Final = 15.0
"""After the start; names are answered first."""
LISTS_SECONDS: Final = 600.0
"""Between two refreshes. Each fetches only what is due, a list a day at most times, and otherwise
costs a second of processor time; a wish in the portal, or a network that is late, waits no longer.
"""
LINE_OCTETS_MAX: Final = 65_536
"""Longer lines are cut."""
ORPHANS_SECONDS: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1
_NOT_FOR_CHILDREN: Final = (
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
)  # fmt: skip


@dataclass
class Part:
    """One child; which process that is changes."""

    name: str
    command: tuple[str, ...]
    process: asyncio.subprocess.Process | None = None
    has_run: bool = False
    """Whether it ever ran for a while: then its configuration was good."""
    delay_seconds: float = field(default=RESTART_SECONDS_MIN)


@dataclass
class Errand:
    """A command that ends by itself, and is run again and again at the lowest priority."""

    name: str
    command: tuple[str, ...]
    first_seconds: float
    every_seconds: float
    process: asyncio.subprocess.Process | None = None


RESOLVER: Final = "resolver"
RECORDER: Final = "recorder"
PORTAL: Final = "portal"
LISTS: Final = "lists"
COMMANDS: Final = {RESOLVER: "serve", RECORDER: "record", PORTAL: "portal"}
"""The parts, in the order in which they start."""
STOPPING: Final = (PORTAL, RESOLVER, RECORDER)
"""The recorder last: it takes in what the resolver wrote at its end."""


def parts_of(
    commands: Sequence[str], options: Sequence[str], resolver_options: Sequence[str] = ()
) -> list[Part]:
    """The parts that these commands of `lychgate` make."""
    return [
        Part(name, (word, *options, *(resolver_options if name == RESOLVER else ())))
        for name, word in COMMANDS.items()
        if word in commands
    ]


def errands_of(commands: Sequence[str], options: Sequence[str]) -> list[Errand]:
    """The errands that these commands of `lychgate` make."""
    if LISTS not in commands:
        return []
    refresh = (LISTS, "refresh", "--log", *options)
    return [Errand(LISTS, refresh, LISTS_FIRST_SECONDS, LISTS_SECONDS)]


class Together:
    """The parent."""

    def __init__(
        self, parts: Sequence[Part], errands: Sequence[Errand] = (), out: TextIO = sys.stdout
    ) -> None:
        self._parts: Final = {part.name: part for part in parts}
        self._errands: Final = errands
        self._out: Final = out
        children: list[Part | Errand] = [*parts, *errands]
        self._width: Final = max(len(child.name) for child in children)
        self._end: Final = asyncio.Event()
        self._status = DONE

    async def run(self) -> int:
        """Run until told to stop; the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        keepers = {
            part.name: asyncio.create_task(self._keep(part)) for part in self._parts.values()
        }
        runners = [asyncio.create_task(self._run_again(errand)) for errand in self._errands]
        reaper = asyncio.create_task(self._reap()) if os.getpid() == 1 else None
        await self._end.wait()
        for errand, runner in zip(self._errands, runners, strict=True):
            await self._stop(errand, runner)
        for name in STOPPING:
            if name in keepers:
                await self._stop(self._parts[name], keepers[name])
        if reaper is not None:
            reaper.cancel()
        return self._status

    async def _keep(self, part: Part) -> None:
        """Start a part, again and again."""
        if part.name != RESOLVER:
            await self._pause(HEAD_START_SECONDS)
        while not self._end.is_set():
            began = time.monotonic()
            code = await self._run_once(part, _end_with_parent)
            lived = time.monotonic() - began
            if self._end.is_set():
                return
            if code == BAD_INPUT and not part.has_run and lived < STEADY_SECONDS:
                self._say(part.name, "cannot start; everything is ended")
                self._status = BAD_INPUT
                self._end.set()
                return
            if lived >= STEADY_SECONDS:
                part.has_run, part.delay_seconds = True, RESTART_SECONDS_MIN
            part.has_run = part.has_run or code != BAD_INPUT
            self._say(
                part.name, f"ended ({_ending(code)}); started again in {part.delay_seconds:g} s"
            )
            await self._pause(part.delay_seconds)
            part.delay_seconds = min(part.delay_seconds * 2, RESTART_SECONDS_MAX)

    async def _run_again(self, errand: Errand) -> None:
        """Run an errand, again and again; it says itself what it found, unless it was killed."""
        await self._pause(errand.first_seconds)
        while not self._end.is_set():
            code = await self._run_once(errand, _begin_errand)
            if code < 0 and not self._end.is_set():
                self._say(errand.name, f"ended ({_ending(code)})")
            await self._pause(errand.every_seconds)

    async def _run_once(self, child: Part | Errand, prepare: Callable[[], None]) -> int:
        """Start a child, pass on what it prints, wait for its end; its exit status."""
        child.process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "lychgate", *child.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_OCTETS_MAX,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the parent, which ends them in order.
            preexec_fn=prepare,
        )  # fmt: skip
        await self._pass_on(child.name, process)
        return await process.wait()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._end.wait(), seconds)

    async def _pass_on(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Print what a child prints, with its name before each line."""
        stream = process.stdout
        if stream is None:
            return
        while True:
            try:
                line = await stream.readline()
            except ValueError:  # Longer than may be kept; the rest of it comes as lines of its own.
                continue
            if not line:
                return
            self._say(name, line.decode(errors="replace").rstrip("\n"))

    async def _stop(self, child: Part | Errand, keeper: asyncio.Task[None]) -> None:
        self._signal(child, signal.SIGTERM)
        _, late = await asyncio.wait([keeper], timeout=STOP_SECONDS_MAX)
        if late:
            self._say(child.name, "does not end; it is killed")
            self._signal(child, signal.SIGKILL)
            await asyncio.wait([keeper], timeout=STOP_SECONDS_MAX)

    def _reload(self) -> None:
        """SIGHUP is for the resolver: it would end the others, which see changes themselves."""
        self._signal(self._parts[RESOLVER], signal.SIGHUP)

    def _signal(self, child: Part | Errand, number: signal.Signals) -> None:
        if child.process is not None and child.process.returncode is None:
            with suppress(ProcessLookupError):
                child.process.send_signal(number)

    def _say(self, name: str, text: str) -> None:
        with suppress(OSError):  # Whoever read it is gone: no reason to stop filtering.
            self._out.write(f"{name:<{self._width}} | {text}\n")
            self._out.flush()

    async def _reap(self) -> None:
        """As process 1 of a container: bury children of children, which nobody else does."""
        while True:
            await asyncio.sleep(ORPHANS_SECONDS)
            children: list[Part | Errand] = [*self._parts.values(), *self._errands]
            ours = {child.process.pid for child in children if child.process is not None}
            for pid in _ended_children() - ours:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - it has ended


def run_together(parts: Sequence[Part], errands: Sequence[Errand]) -> int:
    """Run the parts until SIGTERM or SIGINT; the exit status."""

    async def run() -> int:
        return await Together(parts, errands).run()

    return asyncio.run(run())


def _ended_children() -> set[int]:
    """Children of this process that have ended and are not buried."""
    found = set()
    with suppress(OSError):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
        for pid in map(int, children.split()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                found.add(pid)
    return found


def _environment() -> dict[str, str]:
    """What children see: the parent's, but for what the service manager told the parent alone.

    They run the code that the parent runs, wherever they are started.
    """
    kept = {key: value for key, value in os.environ.items() if key not in _NOT_FOR_CHILDREN}
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def _end_with_parent() -> None:
    """In the child, before it becomes the program: if the parent is killed, end as if told to."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _begin_errand() -> None:
    """In the child: the resolver goes first, always."""
    _end_with_parent()
    os.nice(19)


def _ending(code: int) -> str:
    return f"status {code}" if code >= 0 else signal.Signals(-code).name
