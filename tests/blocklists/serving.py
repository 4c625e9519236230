"""A publisher of lists on loopback, well-behaved or not: what fetching is tested against.

    with ListServer() as server:
        server["/gambling.txt"] = Page(b"bet365.com\\n", etag='"1"')
        fetch(server.url("/gambling.txt"))        # http://127.0.0.1:PORT/gambling.txt
        assert server.asked[-1].status == 200     # every request is kept, with its headers
        fetch(..., etag='"1"')                    # answered with 304 by itself

A page may change at any time (`server["/x"] = ...`); a path without a page answers 404. Pages that
behave badly are made by functions: `redirect`, `failure`, `html`, `endless`, `slow`, `silent`,
`slow_headers`, `truncated`, `bomb`. With `ListServer(tls=certificates(folder))` it speaks HTTPS
under the names of `NAMES` and 127.0.0.1, and clients must trust `certificates.ca`. It also takes
requests as a proxy takes them, and serves its own pages whatever the host; `server.tunnel` is where
it connects CONNECT requests.

Every answer closes its connection, and leaving the `with` ends what still runs.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from select import select
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

NAMES: Final = ("lists.example", "other.example")
_PATIENCE_SECONDS: Final = 10.0  # a client that hangs must not hang the test


@dataclass(frozen=True)
class Page:
    """What one path answers.

    `etag` and `last_modified` are sent, and a request that names either gets 304. `gzip`: sent
    with Content-Encoding gzip to clients that accept it. `send` replaces the sending of the body:
    it gets a function that sends octets and raises OSError when the client has gone or the server
    is being closed; no Content-Length is sent then unless `headers` has one.
    """

    body: bytes = b""
    status: int = 200
    etag: str = ""
    last_modified: str = ""
    gzip: bool = False
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    send: Callable[[Send], None] | None = None
    head: bool = True
    """Whether status and headers are sent at all before `send` is called."""


@dataclass(frozen=True)
class Send:
    """Hands octets to the client, now."""

    handler: Handler

    def __call__(self, octets: bytes) -> None:
        if self.handler.server.closing.is_set():
            raise ConnectionAbortedError
        self.handler.wfile.write(octets)

    def wait(self, seconds: float) -> None:
        """Wait; ends early, by an error, when the server is being closed."""
        if self.handler.server.closing.wait(seconds):
            raise ConnectionAbortedError


@dataclass(frozen=True)
class Asked:
    """One request that came, and how it was answered. Header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    status: int


@dataclass(frozen=True)
class Certificates:
    """Files in PEM form: the authority to trust, and the server's own chain and key."""

    ca: Path
    chain: Path
    key: Path


def redirect(to: str, status: int = 302) -> Page:
    """Sends the client elsewhere: a URL, or a path of the same server."""
    return Page(status=status, headers={"Location": to})


