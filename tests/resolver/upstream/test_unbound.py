"""The forwarder with a real Unbound as its upstream: UDP, TCP and TLS, on the loop that serves."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from categoriser.names import from_text
from resolver.cache import Cache, CacheSettings, cache_key
from resolver.resolution import Ask, Told
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.streams import StreamTransport
from resolver.upstream.transports import parse_endpoint
from resolver.upstream.transports.tls import pin_of
from tests.lychgate.running import Serving, free_port, wait_until
from tests.resolver.upstream.transports.streaming import Authority

PROGRAM = shutil.which("unbound", path=os.environ.get("PATH", "") + ":/usr/sbin")
NAME = "dns.quad.example"
QUESTIONS = 300
START_SECONDS_MAX = 15.0

_CONFIGURATION = """
server:
  interface: 127.0.0.1@{plain}
  interface: 127.0.0.1@{tls}
  tls-port: {tls}
  tls-service-key: "{key}"
  tls-service-pem: "{certificate}"
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  num-threads: 1
  outgoing-range: 64
  module-config: "iterator"
  local-zone: "test." redirect
  local-data: "test. 60 IN A 192.0.2.9"
  local-zone: "answers.net." redirect
  local-data: "answers.net. 60 IN A 192.0.2.9"
remote-control:
  control-enable: no
"""


class Unbound:
    """Where it listens, and what it may be known by."""

    def __init__(self, plain: int, tls: int, ca: Path, pin: str) -> None:
        self.uris = {
            "udp": f"127.0.0.1:{plain}",
            "tcp": f"tcp://127.0.0.1:{plain}",
            "tls": f"tls://127.0.0.1:{tls}?ca={ca}#{NAME}",
            "pinned": f"tls://127.0.0.1:{tls}?pin={pin}",
            "wrong": f"tls://127.0.0.1:{tls}#{NAME}",
        }


@pytest.fixture(scope="module")
def unbound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unbound]:
    if PROGRAM is None:
        pytest.skip("unbound is not installed; scripts/tools.sh names it")
    folder = tmp_path_factory.mktemp("unbound")
    authority = Authority(folder)
    certificate, key, der = authority.mint(NAME)
    plain, tls = free_port(), free_port()
    file = folder / "unbound.conf"
    file.write_text(
        _CONFIGURATION.format(plain=plain, tls=tls, key=key, certificate=certificate, folder=folder)
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "-d", "-c", str(file)], stderr=log, stdout=log)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", tls), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Unbound(plain, tls, authority.ca, pin_of(der))
    finally:
        process.terminate()
        process.wait(10)


def ask_all(*uris: str) -> tuple[list[Told], Forwarder]:
    """Ask many names at once; what came of it, and the forwarder as it was then."""

    async def run() -> tuple[list[Told], Forwarder]:
        cache = Cache(CacheSettings())
        forwarder = Forwarder({"": [parse_endpoint(uri) for uri in uris]}, cache, time.time)
        told: list[Told] = []
        enough = asyncio.Event()

        def tell(what: Told) -> None:
            told.append(what)
            if len(told) == QUESTIONS:
                enough.set()

        for number in range(QUESTIONS):
            wire = from_text(f"n{number}.test")
            key = cache_key(wire, b"\0\1", False, False)
            forwarder.ask(Ask(key, wire + b"\0\1\0\1", False, False, "", float("inf")), tell)
        try:
            await asyncio.wait_for(enough.wait(), 20)
        finally:
            forwarder.close()
        return told, forwarder

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


@pytest.mark.parametrize("way", ["udp", "tcp", "tls", "pinned"])
def test_every_way_brings_every_answer(unbound: Unbound, way: str) -> None:
    told, forwarder = ask_all(unbound.uris[way])
    assert all(one.entry is not None for one in told)
    assert {one.entry.reply.sections.rcode for one in told if one.entry} == {0}
    # On a busy machine an answer may be slow, and the question is asked once more; nothing else.
    assert {result for _, result in forwarder.failures} <= {"slow"}
    assert not forwarder.mismatches or forwarder.failures
    if way != "udp":
        (transport,) = forwarder._routes[""].transports
        assert isinstance(transport, StreamTransport)
        assert 1 <= transport.opened <= 4


def test_an_upstream_that_is_not_who_it_should_be_gets_no_question(unbound: Unbound) -> None:
    """Its certificate is by an authority that this machine does not trust."""
    told, forwarder = ask_all(unbound.uris["wrong"])
    assert all(one.entry is None or one.entry.reply.sections.rcode == 2 for one in told)
    assert {result for _, result in forwarder.failures} == {"certificate"}


def test_the_next_upstream_takes_over(unbound: Unbound) -> None:
    told, forwarder = ask_all(unbound.uris["wrong"], unbound.uris["tls"])
    assert all(one.entry and one.entry.reply.sections.rcode == 0 for one in told)
    assert {result for _, result in forwarder.failures} == {"certificate"}


def test_a_whole_resolver_asks_over_tls(unbound: Unbound, tmp_path: Path) -> None:
    servers = [unbound.uris["wrong"], unbound.uris["tls"]]
    with Serving(tmp_path, 0, servers=servers) as serving:
        serving.ready()
        for number in range(30):
            reply = serving.ask(f"n{number}.answers.net")
            assert reply.rcode() == 0 and reply.answer[0][0].to_text() == "192.0.2.9"

        def counted() -> bool:
            lines = serving.page("/metrics")[1].splitlines()
            ours = [line for line in lines if "upstream_exchanges_total{" in line]
            return any('result="answered"' in line and "?ca=" in line for line in ours) and any(
                'result="certificate"' in line and "?ca=" not in line for line in ours
            )

        wait_until(counted, "one upstream answers, and one is not who it should be")
