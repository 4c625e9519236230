"""From a warned name to the page, past the warning, and back: a real resolver, a real portal.

The promise is a second from the click to the answer. A busy machine may miss it now and then, so it
has to be kept once in a few tries; everything else has to hold each time.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import dns.message
import dns.query
import dns.rcode
import pytest

from lychgate.block_page_tls import HANDSHAKES_MAX
from tests.lychgate.running import ADDRESS, REPOSITORY, Serving, free_port, upstream, wait_until

PAGE = "127.0.0.80"
LIVE_SECONDS_MAX = 1.0
SHOPS = ("www.amazon.co.uk", "www.ebay.co.uk", "www.argos.co.uk")
"""Of the starter list of shopping, which warns."""
ENDING = "www.asos.com"
BETS = "www.bet365.com"
ACCEPT = {"Accept": "text/html"}


class Portal:
    """One `lychgate portal`."""

    def __init__(self, folder: Path, port: int, tls_port: int) -> None:
        self.port, self.tls_port = port, tls_port
        self.log = folder / "portal.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lychgate", "portal"],
                cwd=folder,
                stderr=log,
                stdout=log,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )

    def get(
        self, host: str, path: str = "/", source: str = "127.0.0.1", **headers: str
    ) -> tuple[int, str]:
        """A page, as somebody at a source address sees it."""
        return _read(self._connect(source), "GET", path, {"Host": host, **ACCEPT, **headers})

    def post(self, host: str, path: str, page: str, source: str = "127.0.0.1") -> tuple[int, str]:
        """The first form of a page, sent."""
        found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
        body = urlencode({name: unescape(value) for name, value in found})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        headers = {"Host": host, "Origin": f"http://{host}", **ACCEPT, **kind}
        return _read(self._connect(source), "POST", path, headers, body)

    def _connect(self, source: str) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))

    def ready(self) -> Portal:
        def answers() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                return self.get(BETS)[0] == 403
            except OSError:
                return False

        wait_until(answers, "the block page", 30.0)
        return self

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(5)


def _read(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: str | None = None,
) -> tuple[int, str]:
    try:
        connection.request(method, path, body, headers)
        answer: HTTPResponse = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@dataclass(frozen=True)
class Both:
    """A resolver and a portal on one store."""

    folder: Path
    serving: Serving
    portal: Portal


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """They take seconds to start: one pair for all."""
    with running(tmp_path_factory.mktemp("both")) as made:
        yield made


@contextmanager
def running(folder: Path) -> Iterator[Both]:
    port, tls_port, portal_port = free_port(), free_port(), free_port()
    extra = f"""
        server.state_directory = "."
        filter.page_ipv4 = "{PAGE}"
        portal.listen = "127.0.0.1:{portal_port}"
        portal.block_page_listen = "127.0.0.1:{port}"
        portal.block_page_tls_listen = "127.0.0.1:{tls_port}"
        """
    (folder / "lychgate.toml").write_text(extra)
    with upstream() as upstream_port:
        _lychgate(folder, "store", "create")
        _lychgate(folder, "profile", "change", "learners", "--answer", "page_address")
        _lychgate(folder, "certificates", "create-root", "--organisation", "Northshire")
        with Serving(folder, upstream_port, extra=extra) as serving:
            portal = Portal(folder, port, tls_port)
            try:
                yield Both(folder, serving.ready(), portal.ready())
            finally:
                assert portal.stop() == 0, portal.log.read_text()
                assert "Traceback" not in portal.log.read_text()


def _lychgate(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "lychgate", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def ask(serving: Serving, name: str, source: str) -> str:
    """The address that somebody at a source address is given."""
    query = dns.message.make_query(name, "A")
    reply = dns.query.udp(query, "127.0.0.1", port=serving.port, timeout=5, source=source)
    return str(reply.answer[0][0]) if reply.answer else dns.rcode.to_text(reply.rcode())


def test_past_a_warning_and_back(both: Both) -> None:
    serving, portal, tmp_path = both.serving, both.portal, both.folder
    assert ask(serving, BETS, "127.0.0.1") == PAGE
    assert ask(serving, "blocked.lychgate.internal", "127.0.0.1") == PAGE
    status, page = portal.get(BETS)
    assert status == 403 and "Gambling" in page and "gamcare" in page
    took = [_go_on(serving, portal, shop) for shop in SHOPS]
    print("seconds from click to answer:", took)
    assert min(took) < LIVE_SECONDS_MAX, took
    assert ask(serving, BETS, "127.0.0.1") == PAGE, "nothing else opened"
    assert "passes" in (tmp_path / "policy.last.json").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "lychgate", "explain", SHOPS[0]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "going on past the warning" in " ".join(done.stdout.split()), done.stdout


def _go_on(serving: Serving, portal: Portal, shop: str) -> float:
    """Go on past the warning for a shop; the seconds until it was open."""
    for source in ("127.0.0.1", "127.0.0.2"):
        assert ask(serving, shop, source) == PAGE
    status, page = portal.get(shop, "/basket")
    assert status == 403 and "I understand, continue" in page
    status, on = portal.post(shop, "/.lychgate/continue", page)
    began = time.monotonic()
    assert status == 200 and f'href="http://{shop}/basket"' in on, on
    wait_until(lambda: ask(serving, shop, "127.0.0.1") == ADDRESS, f"{shop} opens")
    seconds = time.monotonic() - began
    assert ask(serving, shop, "127.0.0.2") == PAGE, "for nobody else"
    assert "is open" in portal.get(shop)[1]
    assert "I understand, continue" in portal.get(shop, source="127.0.0.2")[1]
    return seconds


def test_it_ends_by_itself(both: Both) -> None:
    """Minutes are the least that people may set: here the end is put into the store by hand."""
    serving, portal, tmp_path = both.serving, both.portal, both.folder
    _, page = portal.get(ENDING)
    portal.post(ENDING, "/.lychgate/continue", page)
    wait_until(lambda: ask(serving, ENDING, "127.0.0.1") == ADDRESS, "it opens")
    ends = time.time() + 3.0
    _end_at(tmp_path, ends)
    closed = wait_until(
        lambda: time.time() if ask(serving, ENDING, "127.0.0.1") == PAGE else 0, "it closes"
    )
    assert ends - 0.1 <= closed <= ends + 1.0
    assert "I understand, continue" in portal.get(ENDING)[1]


def _end_at(folder: Path, until: float) -> None:
    import asyncio

    from policy.store import Store

    async def move() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{folder / 'state.db'}")
        try:
            async with store.writing() as writing:
                for id, body in (await writing.all("passes")).items():
                    await writing.put("passes", id, {**body, "until": until})
        finally:
            await store.close()

    asyncio.run(move())


def test_connections_that_say_nothing_or_too_much(both: Both) -> None:
    portal = both.portal
    with socket.create_connection(("127.0.0.1", portal.port), timeout=15) as silent:
        with socket.create_connection(("127.0.0.1", portal.port), timeout=5) as long:
            long.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000)
            assert re.match(rb"HTTP/1.1 4(00|31) ", long.recv(200))
        with socket.create_connection(("127.0.0.1", portal.port), timeout=5) as twice:
            one = b"GET / HTTP/1.1\r\nHost: www.bet365.com\r\nAccept: image/png\r\n\r\n"
            twice.sendall(one * 3)
            octets = b"".join(iter(lambda: twice.recv(4096), b""))
            assert octets.count(b"HTTP/1.1 403") == 1, "one connection, one request"
        assert silent.recv(10) == b"", "cut off"
    assert portal.get(BETS)[0] == 403


def test_by_https_for_devices_that_trust_the_root(both: Both) -> None:
    portal, tmp_path = both.portal, both.folder
    trusting = ssl.create_default_context(cafile=tmp_path / "block-page-root.pem")
    status, page = _tls(portal, trusting, BETS)
    assert status == 403 and "Gambling" in page
    status, page = _tls(portal, trusting, ENDING)
    assert status == 403 and "I understand, continue" in page
    assert "What was blocked here" in _tls(portal, trusting, "blocked.lychgate.internal")[1]
    with pytest.raises(ssl.SSLCertVerificationError):
        _tls(portal, ssl.create_default_context(), BETS)
    for name in ("www.gov.uk", "www.nhs.uk", "example.com", "192.0.2.1", "localhost"):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _tls(portal, trusting, name)
    for octets in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 20_000):
        with socket.create_connection(("127.0.0.1", portal.tls_port), timeout=15) as rude:
            rude.sendall(octets)
            rude.shutdown(socket.SHUT_WR)
            _drain(rude)
    assert _tls(portal, trusting, BETS)[0] == 403


def test_whoever_says_nothing_by_https_leaves_room_for_others(both: Both) -> None:
    portal = both.portal
    trusting = ssl.create_default_context(cafile=both.folder / "block-page-root.pem")
    silent = [
        socket.create_connection(("127.0.0.1", portal.tls_port), 10, ("127.0.0.9", 0))
        for _ in range(HANDSHAKES_MAX)
    ]
    try:
        assert _tls(portal, trusting, BETS)[0] == 403
        silent[-1].settimeout(1.0)  # before a silent one that waits is cut off
        assert silent[-1].recv(10) == b"", "beyond what one address may have"
    finally:
        for sock in silent:
            sock.close()


def _drain(sock: socket.socket) -> None:
    try:
        while sock.recv(4096):
            pass
    except ConnectionError:
        pass


def _tls(portal: Portal, context: ssl.SSLContext, name: str) -> tuple[int, str]:
    connection = HTTPSConnection(name, portal.tls_port, context=context, timeout=10)
    sock = socket.create_connection(("127.0.0.1", portal.tls_port), timeout=10)
    try:
        connection.sock = context.wrap_socket(sock, server_hostname=name)
    except BaseException:
        sock.close()
        raise
    return _read(connection, "GET", "/", {"Host": name, **ACCEPT})
