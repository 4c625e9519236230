"""Plays the service manager for real processes: a socket for notices, sockets handed over.

What systemd does by sd_notify(3) and sd_listen_fds(3), without systemd: so that these tests run in
any container.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.lychgate.running import REPOSITORY, wait_until

_HAND_OVER = """
import fcntl, os, sys
count = int(sys.argv[1])
spare = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 100) for number in sys.argv[2 : 2 + count]]
for place, number in enumerate(spare):
    os.dup2(number, 3 + place, inheritable=True)
if count:
    os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, *sys.argv[2 + count :]])
"""
"""Puts descriptors where they belong and becomes the program, as the manager's child does."""


class ServiceManager:
    """One service and what it says of itself."""

    def __init__(self, folder: Path, *, abstract: bool = False) -> None:
        self.folder = folder
        self.address = (
            f"@lychgate-test-{os.getpid()}-{id(self)}" if abstract else f"{folder}/notify"
        )
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address.replace("@", "\0"))
        self._socket.settimeout(0.1)
        self.notices: list[dict[str, str]] = []
        self.log = folder / "service.log"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        self.process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        *arguments: str,
        module: str = "lychgate",
        watchdog_seconds: float = 0.0,
        sockets: Mapping[str, Sequence[socket.socket]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start `lychgate` with these arguments."""
        handed = [(name, sock) for name, socks in (sockets or {}).items() for sock in socks]
        numbers = [sock.fileno() for _, sock in handed]
        chosen = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "NOTIFY_SOCKET": self.address,
            **(environment or {}),
        }
        if watchdog_seconds:
            chosen["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1e6))
        if handed:
            chosen["LISTEN_FDS"] = str(len(handed))
            chosen["LISTEN_FDNAMES"] = ":".join(name for name, _ in handed)
        shim = [sys.executable, "-c", _HAND_OVER, str(len(numbers)), *map(str, numbers)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*shim, "-m", module, *arguments],
                cwd=self.folder,
                env=chosen,
                stdout=log,
                stderr=log,
                pass_fds=numbers,
            )
        return self.process

    def said(self, key: str) -> list[str]:
        """Every value of a key so far."""
        return [notice[key] for notice in list(self.notices) if key in notice]

    def wait_for(self, key: str, count: int = 1, seconds: float = 60.0) -> None:
        """Wait until something was said so often. A start takes three seconds alone, and many times
        that beside other work; systemd itself waits three minutes."""

        def holds() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            return len(self.said(key)) >= count

        wait_until(holds, f"{key} of {self.log.read_text()}", seconds)

    def silence(self, key: str, seconds: float) -> bool:
        """Whether nothing of this kind is said for so long, counted from a second from now (what is
        under way may still come)."""
        time.sleep(1.0)
        before = len(self.said(key))
        time.sleep(seconds)
        return len(self.said(key)) == before

    def __enter__(self) -> ServiceManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: object, trace: TracebackType | None
    ) -> None:
        process = self.process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self._end.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._end.is_set():
            try:
                text = self._socket.recv(4096).decode()
            except TimeoutError:
                continue
            pairs = (line.split("=", 1) for line in text.splitlines())
            self.notices.append(dict(pairs))
