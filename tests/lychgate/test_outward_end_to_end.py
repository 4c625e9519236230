"""Queries and decisions on their way to a log engine outside: a real resolver, a real recorder, and
every kind of receiver; gone, back, and gone for too long.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from lychgate.config import load
from lychgate.portal_serving import make_services
from policy.commands.command import Actor
from policy.commands.rules import AddRules
from policy.store import Store
from policy.types import Grant
from tests.lychgate.running import REPOSITORY, Serving, free_port, upstream, wait_until

GAMBLING: Final = "bet365.com"
ANA: Final = Actor("ana", "Ana", "portal", (Grant("administrator"),))
RSYSLOGD: Final = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
FEW: Final = 20
"""Queries that wait, where that is patched to be few."""
PATCHED: Final = (
    f"import evidence.despatch.sending as s; s.WAITING_MAX = {FEW}; "
    "from lychgate.cli import app; app()"
)


class Receiver:
    """Takes what is sent to one address, over datagrams or streams, until it is closed."""

    def __init__(self, family: int, kind: int, address: Any) -> None:
        if family == socket.AF_UNIX:
            Path(address).unlink(missing_ok=True)
        self.is_stream = kind == socket.SOCK_STREAM
        self._taken: list[bytes] = []
        """Datagrams, or what came over each connection."""
        self._socket = socket.socket(family, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address)
        if self.is_stream:
            self._socket.listen()
        self._socket.settimeout(0.2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                if self.is_stream:
                    peer, _ = self._socket.accept()
                    with peer:
                        peer.settimeout(5)
                        octets = b""
                        while piece := peer.recv(65536):
                            octets += piece
                    self._taken.append(octets)
                else:
                    self._taken.append(self._socket.recv(65536))

    @property
    def octets(self) -> bytes:
        return b"".join(self._taken)

    def records(self, word: str) -> list[dict[str, Any]]:
        """What was told, taken apart as a log engine does."""
        lines: list[str] = []
        for taken in list(self._taken):
            rest = taken.decode("ascii")
            if word == "syslog" and self.is_stream:
                while rest:
                    size, _, rest = rest.partition(" ")
                    lines.append(rest[: int(size)])
                    rest = rest[int(size) :]
            else:
                lines += rest.splitlines()
        if word == "syslog":
            form = r"<13[24]>1 \S+ \S+ lychgate \d+ (query|decision) \[lychgate@32473 [^\]]*\] "
            assert all(re.match(form, line) for line in lines)
            lines = [line[line.index("] {") + 2 :] for line in lines]
        return [json.loads(line) for line in lines]


class House:
    """A resolver, and recorders that tell one place or another."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self._plain = serving.configuration.read_text()
        self._asked = 0

    @contextmanager
    def telling(self, to: str, more: str = "", *, patched: bool = False) -> Iterator[None]:
        """A recorder that tells somebody."""
        written = f'{self._plain}\n[outward]\nto = "{to}"\n{more}\n'
        self.serving.configuration.write_text(written)
        start = ["-c", PATCHED] if patched else ["-m", "lychgate"]
        with (self.serving.folder / "recorder.log").open("ab") as log:
            recorder = subprocess.Popen(
                [sys.executable, *start, "record", "--config", str(self.serving.configuration)],
                cwd=self.serving.folder,
                stderr=log,
                stdout=subprocess.DEVNULL,
                env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
            )
        try:
            yield
        finally:
            recorder.terminate()
            with suppress(subprocess.TimeoutExpired):
                recorder.wait(15)
            recorder.kill()
            recorder.wait(5)

    def ask(self, count: int = 1) -> list[str]:
        """Ask for so many blocked names that were never asked for; each is answered."""
        names = [f"n{self._asked + number}.{GAMBLING}" for number in range(count)]
        self._asked += count
        for name in names:
            assert not self.serving.ask(name, seconds=2.0).answer
        return names

    def metric(self, name: str) -> float:
        """A figure of the resolver's page; -1: it is not there."""
        found = re.search(rf"(?m)^{name} (\S+)$", self.serving.page("/metrics")[1])
        return float(found[1]) if found else -1.0

    def decide(self, reason: str) -> None:
        """A decision of a person."""

        async def perform() -> None:
            configuration = load(self.serving.configuration)
            store = await Store.open(configuration.store_url, create=True)
            try:
                services = await make_services(configuration, configuration.portal, store)
                body = {"action": "deny", "pattern": f"{reason}.example"}
                await services.desk.perform(ANA, AddRules([body], reason), at=time.time())
            finally:
                await store.close()

        asyncio.run(perform())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("outward")
    with upstream() as port, Serving(folder, port) as serving:
        yield House(serving.ready())


def place_of(way: str, folder: Path) -> tuple[int, int, Any, str]:
    """Family, kind and address of a receiver, and how settings call it."""
    transport = way.partition("+")[2]
    if transport == "unix":
        kind = socket.SOCK_DGRAM if way == "syslog+unix" else socket.SOCK_STREAM
        path = str(folder / "log.sock")
        return socket.AF_UNIX, kind, path, f"{way}:{path}"
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    port = free_port()
    return socket.AF_INET, kind, ("127.0.0.1", port), f"{way}://127.0.0.1:{port}"


def told(receiver: Receiver, way: str, names: list[str]) -> bool:
    """Whether it was told of all of them."""
    found = {one.get("name") for one in receiver.records(way.partition("+")[0])}
    return found >= set(names)


