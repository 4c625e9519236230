"""The status page for machines: `/metrics`, `/healthz`, `/readyz`, over plain HTTP on its own
thread.

`/healthz`: the process lives. `/readyz`: it answers queries under a good snapshot; else 503 with
the reason. Served by prometheus-client's WSGI application on the standard library's server; it
belongs on loopback or a management network.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from resolver.listeners import Bind

REQUEST_SECONDS_MAX: Final = 5
"""A client that is slower is cut off."""
REQUESTS_MAX: Final = 16
"""Requests served at a time."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Health:
    """What `/readyz` says. Written by the loop, read by the status thread."""

    def __init__(self) -> None:
        self.ready = False
        self.problems: tuple[str, ...] = ()
        """Why the last change was refused, and what the snapshot in use lacks."""
        self.policy = ""

    def loaded(self, fingerprint: str, warnings: Sequence[str]) -> None:
        """A snapshot is in use."""
        self.policy, self.problems = fingerprint, tuple(warnings)

    def refused(self, faults: Sequence[str]) -> None:
        """A change was refused; the snapshot before it stays in use."""
        self.problems = tuple(faults)


class StatusServer:
    """The running server."""

    def __init__(self, server: WSGIServer) -> None:
        self._server: Final = server
        self.port: Final = server.server_port
        threading.Thread(target=server.serve_forever, name="status", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def serve(bind: Bind, health: Health, collectors: Iterable[Collector] = ()) -> StatusServer:
    """Serve on `bind`; raises OSError when it cannot be bound. `collectors` are asked for figures
    of their own at each scrape.
    """
    server_class = _Server6 if ":" in bind.host else _Server
    return StatusServer(
        make_server(bind.host, bind.port, application(health, collectors), server_class, _Handler)
    )


def application(health: Health, collectors: Iterable[Collector] = ()) -> Wsgi:
    """The WSGI application."""
    metrics: Wsgi = make_wsgi_app(registry(collectors))

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start)
        if path == "/healthz":
            code, text = "200 OK", "alive\n"
        elif path == "/readyz":
            code = "200 OK" if health.ready else "503 Service Unavailable"
            lines = ["ready" if health.ready else "not ready", f"policy {health.policy[:12]}"]
            text = "\n".join([*lines, *health.problems]) + "\n"
        else:
            code, text = "404 Not Found", "try /metrics, /healthz or /readyz\n"
        start(code, [("Content-Type", "text/plain; charset=utf-8")])
        return [text.encode()]

    return answer


def registry(collectors: Iterable[Collector] = ()) -> CollectorRegistry:
    """This process's metrics, or all workers' where prometheus-client keeps them in files; and what
    `collectors` give.
    """
    together = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    else:
        together.register(REGISTRY)
    for collector in collectors:
        together.register(collector)
    return together


class _Server(ThreadingMixIn, WSGIServer):
    """Each request on a thread of its own, so that a slow client keeps nobody waiting."""

    daemon_threads = True
    _room = threading.BoundedSemaphore(REQUESTS_MAX)

    def server_bind(self) -> None:
        # As WSGIServer does, but without looking our own address up in the DNS that we serve.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_SECONDS_MAX

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: a scrape every few seconds is no news."""
