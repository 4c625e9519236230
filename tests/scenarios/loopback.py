"""Lychgate as a real process on loopback, between real sockets.

Fake upstreams listen here on UDP and TCP; `lychgate serve` is started with a folder of files;
clients speak from addresses in 127.0.0.0/8, so that venues, rooms and devices are told apart as in
life. Every wait is bounded.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scenarios.folder import configuration_text, policy_text, write_content
from tests.scenarios.language import Config, Scenario
from tests.scenarios.player import Ticket, needs, play
from tests.scenarios.upstreams import Script

HOST = "127.0.0.1"
TREE = Path(__file__).parents[2]
SLEEP_SECONDS_MAX = 3.0
"""A scenario in which more time passes is for virtual time."""
START_SECONDS_MAX = 20.0
GROUP_MAX = 12
"""Scenarios played by one process."""
SCENARIO_SECONDS_MAX = 40.0
SWAP_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 30.0
STARTS_MAX = 3
"""Somebody else may take a port between our looking and the process's binding."""


def reason_to_skip(scenario: Scenario) -> str | None:
    """Why a scenario cannot be played against a real process, or None."""
    facts = needs(scenario)
    if facts["clock"] or facts["longest"] > SLEEP_SECONDS_MAX:
        return "needs virtual time"
    outside = [client for client in facts["clients"] if not ip_address(client).is_loopback]
    return f"needs clients off loopback: {', '.join(outside)}" if outside else None


Result = Script | BaseException
"""A scenario's script with what was used of it, or what went wrong."""


def share(scenarios: list[Scenario]) -> list[list[Scenario]]:
    """Scenarios that can be played one after the other in one process stand together.

    They have the same `lychgate.toml`, nothing in them leaves upstreams in ill repute, and no name
    that one has an upstream answer occurs in another: the cache of one must not answer for another.
    """
    groups: list[_Group] = []
    for scenario in scenarios:
        asked = {reply.name.lower() for reply in scenario.replies}
        named = asked | needs(scenario)["names"]
        calm = _is_calm(scenario)
        for group in groups if calm else []:
            if group.takes(scenario, asked, named):
                break
        else:
            group = _Group(calm)
            groups.append(group)
        group.scenarios.append(scenario)
        group.asked |= asked
        group.named |= named
    return [group.scenarios for group in groups]


@dataclass
class _Group:
    """Scenarios for one process."""

    calm: bool
    scenarios: list[Scenario] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)

    def takes(self, scenario: Scenario, asked: set[str], named: set[str]) -> bool:
        """Whether one more can join."""
        first, config = self.scenarios[0], scenario.config
        return (
            self.calm
            and len(self.scenarios) < GROUP_MAX
            and first.config.settings == config.settings
            and first.config.forwards == config.forwards
            and first.upstreams == scenario.upstreams
            and not asked & self.named
            and not named & self.asked
        )


def _is_calm(scenario: Scenario) -> bool:
    return (
        not any(word.startswith("limits.") for word, _ in scenario.config.settings)
        and not any(isinstance(step.does, Config) for step in scenario.steps)
        and all(
            not reply.behaviour
            and not reply.delay_seconds
            and reply.name != "*"
            and reply.rcode in ("NOERROR", "NXDOMAIN")
            for reply in scenario.replies
        )
    )


async def run(scenarios: list[Scenario]) -> dict[str, Result]:
    """Play the scenarios of one group; by id, what became of each."""
    results: dict[str, Result] = {}
    with TemporaryDirectory() as folder:
        stage = LoopbackStage(scenarios[0], Path(folder))
        try:
            await stage.start()
            for scenario in scenarios:
                try:
                    async with asyncio.timeout(SCENARIO_SECONDS_MAX):
                        script = await stage.begin(scenario)
                        await play(scenario, stage, script)
                    results[scenario.id] = script
                except (Exception, AssertionError) as fault:
                    results[scenario.id] = fault
        finally:
            await stage.close()
    return results


