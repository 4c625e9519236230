"""Gives every query to a receiver of dnstap, if somebody wants that: in a thread of its own.

The loop only puts references into a bounded queue (`Tap.note`). The thread composes messages, sends
them, and connects again with growing pauses. A receiver that is slow or gone costs messages, which
are counted, and never an answer.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import Final

import structlog

from resolver.service import Event
from resolver.telemetry.dnstap import Hit, Writer
from resolver.telemetry.frames import FrameFault, FrameStream, Receiver

PENDING_MAX: Final = 50_000
"""Queries that wait for the receiver; more are lost and counted. What waits keeps its answers in
memory: some 50 MB at worst."""
LOOK_SECONDS: Final = 0.2
"""Between two looks into the queue."""
PAUSE_SECONDS_MIN: Final = 1.0
PAUSE_SECONDS_MAX: Final = 60.0
"""Between two tries to connect: it doubles from one to the other."""
CLOSE_SECONDS_MAX: Final = 2.0
"""How long the end of the process waits for the thread."""

log = structlog.get_logger("resolver")


@dataclass(frozen=True, slots=True)
class TapSettings:
    """Who is given what."""

    receiver: Receiver
    identity: str = ""
    """How this server calls itself; empty: the machine's name."""
    addresses: bool = False
    """Whether the client's address is given away."""
    queries: bool = False
    """Whether a message for each query is sent beside the one for its answer."""


class Tap:
    """The tap of one process."""

    def __init__(self, settings: TapSettings) -> None:
        self._settings: Final = settings
        self._pending: Final[deque[tuple[Sequence[Hit], Sequence[Event]]]] = deque()
        self._stop: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name="dnstap", daemon=True)
        self._taken = self._put = 0
        self._problem = ""
        self.connected = False
        self.sent = 0
        """Queries given to the receiver."""
        self._refused = self._failed = 0

    @property
    def lost(self) -> int:
        """Queries that were not given to the receiver."""
        return self._refused + self._failed

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def note(self, hits: Sequence[Hit], events: Sequence[Event]) -> None:
        """Take a batch of telemetry. On the loop; the lists must not be changed any more."""
        count = len(hits) + len(events)
        if not count:
            return
        # Each counter has one writer: the loop puts, the thread takes.
        if self._put - self._taken + count > PENDING_MAX:
            self._refused += count
            return
        self._put += count
        self._pending.append((hits, events))

    def close(self) -> None:
        """Give what waits to a receiver that is there, and end; never longer than a moment."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS_MAX)

    def _run(self) -> None:
        pause = PAUSE_SECONDS_MIN
        writer = self._writer()
        while not self._stop.is_set():
            sent = self.sent
            try:
                self._deliver(writer)
            except (OSError, FrameFault) as fault:
                self._say(str(fault) or type(fault).__name__)
            except Exception as fault:  # ours: nothing may end the thread unheard
                self._say(repr(fault))
            self.connected = False
            pause = PAUSE_SECONDS_MIN if self.sent > sent else min(pause * 2, PAUSE_SECONDS_MAX)
            self._stop.wait(pause)

    def _deliver(self, writer: Writer) -> None:
        """One connection, from beginning to end. Raises OSError, `FrameFault`."""
        stream = FrameStream.open(self._settings.receiver)
        whole = False
        try:
            self.connected = True
            self._say("")
            while not self._stop.wait(LOOK_SECONDS):
                if stream.is_gone():
                    raise FrameFault("the receiver closed the connection")
                self._send_waiting(stream, writer)
            self._send_waiting(stream, writer, until=monotonic() + CLOSE_SECONDS_MAX / 2)
            whole = True
        finally:
            stream.close(politely=whole)

    def _send_waiting(
        self, stream: FrameStream, writer: Writer, until: float = float("inf")
    ) -> None:
        while self._pending and monotonic() < until:
            hits, events = self._pending.popleft()
            count = len(hits) + len(events)
            self._taken += count
            try:
                for frame in writer.of_hits(hits):
                    stream.add(frame)
                for frame in writer.of_events(events):
                    stream.add(frame)
                stream.flush()
            except BaseException:
                self._failed += count
                raise
            self.sent += count

    def _say(self, problem: str) -> None:
        """Once when it begins, once when it is over."""
        where = str(self._settings.receiver)
        if problem and not self._problem:
            log.warning("dnstap cannot be delivered", receiver=where, problem=problem)
        elif not problem and self._problem:
            log.info("dnstap is delivered again", receiver=where)
        self._problem = problem

    def _writer(self) -> Writer:
        settings = self._settings
        return Writer(
            settings.identity or socket.gethostname(),
            f"lychgate {_version()}",
            addresses=settings.addresses,
            queries=settings.queries,
        )


def _version() -> str:
    try:
        return version("lychgate")
    except PackageNotFoundError:
        return ""