def failure(status: int, retry_after: str = "") -> Page:
    """404, 429, 503 and their like; `retry_after` in seconds or as an HTTP date."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Page(b"no list today\n", status, headers=headers)


def html() -> Page:
    """What a login portal answers in place of a list: a page, with status 200."""
    body = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Hello</body></html>\n"
    return Page(body, content_type="text/html; charset=utf-8")


def endless(line: bytes = b"casino.example\n") -> Page:
    """A list that never ends, as fast as it is read."""
    block = line * (1 + 65536 // len(line))

    def send(out: Send) -> None:
        while True:
            out(block)

    return Page(send=send)


def slow(line: bytes = b"casino.example\n", pause_seconds: float = 0.02) -> Page:
    """One octet after the other, for ever: never silent long enough for a read timeout."""

    def send(out: Send) -> None:
        while True:
            for octet in line:
                out(bytes((octet,)))
                out.wait(pause_seconds)

    return Page(send=send)


def silent() -> Page:
    """Takes the request and never answers."""
    return Page(head=False, send=lambda out: out.wait(_PATIENCE_SECONDS))


def slow_headers(pause_seconds: float = 0.02) -> Page:
    """Headers that never end, one octet after the other."""

    def send(out: Send) -> None:
        out(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            out(b"x")
            out.wait(pause_seconds)

    return Page(head=False, send=send)


def truncated(body: bytes, promised: int) -> Page:
    """Says it has `promised` octets, and closes the connection after `body`."""
    return Page(headers={"Content-Length": str(promised)}, send=lambda out: out(body))


def bomb(octets: int) -> Page:
    """A short body that unpacks (Content-Encoding gzip) to `octets` zeros."""
    return Page(gzip.compress(bytes(octets), 9), headers={"Content-Encoding": "gzip"})


class ListServer:
    """A server with pages, on a free port of 127.0.0.1. Use it in a `with`."""

    def __init__(self, tls: Certificates | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[Asked] = []
        self.tunnel: tuple[str, int] | None = None
        self._tls = tls
        self._server = _Server(self, tls)
        # The default looks for the end twice a second, which every test would wait for.
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> ListServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __setitem__(self, path: str, page: Page) -> None:
        self.pages[path] = page

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Where `path` is found; `host` may be one of `NAMES`."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: ListServer, tls: Certificates | None) -> None:
        self.owner = owner
        self.closing = Event()
        super().__init__(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.chain, tls.key)
            # The handshake belongs to the request's thread, not to the one that accepts.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away, or do not trust the certificate, are what tests are about."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        target = urlsplit(self.path)  # a proxy is asked with the whole URL
        page = self.server.owner.pages.get(target.path, failure(404))
        accepted = self.headers.get("Accept-Encoding", "")
        if (page.etag and self.headers.get("If-None-Match") == page.etag) or (
            page.last_modified and self.headers.get("If-Modified-Since") == page.last_modified
        ):
            page = Page(status=304, etag=page.etag, last_modified=page.last_modified)
        self._keep(page.status)
        self.close_connection = True
        body = page.body
        headers = {"Content-Type": page.content_type, "Connection": "close"}
        if page.gzip and "gzip" in accepted:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        if page.send is None and page.status != 304:
            headers["Content-Length"] = str(len(body))
        headers |= {"ETag": page.etag} if page.etag else {}
        headers |= {"Last-Modified": page.last_modified} if page.last_modified else {}
        if page.head:
            self.send_response(page.status)
            for name, value in (headers | dict(page.headers)).items():
                self.send_header(name, value)
            self.end_headers()
        if page.send is None:
            self.wfile.write(body)
        else:
            page.send(Send(self))

    def do_CONNECT(self) -> None:
        """A tunnel, to `ListServer.tunnel` whatever was asked for."""
        to = self.server.owner.tunnel
        self._keep(200 if to else 403)
        self.close_connection = True
        if to is None:
            self.send_response(403)
            self.end_headers()
            return
        with socket.create_connection(to, _PATIENCE_SECONDS) as other:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: other, other: self.connection}
            while not self.server.closing.is_set():
                for ready in select(list(ends), [], [], 0.05)[0]:
                    octets = ready.recv(65536)
                    if not octets:
                        return
                    ends[ready].sendall(octets)

    def _keep(self, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.asked.append(Asked(self.command, self.path, headers, status))

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def certificates(folder: Path) -> Certificates:
    """An authority and a server certificate for `NAMES`, 127.0.0.1, by the `openssl` command.

    Skips the test, visibly, where there is no such command.
    """
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    sections = folder / "openssl.cnf"
    alternatives = ",".join([*(f"DNS:{name}" for name in NAMES), "IP:127.0.0.1"])
    sections.write_text(
        "[req]\ndistinguished_name=name\n[name]\n"
        "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
        "subjectKeyIdentifier=hash\n"
        f"[server]\nsubjectAltName={alternatives}\nauthorityKeyIdentifier=keyid\n"
    )
    new = "req -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for command in (
        f"{new} -x509 -extensions ca -days 2 -subj /CN=Test-CA -keyout ca.key -out ca.pem",
        f"{new} -subj /CN=lists -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
        " -extfile openssl.cnf -extensions server -out server.pem",
    ):
        try:
            subprocess.run(
                ["openssl", *command.split()], cwd=folder, check=True, capture_output=True
            )
        except FileNotFoundError:
            pytest.skip("the openssl command, which makes certificates for this test, is missing")
    return made