class LoopbackStage:
    """The process, its upstreams, and the clients' sockets."""

    slack_seconds = 2.0
    silence_seconds = 0.6
    merges_log = True

    def __init__(self, first: Scenario, folder: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._first = first
        self.script = Script(first)
        """Of the scenario being played: upstreams answer by it."""
        self._folder = folder
        self._upstreams: list[_Upstream] = []
        self._sockets: list[socket.socket] = []
        self._tcp: dict[str, _TcpClient] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._swaps = 0
        self._port = 0
        self._metrics_port = 0

    def now(self) -> float:
        return self._loop.time()

    async def start(self) -> None:
        """Start upstreams and process; return when it answers."""
        uris = {}
        for name in self._first.upstreams:
            upstream = _Upstream(name, self)
            self._upstreams.append(upstream)
            uris[name] = f"udp://{HOST}:{await upstream.open()}"
        config = self._first.config
        write_content(self._folder, config, time.time())
        for _ in range(STARTS_MAX):
            self._port, self._metrics_port = _free_port(), _free_port()
            text = configuration_text(
                config, uris, f"{HOST}:{self._port}", f"{HOST}:{self._metrics_port}"
            )
            (self._folder / "lychgate.toml").write_text(text, "utf-8")
            if await self._start_process():
                break
        else:
            raise AssertionError(f"lychgate does not start:\n{self._said()}")

    async def begin(self, scenario: Scenario) -> Script:
        """Make ready for a scenario; returns its script."""
        self._hang_up()
        self.script = Script(scenario)
        # Instants in a policy count from now, and not from before the process was started.
        if scenario is not self._first or "{{now" in scenario.config.policy_more:
            await self.swap(scenario.config)
        return self.script

    async def _start_process(self) -> bool:
        with (self._folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lychgate", "serve"),
                *("--config", str(self._folder / "lychgate.toml")),
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(TREE)},
                stdout=log,
                stderr=log,
            )
        probe = bytes.fromhex("0001 0100 0001 0000 0000 0000 096c6f63616c686f737400 0001 0001")
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        deadline = self.now() + START_SECONDS_MAX
        try:
            sock.connect((HOST, self._port))
            while self._process.returncode is None and self.now() < deadline:
                with suppress(OSError):
                    sock.send(probe)
                await asyncio.sleep(0.03)
                with suppress(OSError):
                    if sock.recv(512):
                        return True
        finally:
            sock.close()
        return False

    def send(self, ticket: Ticket) -> None:
        client = ticket.query.client
        if ticket.query.transport == "tcp":
            if client not in self._tcp or self._tcp[client].closed:
                sock = self._connect(socket.SOCK_STREAM, client)
                self._tcp[client] = _TcpClient(sock)
            self._tcp[client].send(ticket)
            return
        sock = self._connect(socket.SOCK_DGRAM, client)

        def read() -> None:
            with suppress(OSError):
                ticket.take(sock.recv(65535), self.now())

        self._loop.add_reader(sock, read)
        sock.send(ticket.octets)

    def _connect(self, kind: socket.SocketKind, client: str) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        self._sockets.append(sock)
        sock.settimeout(2.0)
        sock.bind((client, 0))
        sock.connect((HOST, self._port))
        sock.setblocking(False)
        return sock

    async def settle(self) -> None:
        await asyncio.sleep(0.03)

    async def swap(self, config: Config) -> None:
        assert self._process is not None
        self._swaps += 1
        # A policy that differs in its text, so that its fingerprint tells when it is in place.
        config = Config(
            config.policy,
            f"{config.policy_more}\n# swap {self._swaps}\n",
            config.lists,
            config.settings,
            config.forwards,
        )
        now = time.time()
        write_content(self._folder, config, now, empty_index=True)
        fingerprint = hashlib.sha256(policy_text(config, now).encode()).hexdigest()
        self._process.send_signal(signal.SIGHUP)
        deadline = self.now() + SWAP_SECONDS_MAX
        while fingerprint[:12] not in (answer := await self._ready()):
            assert self.now() < deadline, f"the swap did not happen:\n{answer}\n{self._said()}"
            await asyncio.sleep(0.03)

    async def _ready(self) -> str:
        """What `/readyz` says."""
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(HOST, self._metrics_port)
            writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
            try:
                return (await reader.read()).decode()
            finally:
                writer.close()

    def account(self, name: str) -> dict[str, str] | None:
        return None

    def _said(self) -> str:
        return (self._folder / "log").read_text("utf-8", "replace")[-2000:]

    async def close(self) -> None:
        """Stop everything; a process that does not end by itself is killed."""
        self._hang_up()
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS_MAX)
            except TimeoutError:
                process.kill()
                await process.wait()
                raise AssertionError("lychgate did not stop on SIGTERM") from None
            finally:
                for upstream in self._upstreams:
                    upstream.close()
            said = self._said()
            assert "Traceback" not in said, said

    def _hang_up(self) -> None:
        """Close the clients' sockets."""
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets, self._tcp = [], {}


