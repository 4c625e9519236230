#!/usr/bin/env python3
"""What a question to an upstream costs by UDP, TCP and TLS: our CPU alone, a real Unbound behind.

Two sets of figures for each way: questions in a steady stream of 32 at a time, and one at a time.
Needs unbound; takes about 15 s.

  .venv/bin/python bench/upstreams.py
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from categoriser.names import from_text
from resolver.cache import Cache, CacheSettings, cache_key
from resolver.resolution import Ask
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.transports import parse_endpoint

PLAIN, TLS = 5391, 5392
QUESTIONS = 20_000
ROUNDS = 3
STREAMS = (32, 1)


def main() -> None:
    """Start Unbound, measure each way, print a table."""
    program = shutil.which("unbound") or shutil.which("unbound", path="/usr/sbin")
    if program is None:
        sys.exit("bench: unbound is not installed")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=bench"),
                *("-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
            ],
            check=True,
            capture_output=True,
        )
        (folder / "unbound.conf").write_text(
            f"""
server:
  interface: 127.0.0.1@{PLAIN}
  interface: 127.0.0.1@{TLS}
  tls-port: {TLS}
  tls-service-key: "{folder}/key.pem"
  tls-service-pem: "{folder}/cert.pem"
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  local-zone: "test." redirect
  local-data: "test. 60 IN A 192.0.2.9"
remote-control:
  control-enable: no
"""
        )
        command = [program, "-d", "-c", str(folder / "unbound.conf")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", TLS), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            print("| way | 32 at a time, us | one at a time, us |\n|---|---|---|")
            for way, uri in (
                ("UDP", f"127.0.0.1:{PLAIN}"),
                ("TCP", f"tcp://127.0.0.1:{PLAIN}"),
                ("TLS", f"tls://127.0.0.1:{TLS}?ca={folder}/cert.pem"),
            ):
                figures = [min(_measure(uri, s) for _ in range(ROUNDS)) for s in STREAMS]
                print(f"| {way} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
        finally:
            process.terminate()
            process.wait(10)


def _measure(uri: str, at_once: int) -> float:
    """CPU microseconds a question, from asking to telling; the connection is open already."""
    questions = QUESTIONS if at_once > 1 else QUESTIONS // 4

    async def run() -> float:
        forwarder = Forwarder(
            {"": [parse_endpoint(uri)]}, Cache(CacheSettings(entries_max=1000)), time.time
        )
        loop = asyncio.get_running_loop()
        asks = []
        for number in range(questions + 1):
            wire = from_text(f"n{number}.test")
            key = cache_key(wire, b"\0\1", False, False)
            asks.append(Ask(key, wire + b"\0\1\0\1", False, False, "", float("inf")))
        first = loop.create_future()
        forwarder.ask(asks.pop(), first.set_result)
        assert (await first).entry.reply.sections.rcode == 0
        done = loop.create_future()
        left = questions

        def tell(told: object) -> None:
            nonlocal left
            left -= 1
            if asks:
                forwarder.ask(asks.pop(), tell)
            elif not left:
                done.set_result(None)

        began = time.process_time()
        for _ in range(at_once):
            forwarder.ask(asks.pop(), tell)
        await done
        spent = time.process_time() - began
        assert not forwarder.failures, forwarder.failures[:3]
        forwarder.close()
        return spent / questions * 1e6

    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


if __name__ == "__main__":
    main()