@pytest.mark.parametrize(
    "way", ["syslog+udp", "syslog+tcp", "syslog+unix", "json+tcp", "json+unix"]
)
def test_what_was_asked_and_decided_is_told_outside(house: House, tmp_path: Path, way: str) -> None:
    family, kind, address, to = place_of(way, tmp_path)
    reason = way.replace("+", "-")
    with Receiver(family, kind, address) as receiver, house.telling(to):
        names = house.ask(3)
        house.decide(reason)
        wait_until(lambda: told(receiver, way, names), "queries outside", 30)
        word = way.partition("+")[0]

        def decided() -> list[dict[str, Any]]:
            return [one for one in receiver.records(word) if one.get("reason") == reason]

        (decision,) = wait_until(decided, "the decision outside", 20)
        found = {one["name"]: one for one in receiver.records(word) if one["kind"] == "query"}
        octets = receiver.octets
    assert (decision["kind"], decision["action"], decision["person"]) == (
        "decision",
        "rule.add",
        "ana",
    )
    for name in names:
        one = found[name]
        assert (one["action"], one["category"], one["domain"]) == ("block", "gambling", GAMBLING)
        assert one["venue"] == "here" and re.fullmatch(r"[0-9a-f]{20}", one["pseudonym"])
        assert not {"address", "device", "hostname"} & one.keys()
    assert b"127.0.0.1" not in octets, "a pseudonym, never an address"


def test_who_asked_where_it_is_wanted(house: House, tmp_path: Path) -> None:
    family, kind, address, to = place_of("json+tcp", tmp_path)
    with Receiver(family, kind, address) as receiver, house.telling(to, "identities = true"):
        names = house.ask(2)
        wait_until(lambda: told(receiver, "json+tcp", names), "queries outside", 30)
        found = {one.get("name"): one for one in receiver.records("json")}
    assert {found[name]["address"] for name in names} == {"127.0.0.1"}


@pytest.mark.parametrize("way", ["syslog+tcp", "json+unix", "syslog+unix"])
def test_a_receiver_that_is_gone_and_comes_back(house: House, tmp_path: Path, way: str) -> None:
    family, kind, address, to = place_of(way, tmp_path)
    with house.telling(to):
        with Receiver(family, kind, address) as receiver:
            before = house.ask(3)
            wait_until(lambda: told(receiver, way, before), "queries outside", 30)
            wait_until(lambda: house.metric("lychgate_outward_up") == 1, "up", 20)
        failures = house.metric("lychgate_outward_failures_total")
        missed = house.ask(30)
        wait_until(lambda: house.metric("lychgate_outward_up") == 0, "down", 20)
        wait_until(lambda: house.metric("lychgate_outward_waiting") >= 30, "what waits", 20)
        assert house.metric("lychgate_outward_failures_total") > failures
        missed += house.ask(3)  # answers go on
        with Receiver(family, kind, address) as receiver:
            wait_until(lambda: told(receiver, way, missed), "everything after all", 60)
            assert not told(receiver, way, before)
            wait_until(lambda: house.metric("lychgate_outward_up") == 1, "up", 20)
            assert house.metric("lychgate_outward_waiting") == 0
    assert house.metric("lychgate_outward_dropped_total") == 0


@pytest.mark.skipif(RSYSLOGD is None, reason="needs rsyslogd (Debian: rsyslog)")
def test_rsyslog_takes_it_as_the_documentation_says(house: House, tmp_path: Path) -> None:
    guide = (REPOSITORY / "docs" / "outward.md").read_text(encoding="utf-8")
    told = guide.split("### rsyslog")[1].split("```")[1]
    port, written = free_port(), tmp_path / "lychgate.jsonl"
    for before, after in (("601", str(port)), ("/var/log/lychgate.jsonl", str(written))):
        assert f'"{before}"' in told
        told = told.replace(f'"{before}"', f'"{after}"')
    (tmp_path / "rsyslog.conf").write_text(told)
    arguments = ["-n", "-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "pid")]
    engine = subprocess.Popen([str(RSYSLOGD), *arguments])
    try:
        with house.telling(f"syslog+tcp://127.0.0.1:{port}"):
            names = house.ask(3)
            house.serving.ask(r"\"\}\032\]\010evil." + GAMBLING)

            def found() -> set[str]:
                lines = written.read_text().splitlines() if written.exists() else []
                return {json.loads(line).get("name", "") for line in lines}

            evil = rf"\034\125\032\093\010evil.{GAMBLING}"
            wait_until(lambda: found() >= {*names, evil}, "rsyslog's file", 40)
    finally:
        engine.terminate()
        engine.wait(10)


def test_what_cannot_wait_any_longer_is_lost_and_counted(house: House, tmp_path: Path) -> None:
    """The last of this file: the count stays."""
    way = "json+tcp"
    family, kind, address, to = place_of(way, tmp_path)
    with house.telling(to, "decisions = false", patched=True):
        names = house.ask(3 * FEW)
        # The recorder of the test before may have ended between telling and crossing off: its last
        # four wait again, and are the oldest.
        wait_until(
            lambda: 0 <= house.metric("lychgate_outward_dropped_total") - 2 * FEW <= 4, "loss", 120
        )
        assert house.metric("lychgate_outward_waiting") == FEW
        with Receiver(family, kind, address) as receiver:
            wait_until(lambda: told(receiver, way, names[-FEW:]), "the newest", 60)
            found = {one["name"] for one in receiver.records("json")}
            assert not found & set(names[:-FEW])
            later = house.ask(2)
            wait_until(lambda: told(receiver, way, later), "recovered", 40)
