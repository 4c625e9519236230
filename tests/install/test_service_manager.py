"""Real processes under a service manager that the tests play: notices, watchdog, sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from tests.install.playing import ServiceManager
from tests.lychgate.running import free_port, upstream, wait_until


@pytest.fixture(scope="module")
def upstream_port() -> Iterator[int]:
    with upstream() as port:
        yield port


def configure(folder: Path, upstream_port: int, extra: str = "") -> int:
    """A configuration; the port of DNS."""
    port = free_port()
    (folder / "lychgate.toml").write_text(
        f"""
        server.listen = ["127.0.0.1:{port}"]
        upstream.servers = ["127.0.0.1:{upstream_port}"]
        metrics.listen = ""
        log.format = "json"
        {extra}
        """
    )
    return port


def ask(port: int, name: str = "www.bet365.com", *, tcp: bool = False) -> dns.message.Message:
    over = dns.query.tcp if tcp else dns.query.udp
    return over(dns.message.make_query(name, "A"), "127.0.0.1", port=port, timeout=3)


def bound(kind: socket.SocketKind, port: int = 0) -> socket.socket:
    """A socket as the manager would make it."""
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind(("127.0.0.1", port))
    if kind == socket.SOCK_STREAM:
        sock.listen(16)
    return sock


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_resolver_says_when_it_answers_reloads_and_ends(
    workers: str, tmp_path: Path, upstream_port: int
) -> None:
    port = configure(tmp_path, upstream_port)
    with ServiceManager(tmp_path, abstract=workers == "2") as manager:
        process = manager.start(
            "serve", "--config", "lychgate.toml", "--workers", workers, watchdog_seconds=2.0
        )
        manager.wait_for("READY")
        assert ask(port).rcode() == dns.rcode.NXDOMAIN  # no need to wait: that is what it said
        assert manager.said("STATUS")[0].startswith(f"answering on 127.0.0.1:{port}")
        manager.wait_for("WATCHDOG", 2)
        process.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING")
        manager.wait_for("READY", 2)
        told = [set(notice) & {"READY", "RELOADING"} for notice in manager.notices]
        assert [states for states in told if states] == [{"READY"}, {"RELOADING"}, {"READY"}]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        wait_until(lambda: manager.said("STOPPING"), "STOPPING")


def test_a_resolver_that_hangs_is_not_fed(tmp_path: Path, upstream_port: int) -> None:
    """The thread that feeds goes on running; what it asks is not answered."""
    port = configure(tmp_path, upstream_port)
    hang = tmp_path / "hang"
    with ServiceManager(tmp_path) as manager:
        manager.start(
            "serve",
            "--config",
            "lychgate.toml",
            module="tests.install.hanging",
            watchdog_seconds=2.0,
            environment={"LYCHGATE_HANG": str(hang)},
        )
        manager.wait_for("WATCHDOG", 2)
        hang.touch()
        wait_until(lambda: not _answers(port), "a loop that hangs")
        assert manager.silence("WATCHDOG", 3.0)
        wait_until(lambda: "silent" in manager.said("STATUS")[-1], "a word about it", 15.0)
        hang.unlink()
        manager.wait_for("WATCHDOG", len(manager.said("WATCHDOG")) + 1)
        wait_until(lambda: "answering" in manager.said("STATUS")[-1], "an end of it")


def test_a_worker_that_hangs_is_replaced(tmp_path: Path, upstream_port: int) -> None:
    """A stopped process keeps its sockets, and its share of the queries with them."""
    configure(tmp_path, upstream_port)
    with ServiceManager(tmp_path) as manager:
        manager.start(
            "serve",
            "--config",
            "lychgate.toml",
            "--workers",
            "2",
            module="tests.install.hanging",
            # As `serve` sets it before it imports what measures; this module imports that sooner.
            environment={"LYCHGATE_SILENT": "3", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        )
        manager.wait_for("READY")
        pids = _workers(manager.log)
        os.kill(pids[0], signal.SIGSTOP)
        wait_until(lambda: len(_workers(manager.log)) == 3, "a worker in its place", 30.0)
        assert "worker hangs" in manager.log.read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sockets_that_are_handed_over_go_before_those_configured(
    workers: str, tmp_path: Path, upstream_port: int
) -> None:
    configured = configure(tmp_path, upstream_port)
    udp = bound(socket.SOCK_DGRAM)
    port = udp.getsockname()[1]
    tcp = bound(socket.SOCK_STREAM, port)
    with udp, tcp, ServiceManager(tmp_path) as manager:
        command = ("serve", "--config", "lychgate.toml", "--workers", workers)
        # What is asked before it runs is answered when it does.
        with socket.socket(type=socket.SOCK_DGRAM) as early:
            early.settimeout(20)
            query = dns.message.make_query("www.bet365.com", "A")
            early.sendto(query.to_wire(), ("127.0.0.1", port))
            process = manager.start(*command, sockets={"dns": [udp, tcp]})
            assert dns.message.from_wire(early.recv(4096)).rcode() == dns.rcode.NXDOMAIN
        manager.wait_for("READY")
        for over_tcp in (False, True):
            for _ in range(10):
                assert ask(port, tcp=over_tcp).rcode() == dns.rcode.NXDOMAIN
        with pytest.raises(OSError):
            ask(configured, tcp=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        # A restart with the same sockets: nobody else could have taken them in between.
        manager.start(*command, sockets={"dns": [udp, tcp]})
        manager.wait_for("READY", 2)
        assert ask(port).rcode() == dns.rcode.NXDOMAIN


def test_sockets_of_somebody_else_are_left_alone(tmp_path: Path, upstream_port: int) -> None:
    """LISTEN_PID names another process: the variables were inherited, the sockets not meant."""
    port = configure(tmp_path, upstream_port)
    with ServiceManager(tmp_path) as manager:
        manager.start(
            "serve",
            "--config",
            "lychgate.toml",
            environment={"LISTEN_FDS": "2", "LISTEN_PID": "1", "LISTEN_FDNAMES": "dns:dns"},
        )
        manager.wait_for("READY")
        assert ask(port).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("handed", [False, True])
def test_the_portal_says_when_its_pages_are_there(
    handed: bool, tmp_path: Path, upstream_port: int
) -> None:
    port = free_port()
    configure(tmp_path, upstream_port, f'portal.listen = "127.0.0.1:{port}"')
    with bound(socket.SOCK_STREAM) as sock, ServiceManager(tmp_path) as manager:
        sockets = {"portal": [sock]} if handed else None
        process = manager.start(
            "portal", "--config", "lychgate.toml", watchdog_seconds=2.0, sockets=sockets
        )
        manager.wait_for("READY")
        shown = sock.getsockname()[1] if handed else port
        assert manager.said("STATUS")[0] == f"showing pages at http://127.0.0.1:{shown}"
        with urllib.request.urlopen(f"http://127.0.0.1:{shown}/healthz", timeout=5) as page:
            assert page.read() == b"alive\n"
        manager.wait_for("WATCHDOG", 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        wait_until(lambda: manager.said("STOPPING"), "STOPPING")


def test_the_recorder_says_that_its_loop_moves(tmp_path: Path, upstream_port: int) -> None:
    configure(tmp_path, upstream_port)
    with ServiceManager(tmp_path) as manager:
        process = manager.start("record", "--config", "lychgate.toml", watchdog_seconds=2.0)
        manager.wait_for("READY")
        assert manager.said("STATUS")[0] == "recording"
        manager.wait_for("WATCHDOG", 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        wait_until(lambda: manager.said("STOPPING"), "STOPPING")


def _answers(port: int) -> bool:
    query = dns.message.make_query("www.bet365.com", "A")
    try:
        dns.query.udp(query, "127.0.0.1", port=port, timeout=0.3)
    except dns.exception.Timeout:
        return False
    return True


def _workers(log: Path) -> list[int]:
    events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [event["pid"] for event in events if event["event"] == "worker started"]
