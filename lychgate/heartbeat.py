"""Signs of life for the service manager, given only while the work is really done.

A thread does the service's work once as a client would (`lychgate.probing`). At the first success
the service is ready; from then on each success feeds the watchdog. A process that hangs in its loop
or answers nobody is not fed, and the manager starts it again. A thread, because a loop that hangs
cannot notice that it hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from lychgate.kinds import write_bind
from lychgate.notifying import Notifier
from lychgate.probing import probe_workers
from resolver.listeners import Bind

if TYPE_CHECKING:  # the portal has a heart as well, and measures nothing
    from resolver.telemetry.status import Health

FIRST_SECONDS: Final = 0.2
"""Between two looks until the first answer."""
FEEDINGS: Final = 4
"""Feedings in the time that the manager allows: three lost ones are no restart."""
FEED_SECONDS_MAX: Final = 20.0
"""The longest time between two looks."""


Probe = Callable[[], str]
"""Does the work once; returns what is wrong, or nothing. May take seconds, must not raise."""


class Heart:
    """The thread that looks, and tells."""

    def __init__(self, notifier: Notifier, probe: Probe, describe: Callable[[], str]) -> None:
        self._notifier: Final = notifier
        self._probe: Final = probe
        self._describe: Final = describe
        self._end: Final = threading.Event()
        self._told = ""
        self.problem = ""
        """What was wrong when it last looked."""

    def start(self) -> None:
        """Begin, if anybody listens."""
        if self._notifier.is_heard:
            threading.Thread(target=self._beat, name="heart", daemon=True).start()

    def stop(self) -> None:
        """No more signs of life; the manager is told that this is meant."""
        self._end.set()
        self._notifier.stopping()

    def _beat(self) -> None:
        while self._probe():
            if self._end.wait(FIRST_SECONDS):
                return
        if self._end.is_set():
            return
        self._told = self._describe()
        self._notifier.ready(self._told)
        watched = self._notifier.watchdog_seconds
        wait = min(watched / FEEDINGS, FEED_SECONDS_MAX) if watched else FEED_SECONDS_MAX
        while not self._end.is_set():
            self.problem = self._probe()
            if not self.problem:
                self._notifier.feed()
            self._tell(f"not answering: {self.problem}" if self.problem else self._describe())
            self._end.wait(wait)

    def _tell(self, status: str) -> None:
        if status != self._told and not self._end.is_set():
            self._told = status
            self._notifier.status(status)


class Pulse:
    """For a loop that says itself that it moves, such as the recorder's."""

    def __init__(self, notifier: Notifier, describe: Callable[[], str]) -> None:
        self._notifier: Final = notifier
        self._describe: Final = describe
        self._wait: Final = min(notifier.watchdog_seconds / FEEDINGS, FEED_SECONDS_MAX)
        self._due = 0.0
        self._told = ""

    def beat(self) -> None:
        """It moved. Told no more often than is of use."""
        now, status = time.monotonic(), self._describe()
        if not self._told:
            self._notifier.ready(status)
        elif status != self._told:
            self._notifier.status(status)
        self._told = status
        if now >= self._due:
            self._due = now + self._wait
            self._notifier.feed()


class Witness:
    """Tells the service manager what a resolver process goes through. An `Observer`."""

    def __init__(self, notifier: Notifier, workers: int = 1) -> None:
        self._notifier: Final = notifier
        self._workers: Final = workers
        self._heart: Heart | None = None
        self._status = ""

    @property
    def problem(self) -> str:
        """What is wrong with our own answers to ourselves, if anything is."""
        return "" if self._heart is None else self._heart.problem

    def ready(self, binds: Sequence[Bind], health: Health) -> None:
        """Begin with signs of life; the first answer makes it official."""
        where = ", ".join(write_bind(bind) for bind in binds)

        def describe() -> str:
            problems = health.problems
            more = f"; {len(problems)} to look at: {problems[0]}" if problems else ""
            self._status = f"answering on {where}{more}"
            return self._status

        def probe() -> str:
            return probe_workers(binds, self._workers)

        self._heart = Heart(self._notifier, probe, describe)
        self._heart.start()

    def reloading(self) -> None:
        """Everything is read again."""
        self._notifier.reloading()

    def reloaded(self) -> None:
        """That is done. Before the first answer it is not for us to say that we are ready."""
        if self._status:
            self._notifier.ready(self._status)

    def stopping(self) -> None:
        """The end has begun."""
        if self._heart is not None:
            self._heart.stop()
