"""`make demo` as a process: started once, and again only when a test has ended it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.house.repository import ROOT

SCRIPT: Final = ROOT / "scripts" / "demo"
SECONDS_MAX: Final = 300.0
"""Until everything is filled, on a machine with much else to do; by itself it takes a minute."""
END_SECONDS_MAX: Final = 60.0
LIFE_SECONDS: Final = 1_200
"""After which it ends by itself, should the tests be killed."""
PASSWORD: Final = "three plum lanterns"


def command(folder: Path, port: int, *more: str) -> list[str]:
    """What starts it."""
    return [sys.executable, str(SCRIPT), "--folder", str(folder), "--port", str(port), *more]


class Demonstration:
    """One that runs; its ports are `first` and the four after it."""

    def __init__(self, folder: Path) -> None:
        self.first: Final = _free_ports()
        self._said: Final = folder / "said"
        with self._said.open("wb") as said:
            self.process: Final = subprocess.Popen(
                command(folder / "state", self.first, "--seconds", str(LIFE_SECONDS)),
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """What it wrote to the terminal."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    def end(self) -> int:
        """End it as Ctrl-C does, or with all it started; the exit status."""
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END_SECONDS_MAX)
        finally:
            if self.is_running:
                os.killpg(self.process.pid, signal.SIGKILL)

    def until(self, wanted: Callable[[], Any], what: Callable[[], object] | str) -> None:
        """Wait for something; what cannot be asked yet, does not hold yet."""
        end = time.monotonic() + SECONDS_MAX
        while True:
            try:
                if wanted():
                    return
            except httpx.HTTPError:
                pass
            missing = what if isinstance(what, str) else what()
            assert self.is_running, f"it ended: {self.said[-2_000:]}"
            assert time.monotonic() < end, f"not within {SECONDS_MAX:.0f} s: {missing}"
            time.sleep(1.0)

    def figure(self, name: str) -> float:
        """The sum of a metric's figures; 0 where it has none."""
        text = httpx.get(f"http://127.0.0.1:{self.first + 1}/metrics", timeout=10).text
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for value in found)

    def visitor(self, person: str) -> httpx.Client:
        """Somebody signed in to the portal."""
        visitor = httpx.Client(
            base_url=f"http://127.0.0.1:{self.first + 2}", follow_redirects=True, timeout=30
        )
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', visitor.get("/sign-in").text)
        assert token is not None
        who = {"csrf": token[1], "person": person, "password": PASSWORD}
        answer = visitor.post("/sign-in", data=who)
        assert answer.status_code == 200 and answer.url.path == "/", answer.url
        return visitor


def _free_ports() -> int:
    """The first of five that are free just now."""
    for first in range(21_400, 23_400, 10):
        try:
            for port in range(first, first + 5):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    pytest.skip("no five ports are free")
