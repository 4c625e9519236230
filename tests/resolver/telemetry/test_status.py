"""The status page: its three addresses, its problems in words, and clients who are slow or many."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from resolver.listeners import Bind
from resolver.telemetry import status
from resolver.telemetry.status import REQUESTS_MAX, Health, StatusServer, application

WAIT_SECONDS = 5


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(health: Health) -> Iterator[StatusServer]:
    running = status.serve(Bind("127.0.0.1", 0), health)
    yield running
    running.close()


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=WAIT_SECONDS) as found:
            return found.status, found.read().decode()
    except urllib.error.HTTPError as fault:
        return fault.code, fault.read().decode()


def ask(health: Health, path: str) -> tuple[str, str]:
    """The application alone."""
    started: list[str] = []
    body = application(health)(
        {"PATH_INFO": path, "REQUEST_METHOD": "GET", "QUERY_STRING": ""},
        lambda code, headers: started.append(code),
    )
    return started[0], b"".join(body).decode()


def test_ready_only_with_a_good_snapshot(health: Health) -> None:
    assert ask(health, "/healthz") == ("200 OK", "alive\n")
    assert ask(health, "/readyz")[0] == "503 Service Unavailable"
    health.loaded("0123456789abcdef", ["index: not found; only the starter lists filter"])
    health.ready = True
    assert ask(health, "/readyz") == (
        "200 OK",
        "ready\npolicy 0123456789ab\nindex: not found; only the starter lists filter\n",
    )
    health.refused(["policy.toml: a fault", "policy.toml: another"])
    code, text = ask(health, "/readyz")
    assert code == "200 OK"  # the old policy serves on
    assert text.splitlines()[1:] == ["policy 0123456789ab", "policy.toml: a fault",
                                     "policy.toml: another"]  # fmt: skip
    health.loaded("fedcba9876543210", [])
    assert ask(health, "/readyz")[1] == "ready\npolicy fedcba987654\n"


@pytest.mark.parametrize("path", ["/", "", "/metrics/x", "/../etc/passwd", "/readyz\u00e9"])
def test_elsewhere_is_nothing(health: Health, path: str) -> None:
    assert ask(health, path) == ("404 Not Found", "try /metrics, /healthz or /readyz\n")


def test_over_http(server: StatusServer) -> None:
    code, page = get(server.port, "/metrics")
    assert code == 200 and "# TYPE " in page
    assert get(server.port, "/healthz") == (200, "alive\n")
    assert get(server.port, "/readyz")[0] == 503
    assert get(server.port, "/favicon.ico")[0] == 404


def test_over_ipv6(health: Health) -> None:
    running = status.serve(Bind("::1", 0), health)
    try:
        assert get(running.port, "/healthz", "[::1]")[0] == 200
    finally:
        running.close()


def test_a_taken_port_is_an_oserror(server: StatusServer, health: Health) -> None:
    with pytest.raises(OSError, match="in use"):
        status.serve(Bind("127.0.0.1", server.port), health)


def test_slow_clients_keep_nobody_waiting(
    server: StatusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests at a time are bounded, each has a time limit, and then there is room again."""
    monkeypatch.setattr(status._Handler, "timeout", 2)
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS))
            for _ in range(REQUESTS_MAX - 1)
        ]
        for client in slow:
            client.sendall(b"GET /metr")
        begun = time.monotonic()
        assert get(server.port, "/healthz")[0] == 200
        assert time.monotonic() - begun < 1.8
        for client in slow:
            client.settimeout(WAIT_SECONDS)
            assert client.recv(100) == b""  # cut off
    assert get(server.port, "/healthz")[0] == 200


def test_garbage_is_not_answered_by_a_traceback(
    server: StatusServer, capfd: pytest.CaptureFixture[str]
) -> None:
    for octets in (b"\0\xff\r\n\r\n", b"GET\r\n\r\n", b"POST /metrics HTTP/9.9\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", server.port), WAIT_SECONDS) as client:
            client.sendall(octets)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    assert get(server.port, "/healthz")[0] == 200
    assert "Traceback" not in "".join(capfd.readouterr())
