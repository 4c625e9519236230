"""A real `lychgate serve` on loopback with an upstream of our own, for tests.

Every wait is bounded, every process started here is ended here, nothing beyond loopback is asked.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.edns
import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rrset

REPOSITORY = Path(__file__).parents[2]
START_SECONDS_MAX = 20.0
ADDRESS = "192.0.2.7"
"""What the upstream says about every name."""


def free_port() -> int:
    """A port that is free for UDP and TCP just now."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(holds: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
    """Ask again and again until it holds; the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


@contextmanager
def upstream() -> Iterator[int]:
    """A DNS server that knows one address; gives its port."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.1)
        stop = threading.Event()

        def answer() -> None:
            while not stop.is_set():
                try:
                    octets, peer = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                query = dns.message.from_wire(octets)
                reply = dns.message.make_response(query)
                question = query.question[0]
                if question.rdtype == dns.rdatatype.A:
                    reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", ADDRESS))
                sock.sendto(reply.to_wire(), peer)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            stop.set()
            thread.join()


class Serving:
    """One `lychgate serve`."""

    def __init__(
        self,
        folder: Path,
        upstream_port: int,
        *arguments: str,
        extra: str = "",
        servers: Sequence[str] = (),
    ) -> None:
        """`servers` are asked instead of the one on `upstream_port`."""
        self.folder = folder
        self.port, self.metrics_port = free_port(), free_port()
        self.policy = folder / "policy.toml"
        self.configuration = folder / "lychgate.toml"
        self.configuration.write_text(
            f"""
            server.listen = ["127.0.0.1:{self.port}"]
            upstream.servers = {json.dumps(servers or [f"127.0.0.1:{upstream_port}"])}
            metrics.listen = "127.0.0.1:{self.metrics_port}"
            log.format = "json"
            {'filter.policy = "policy.toml"' if self.policy.exists() else ""}
            {extra}
            """
        )
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lychgate", "serve", *arguments],
                cwd=folder,
                stderr=log,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def ready(self) -> Serving:
        """Wait for the first answer."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            try:
                self.ask("bet365.com", seconds=0.2)
            except (dns.exception.Timeout, OSError):
                time.sleep(0.02)
                continue
            return self

    def ask(
        self, name: str, qtype: str = "A", *, tcp: bool = False, seconds: float = 5.0
    ) -> dns.message.Message:
        """Ask as a stub would."""
        query = dns.message.make_query(name, qtype, use_edns=0)
        over = dns.query.tcp if tcp else dns.query.udp
        return over(query, "127.0.0.1", port=self.port, timeout=seconds)

    def page(self, path: str) -> tuple[int, str]:
        """A status page: code and text."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.metrics_port}{path}", timeout=5
            ) as found:
                return found.status, found.read().decode()
        except urllib.error.HTTPError as fault:
            return fault.code, fault.read().decode()

    def events(self) -> list[dict[str, Any]]:
        """What was logged."""
        lines = (
            self.log.read_text().rpartition("\n")[0].splitlines()
        )  # the last may be half written
        return [json.loads(line) for line in lines if line.startswith("{")]

    def workers(self) -> list[int]:
        """Process ids of all workers ever started."""
        return [event["pid"] for event in self.events() if event["event"] == "worker started"]

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


def errors_of(reply: dns.message.Message) -> list[tuple[int, str]]:
    """The extended errors of a reply: code and text."""
    return [
        (int(option.code), option.text or "")
        for option in reply.options
        if isinstance(option, dns.edns.EDEOption)
    ]


def is_running(pid: int) -> bool:
    """Whether a process lives (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
