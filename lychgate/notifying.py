"""Telling the service manager how we do: the protocol of sd_notify(3).

Messages are datagrams to the socket that `NOTIFY_SOCKET` names; without one nothing is sent and
nothing changes. Errors in telling are never errors of the service. What is told, and when, is in
`lychgate.heartbeat`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from typing import Final

import structlog

log = structlog.get_logger("lychgate")


class Notifier:
    """The way to the service manager, if there is one."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        self._address: Final = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_seconds: Final = watchdog_seconds
        """How long the manager waits for a sign of life; 0: it does not."""

    @classmethod
    def take(cls, environment: MutableMapping[str, str] = os.environ) -> Notifier:
        """What the environment names. It is taken out: children must not speak for us."""
        address = environment.pop("NOTIFY_SOCKET", "")
        microseconds = environment.pop("WATCHDOG_USEC", "")
        meant_for = environment.pop("WATCHDOG_PID", "") or str(os.getpid())
        ours = microseconds.isascii() and microseconds.isdigit() and meant_for == str(os.getpid())
        return cls(address, int(microseconds) / 1e6 if ours else 0.0)

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return self._address[:1] in ("/", "\0")

    def ready(self, status: str) -> None:
        """The service does its work, for the first time or again after a reload."""
        self._send("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """Configuration is read again; `ready` says when that is done."""
        since = time.monotonic_ns() // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={since}", "STATUS=reading everything again")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1", "STATUS=stopping")

    def status(self, status: str) -> None:
        """A line for people, shown by `systemctl status`."""
        self._send(f"STATUS={_line(status)}")

    def feed(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self.is_heard:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.setblocking(False)  # A manager that hangs must not hang us.
                sock.sendto("\n".join(lines).encode(), self._address)
        except OSError as fault:
            log.debug("the service manager was not told", problem=str(fault))


def _line(text: str) -> str:
    """One line: a line end would begin a message of its own."""
    return " ".join(text.split())
