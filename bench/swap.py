#!/usr/bin/env python3
"""What a snapshot swap costs those who ask meanwhile: queries lost, and the greatest delay.

A paced client asks 10,000 queries a second, of which a fifth are blocked. Three rounds of ten
seconds: nothing changes; the policy file changes every 1.5 s; the index is published anew every
1.5 s. The greatest delay of the first round is what machine and client themselves add: the client
notes its own pauses too, since a pause of its own looks like a delay of the server.

  .venv/bin/python bench/swap.py [--index FILE] [--seconds 10] [--rate 10000]
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import server

QUERIES_PER_SECOND = 10_000
CHANGE_SECONDS = 1.5
"""Between two changes; Lychgate looks once a second."""
GRACE_SECONDS = 2.0
"""A query without an answer after that is lost."""
DELAY_MS_MAX = 20.0
NAMES = 2_000
SOCKETS = 4
START_SECONDS_MAX = 30.0
_BLOCKED = ("bet365.com", "williamhill.com", "skybet.com", "paddypower.com", "ladbrokes.com")
_POLICY = server.ROOT / "policy" / "default.toml"


@dataclass
class Round:
    """What one round found; delays and pauses in seconds."""

    asked: int = 0
    answered: int = 0
    pause: float = 0.0
    delays: list[float] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return self.asked - self.answered

    def share(self, part: float) -> float:
        """The delay that this share of all queries stayed below."""
        return sorted(self.delays)[int((len(self.delays) - 1) * part)]


def run(index: Path | None, seconds: float, rate: int) -> bool:
    """All rounds; whether none was lost and none delayed too much."""
    with tempfile.TemporaryDirectory(prefix="lychgate-swap-") as name:
        folder = Path(name)
        policy = folder / "policy.toml"
        shutil.copy(_POLICY, policy)
        mapped = folder / "index.lychgate"
        if index is not None and index.exists():
            shutil.copy(index, mapped)
        else:
            lists = folder / "gambling.txt"
            lists.write_text("".join(f"bets{n}.example.com\n" for n in range(1000)))
            server.build_index(lists, mapped)
        for number in range(2):
            shutil.copy(mapped, mapped.with_suffix(f".{number}"))
        with upstream() as port:
            configuration = server.write_configuration(folder, mapped, policy, port)
            with serving(configuration):
                return _rounds(policy, mapped, seconds, rate)


def _rounds(policy: Path, index: Path, seconds: float, rate: int) -> bool:
    queries = queries_of_names()
    play(queries, min(seconds, 2.0), rate, None)  # Warm up: cache and memo are full.
    print(f"snapshot swaps under {rate:,} queries a second, {seconds:g} s each")
    print("| what changes | swaps | asked | lost | 99.9 %, ms | greatest delay, ms ", end="")
    print("| client's own pause, ms |\n|---|---|---|---|---|---|---|", flush=True)
    good = True
    changes: list[tuple[str, Callable[[int], None] | None]] = [
        ("nothing", None),
        ("policy", lambda number: _change_policy(policy, number)),
        ("index", lambda number: _publish_again(index, number)),
    ]
    for what, change in changes:
        before = _swaps()
        found = play(queries, seconds, rate, change)
        swaps = _swaps() - before
        worst = max(found.delays) * 1000
        print(
            f"| {what} | {swaps} | {found.asked} | {found.lost} | {found.share(0.999) * 1000:.1f} "
            f"| {worst:.1f} | {found.pause * 1000:.1f} |",
            flush=True,
        )
        if change is not None:
            good = good and found.lost == 0 and worst <= DELAY_MS_MAX and swaps > 0
    print(f"none lost, none later than {DELAY_MS_MAX:g} ms: {'ok' if good else 'MISSED'}")
    return good


def play(
    queries: list[bytes], seconds: float, rate: int, change: Callable[[int], None] | None
) -> Round:
    """One round, on the clock: who asks late does not ask less."""
    found = Round()
    sockets = [_connected() for _ in range(SOCKETS)]
    sent: list[dict[bytes, float]] = [{} for _ in sockets]
    total = int(seconds * rate)
    clock = time.perf_counter
    gc.collect()
    gc.disable()
    try:
        began = last = clock()
        change_at = began + CHANGE_SECONDS if change is not None else float("inf")
        number = 0
        while True:
            now = clock()
            found.pause = max(found.pause, now - last)
            last = now
            if now >= began + seconds + GRACE_SECONDS or found.answered == total:
                break
            if now >= change_at and change is not None and now < began + seconds - 1.2:
                change(number)
                change_at += CHANGE_SECONDS
                number += 1
                last = clock()
            due = min(int((now - began) * rate), total)
            for turn in range(found.asked, due):
                which = turn % SOCKETS
                mark = (turn // SOCKETS & 0xFFFF).to_bytes(2, "big")
                sent[which][mark] = clock()
                sockets[which].send(mark + queries[turn % len(queries)])
            found.asked = max(found.asked, due)
            for which, sock in enumerate(sockets):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        reply = sock.recv(2048)
                        asked_at = sent[which].pop(reply[:2], None)
                        if asked_at is not None:
                            found.answered += 1
                            found.delays.append(clock() - asked_at)
    finally:
        gc.enable()
        for sock in sockets:
            sock.close()
    return found


def _change_policy(policy: Path, number: int) -> None:
    text = _POLICY.read_text(encoding="utf-8")
    denied = f'\n[[rules]]\naction = "deny"\npattern = "changed{number}.example"\n'
    denied += 'scope = "organisation"\nreason = "bench"\nauthor = "bench"\nreview = 2099-01-01\n'
    fresh = policy.with_suffix(".new")
    fresh.write_text(text + denied, encoding="utf-8")
    fresh.replace(policy)


def _publish_again(index: Path, number: int) -> None:
    """Put one of two equal files in place: a link, for a copy would hold the client up."""
    fresh = index.with_suffix(".new")
    fresh.hardlink_to(index.with_suffix(f".{number % 2}"))
    fresh.replace(index)


def queries_of_names() -> list[bytes]:
    """Queries without their ID, in the order they are asked; every fifth is blocked."""
    found = []
    for number in range(NAMES):
        blocked = f"{number}.{_BLOCKED[number % len(_BLOCKED)]}"
        name = blocked if number % 5 == 0 else f"host{number}.example.org"
        wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        question = wire + b"\0\0\x01\0\x01"
        opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
        found.append(b"\x01\0\0\x01\0\0\0\0\0\x01" + question + opt)
    return found


def _connected() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.connect(("127.0.0.1", server.PORT))
    sock.setblocking(False)
    return sock


def _swaps() -> int:
    """Swaps done so far, as the server counts them."""
    url = f"http://127.0.0.1:{server.METRICS_PORT}/metrics"
    with urllib.request.urlopen(url, timeout=5) as page:
        text = page.read().decode()
    found = re.search(r'^lychgate_snapshot_swaps_total\{result="done"\} (\S+)$', text, re.M)
    return int(float(found[1])) if found else 0


@contextlib.contextmanager
def serving(configuration: Path, *, cores_all: bool = False) -> Iterator[None]:
    """A Lychgate on the first core, or on all of them, with us on another."""
    command = server.command("serve", "--config", str(configuration))
    process = subprocess.Popen(command, cwd=server.ROOT)
    everywhere = os.sched_getaffinity(0)
    try:
        cores = sorted(everywhere)
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, everywhere if cores_all else {cores[0]})
            os.sched_setaffinity(0, {cores[1]})
        _wait_until_it_answers(process)
        yield
    finally:
        os.sched_setaffinity(0, everywhere)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    query = queries_of_names()[0]
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.1)
            sock.connect(("127.0.0.1", server.PORT))
            with contextlib.suppress(OSError):
                sock.send(b"\0\x01" + query)
                sock.recv(2048)
                return
    sys.exit("swap: the server does not answer")


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    """An upstream in a process of its own; gives its port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    pid = os.fork()
    if pid == 0:
        _answer_forever(sock)
    try:
        yield sock.getsockname()[1]
    finally:
        sock.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _answer_forever(sock: socket.socket) -> None:
    """One address for every name, for ten minutes."""
    record = b"\xc0\x0c\0\x01\0\x01\0\0\x02\x58\0\x04" + bytes((198, 51, 100, 7))
    try:
        while True:
            query, peer = sock.recvfrom(2048)
            end = query.index(b"\0", 12) + 5
            header = query[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0"
            sock.sendto(header + query[12:end] + record, peer)
    finally:
        os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--index", type=Path, default=server.WORK / "lychgate" / "index.lychgate")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=int, default=QUERIES_PER_SECOND)
    arguments = parser.parse_args()
    if not run(arguments.index, arguments.seconds, arguments.rate):
        sys.exit(1)


if __name__ == "__main__":
    main()
