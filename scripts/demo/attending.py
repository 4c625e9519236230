"""What people and timers do once the demonstration runs: the filter is checked, alerts are handled,
a list is held, learners look at the portal; and a service of the organisation's own takes notices.

By the commands and programs of any installation, on threads beside the live queries. What goes
wrong is said, and the demonstration goes on.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

import published
from places import LEAD, OWNER

from evidence.alerts.handling import AcknowledgeAlert, CloseAlert, write
from evidence.alerts.reading import alerts
from evidence.checks.handling import NoteAction, write_note
from evidence.checks.reading import latest
from evidence.store import EvidenceStore
from lychgate.config import Configuration
from lychgate.office import Office
from policy.commands.command import Refused
from policy.commands.desk import Desk
from policy.store import Store, StoreFault

SECONDS_MAX: Final = 120.0
"""Until a program is ready, or there are alerts."""
CHECK_SECONDS_MAX: Final = 240.0
VISIT_SECONDS: Final = 5.0
ALERTS_MIN: Final = 2
"""The burst and the attempts to get round the filter of the day before; more come by chance."""
OUTCOMES: Final = {"bypass": "no-concern", "money": "spoken"}
"""What comes of the first alert of a theme. The first of another is acknowledged."""

_OPENER: Final = build_opener(ProxyHandler({}))
"""Past any proxy: everything is on loopback."""


class Attending:
    """Does each thing once, then visits the portal until it is told to stop."""

    def __init__(
        self, program: Path, file: Path, configuration: Configuration, metrics: int, portal: int
    ) -> None:
        self._program: Final = program
        self._file: Final = file
        self._configuration: Final = configuration
        self._metrics: Final = f"http://127.0.0.1:{metrics}"
        self._portal: Final = f"http://127.0.0.1:{portal}"
        self._stopped: Final = threading.Event()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()

    def _run(self) -> None:
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("wait for the resolver", lambda: self._until(lambda: _get(f"{self._metrics}/readyz"))),
            ("check the filter", self._check),
            ("say what was done about it", lambda: asyncio.run(self._note())),
            ("handle alerts", lambda: self._until(lambda: asyncio.run(self._handle()))),
            ("wait for the portal", lambda: self._until(lambda: _get(f"{self._portal}/here"))),
            ("hold a list", lambda: published.update(self._file, self._program)),
        )
        for what, do in steps:
            if self._stopped.is_set():
                return
            try:
                do()
            except (OSError, subprocess.SubprocessError, StoreFault, Refused) as fault:
                print(f"Not everything is filled; could not {what}: {fault}", flush=True)
        print("All has happened; the last figures follow within half a minute.", flush=True)
        while not self._stopped.wait(VISIT_SECONDS):
            _get(f"{self._portal}/here")

    def _until(self, wanted: Callable[[], bool]) -> None:
        """Raises TimeoutError, which is an OSError."""
        end = time.monotonic() + SECONDS_MAX
        while not wanted():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {SECONDS_MAX:.0f} s")
            if self._stopped.wait(1.0):
                return

    def _check(self) -> None:
        """As the timer does."""
        subprocess.run(
            [self._program, "selfcheck", "--config", self._file],
            env={**os.environ, "INVOCATION_ID": "demonstration"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=CHECK_SECONDS_MAX,
        )

    async def _note(self) -> None:
        """As the administrator does, who looked at the newest check."""
        async with self._open() as (evidence, desk):
            async with evidence.reading() as connection:
                (newest, *_) = await latest(connection)
            command = NoteAction(newest, "Looked at it: nothing to be done.")
            at = time.time()
            await desk.perform(OWNER, command, at=at)
            await write_note(evidence, command, OWNER, at)

    async def _handle(self) -> bool:
        """As the safeguarding lead does; False while there are too few alerts."""
        async with self._open() as (evidence, desk):
            async with evidence.reading() as connection:
                found = await alerts(connection)
            if len(found) < ALERTS_MIN:
                return False
            for one in {one.group.theme: one for one in reversed(found)}.values():
                outcome = OUTCOMES.get(one.group.theme)
                command = (
                    AcknowledgeAlert(one)
                    if outcome is None
                    else CloseAlert(one, outcome, "We talked about it.")
                )
                at = time.time()
                await desk.perform(LEAD, command, at=at)
                await write(evidence, command, LEAD, at)
        return True

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[EvidenceStore, Desk]]:
        evidence = EvidenceStore.at(self._configuration.telemetry_url)
        store = await Store.open(self._configuration.store_url)
        try:
            yield evidence, Desk(store, Office(self._configuration).taxonomy)
        finally:
            await store.close()
            await evidence.close()


def _get(address: str) -> bool:
    """Whether it answers, and well."""
    try:
        with _OPENER.open(address, timeout=5) as answer:
            answer.read()
            return bool(answer.status == 200)
    except OSError:
        return False


def start_service() -> int:
    """Take notices on a port of loopback, on a thread; the port."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    return int(service.server_address[1])


class _Service(BaseHTTPRequestHandler):
    """The organisation's own: takes what is posted, and says so."""

    def do_POST(self) -> None:
        """As `http.server` calls it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of each."""