class _TcpClient:
    """One client's TCP connection; answers find their query by its ID."""

    def __init__(self, sock: socket.socket) -> None:
        self.closed = False
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._tickets: list[Ticket] = []
        self._in = b""
        self._loop.add_reader(sock, self._read)

    def send(self, ticket: Ticket) -> None:
        self._tickets.append(ticket)
        self._socket.sendall(len(ticket.octets).to_bytes(2) + ticket.octets)

    def _read(self) -> None:
        try:
            octets = self._socket.recv(65535)
        except OSError:
            octets = b""
        if not octets:
            self.closed = True
            self._loop.remove_reader(self._socket)
        self._in += octets
        while len(self._in) >= 2 and len(self._in) >= 2 + int.from_bytes(self._in[:2]):
            size = int.from_bytes(self._in[:2])
            answer, self._in = self._in[2 : 2 + size], self._in[2 + size :]
            ticket = next(t for t in self._tickets if t.octets[:2] == answer[:2])
            ticket.take(answer, self._loop.time())


class _Upstream(asyncio.DatagramProtocol):
    """A fake upstream: UDP and TCP on one port."""

    def __init__(self, name: str, stage: LoopbackStage) -> None:
        self._name = name
        self._stage = stage
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        for _ in range(20):
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=(HOST, 0)
            )
            port: int = self._transport.get_extra_info("sockname")[1]
            try:
                self._server = await asyncio.start_server(self._serve, HOST, port)
            except OSError:  # somebody has that port for TCP
                self._transport.close()
                continue
            return port
        raise AssertionError("no port is free for a fake upstream")

    def close(self) -> None:
        """Answer nobody any more."""
        for task in self._tasks:
            task.cancel()
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reaction = self._stage.script.react(self._name, "udp", data)
        if reaction.octets is None:
            return
        asyncio.get_running_loop().call_later(
            reaction.delay_seconds, self._send, reaction.octets, addr
        )

    def _send(self, octets: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(octets, addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                async with asyncio.timeout(10):
                    while True:
                        size = int.from_bytes(await reader.readexactly(2))
                        query = await reader.readexactly(size)
                        reaction = self._stage.script.react(self._name, "tcp", query)
                        if reaction.octets is None:
                            return
                        await asyncio.sleep(reaction.delay_seconds)
                        writer.write(len(reaction.octets).to_bytes(2) + reaction.octets)
                        await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.close()


def _free_port() -> int:
    """A port that is free for UDP and TCP at this moment."""
    for _ in range(20):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            udp.bind((HOST, 0))
            port: int = udp.getsockname()[1]
            with suppress(OSError):
                tcp.bind((HOST, port))
                return port
    raise AssertionError("no port is free")
