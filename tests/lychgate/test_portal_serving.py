"""What the portal is handed in, and its settings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from pydantic import ValidationError

from lychgate.portal_serving import Resolver
from lychgate.portal_settings import Portal
from portal.services import Health
from resolver.listeners import Bind

METRICS = """# TYPE lychgate_upstream_up gauge
lychgate_upstream_up{route="default",upstream="tls://9.9.9.9"} 1.0
lychgate_upstream_up{route="default",upstream="149.112.112.112"} 1.0
lychgate_upstream_up{route="school.internal",upstream="149.112.112.112"} 0.0
lychgate_upstream_up_other{upstream="x"} 0.0
"""


class _Ready(BaseHTTPRequestHandler):
    status = 200
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()
        ready = "ready\npolicy 0123\nstore: gone; put it back\n"
        self.wfile.write((METRICS if self.path == "/metrics" else ready).encode())

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def status_page() -> Iterator[HTTPServer]:
    """A resolver's status page."""
    server = HTTPServer(("127.0.0.1", 0), _Ready)
    server.status = 200  # type: ignore[attr-defined]
    _Ready.asked.clear()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def ask(bind: Bind | None) -> Health:
    return asyncio.run(Resolver(bind).health())


def test_the_resolver_says_how_it_does(status_page: HTTPServer) -> None:
    everywhere = Bind("0.0.0.0", status_page.server_port)
    told, resting = ("store: gone; put it back",), ("149.112.112.112",)
    assert ask(everywhere) == Health("ready", told, upstreams=2, resting=resting)
    status_page.status = 503  # type: ignore[attr-defined]
    assert ask(everywhere).state == "not ready"


def test_metrics_are_not_asked_for_at_every_page(status_page: HTTPServer) -> None:
    resolver = Resolver(Bind("127.0.0.1", status_page.server_port))

    async def thrice() -> None:
        for _ in range(3):
            assert (await resolver.health()).upstreams == 2

    asyncio.run(thrice())
    assert _Ready.asked.count("/metrics") == 1 and _Ready.asked.count("/readyz") == 3


def test_a_resolver_that_is_down_or_cannot_be_asked(status_page: HTTPServer) -> None:
    port = status_page.server_port
    status_page.shutdown()
    status_page.server_close()
    assert ask(Bind("127.0.0.1", port)) == Health("silent")
    assert ask(None) == Health("unknown")


@pytest.mark.parametrize(
    "given",
    [
        {"public_url": "portal.example"},
        {"public_url": "https://portal.example/path"},
        {"public_url": "https://jo:secret@portal.example"},
        {"public_url": 1},
        {"session_idle_minutes": 4},
        {"session_idle_minutes": 120, "session_hours": 1},
        {"trusted_proxies": ["somewhere"]},
        {"listen": "8453"},
    ],
)
def test_settings_that_cannot_be(given: dict[str, object]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        Portal.model_validate(given)


def test_settings() -> None:
    portal = Portal.model_validate(
        {"public_url": "https://portal.example/", "trusted_proxies": ["10.0.0.0/8"]}
    )
    assert portal.public_url == "https://portal.example"
    assert Portal().listen == Bind("127.0.0.1", 8453)
