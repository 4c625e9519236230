"""`make demo`: a whole Lychgate with two venues and a day behind it, in a minute, without internet.

Makes `var/demo` anew, settles an organisation there, writes a day of believable traffic into the
spool, starts `lychgate up`, and asks like the venues' devices until Ctrl-C (or `--seconds`). Where
Prometheus is installed, it is started too.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import attending
import places
import published
import traffic
import upstream

from lychgate.config import Configuration, load
from lychgate.office import Office
from policy.store import Store

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = Path(sys.executable).with_name("lychgate")
START_SECONDS_MAX: Final = 30.0
QUERIES_EACH_SECOND: Final = 20

_MARK: Final = "# Made by `make demo`, and made anew each time.\n"
"""Whoever has it in the first line of lychgate.toml may be deleted."""
_SETTINGS: Final = """\
[server]
listen = ["127.0.0.1:{dns}"]
state_directory = "."

[upstream]
servers = ["127.0.0.1:{upstream}"]

[limits]
served_networks = ["127.0.0.0/8"]

[metrics]
listen = "127.0.0.1:{metrics}"

[portal]
listen = "127.0.0.1:{portal}"
block_page_listen = "127.0.0.1:{page}"

[notices.webhook]
url = "http://127.0.0.1:{service}/notices"

[[notices.recipients]]
channel = "webhook"
about = ["alert", "list", "check"]

[outward]
to = "file:{folder}/log-engine.jsonl"
"""


def main() -> int:
    """Run the demonstration; the exit status."""
    options = _options()
    folder: Path = options.folder.absolute()
    file = folder / "lychgate.toml"
    fault = _in_the_way(folder, file, options.port)
    if fault:
        print(fault, file=sys.stderr)
        return 2
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ports = {
        "dns": options.port, "metrics": options.port + 1, "portal": options.port + 2,
        "page": options.port + 3, "upstream": upstream.start(),
        "service": attending.start_service(),
    }  # fmt: skip
    file.write_text(_MARK + _SETTINGS.format(folder=folder, **ports), encoding="utf-8")
    configuration = load(file)
    print("Lists are read, two venues settle in ...", flush=True)
    published.enable(file, PROGRAM)
    now = time.time()
    asyncio.run(_settle(configuration, now))
    queries = traffic.write_history(configuration, now)
    print(f"A day of {queries} queries is written. Starting ...", flush=True)
    children = [subprocess.Popen([PROGRAM, "up", "--config", file])]
    people = attending.Attending(PROGRAM, file, configuration, ports["metrics"], ports["portal"])
    try:
        people.start()
        children += _watchers(folder, ports["metrics"], options.port + 4)
        _introduce(ports, options.port + 4, len(children) > 1)
        return _ask(children[0], ports["dns"], options.seconds)
    finally:
        people.stop()
        for child in reversed(children):
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.wait(START_SECONDS_MAX)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "demo")
    parser.add_argument("--port", type=int, default=5400, help="the first of five that are free")
    parser.add_argument("--seconds", type=float, default=0.0, help="end after so long; 0: Ctrl-C")
    return parser.parse_args()


def _in_the_way(folder: Path, file: Path, first: int) -> str:
    """Why it cannot begin; empty: nothing is in its way."""
    ours = file.exists() and file.read_text(encoding="utf-8").startswith(_MARK)
    if not ours and folder.exists() and any(folder.iterdir()):
        return f"--folder: {folder} holds something else; allowed: none, or an empty one"
    for port in range(first, first + 5):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return f"--port: {port} is taken; allowed: the first of five that are free"
    return ""


async def _settle(configuration: Configuration, now: float) -> None:
    office = Office(configuration)
    store = await Store.open(configuration.store_url, create=True)
    try:
        await places.settle(store, office, now)
        await places.decide(store, office, now)
    finally:
        await store.close()


def _watchers(folder: Path, metrics: int, port: int) -> list[subprocess.Popen[bytes]]:
    """Prometheus, if it is installed."""
    program = shutil.which("prometheus")
    if program is None:
        return []
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 5s, evaluation_interval: 5s}\n"
        f"rule_files: [{ROOT / 'dashboards' / 'rules.yml'}]\n"
        "scrape_configs:\n"
        "  - job_name: lychgate\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{metrics}']}}]\n",
        encoding="utf-8",
    )
    command = [
        program, f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}", f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]  # fmt: skip
    return [subprocess.Popen(command)]


def _introduce(ports: dict[str, int], prometheus: int, watched: bool) -> None:
    lines = [
        "",
        f"Portal        http://127.0.0.1:{ports['portal']}",
        f"Password      {places.PASSWORD}   for each of these:",
        *(
            f"  {id:<5} {role}{' at ' + ', '.join(venues) if venues else ''}"
            for id, (_, role, venues) in places.PEOPLE.items()
        ),
        f"Block page    http://127.0.0.1:{ports['page']}",
        f"DNS           dig @127.0.0.1 -p {ports['dns']} -b 127.0.1.5 bet365.com",
        f"Metrics       http://127.0.0.1:{ports['metrics']}/metrics",
        f"Prometheus    http://127.0.0.1:{prometheus}"
        if watched
        else "Prometheus    not installed (Debian: apt-get install prometheus)",
        "Grafana       dashboards/README.md says how to point one at it",
        "Ctrl-C ends it.",
        "",
    ]
    print("\n".join(lines), flush=True)


def _ask(up: subprocess.Popen[bytes], port: int, seconds: float) -> int:
    """Ask until told to stop; the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    live = traffic.Live(port)
    until = time.monotonic() + seconds if seconds else float("inf")
    try:
        while time.monotonic() < until:
            if up.poll() is not None:
                print("Lychgate ended; see above.", file=sys.stderr)
                return 1
            began = time.monotonic()
            live.ask(QUERIES_EACH_SECOND)
            time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))
    except KeyboardInterrupt:
        pass
    print(f"{live.answered} live queries were answered.")
    return 0 if live.answered or not seconds else 1


if __name__ == "__main__":
    sys.exit(main())
