"""`lychgate up`: a real resolver, recorder and portal under one parent."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from lychgate.together import (
    PORTAL,
    RECORDER,
    RESOLVER,
    STOPPING,
    Errand,
    Together,
    errands_of,
    parts_of,
)
from tests.lychgate.running import REPOSITORY, free_port, is_running, upstream, wait_until


class Up:
    """One `lychgate up`."""

    def __init__(self, folder: Path, upstream_port: int, extra: str = "") -> None:
        self.port, self.portal_port = free_port(), free_port()
        (folder / "lychgate.toml").write_text(
            f"""
            server.listen = ["127.0.0.1:{self.port}"]
            upstream.servers = ["127.0.0.1:{upstream_port}"]
            metrics.listen = ""
            portal.listen = "127.0.0.1:{self.portal_port}"
            {extra}
            """
        )
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lychgate", "up"],
                cwd=folder,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )

    def __enter__(self) -> Up:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def blocks(self, name: str = "www.bet365.com") -> bool:
        query = dns.message.make_query(name, "A")
        try:
            reply = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=0.3)
        except (dns.exception.Timeout, OSError):
            return False
        return reply.rcode() == dns.rcode.NXDOMAIN

    def shows(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.portal_port}/healthz"
            with urllib.request.urlopen(address, timeout=2) as page:
                return bool(page.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def children(self) -> dict[str, int]:
        """Process ids by command."""
        found = {}
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in path.read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"lychgate" in words:
                found[words[words.index(b"lychgate") + 1].decode()] = int(pid)
        return found


@pytest.fixture(scope="module")
def upstream_port() -> Iterator[int]:
    with upstream() as port:
        yield port


def test_everything_runs_comes_back_and_ends(tmp_path: Path, upstream_port: int) -> None:
    with Up(tmp_path, upstream_port) as up:
        wait_until(up.blocks, "a block", 20)
        wait_until(up.shows, "a page", 20)
        wait_until(lambda: "/link/" in up.log.read_text(), "the link")
        text = up.log.read_text()
        assert f"portal   | The portal is at http://127.0.0.1:{up.portal_port}" in text
        assert f"portal   |   http://127.0.0.1:{up.portal_port}/link/" in text

        before = up.children()
        assert {"serve", "portal"} <= set(before)
        os.kill(before["serve"], signal.SIGKILL)
        wait_until(
            lambda: up.children().get("serve", before["serve"]) != before["serve"], "another"
        )
        wait_until(up.blocks, "a block again", 20)
        assert "resolver | ended (SIGKILL); started again in 0.5 s" in up.log.read_text()
        assert up.children()["portal"] == before["portal"]

        up.process.send_signal(signal.SIGHUP)
        wait_until(up.blocks, "a block after SIGHUP", 20)
        assert up.children()["portal"] == before["portal"]  # it was not for the portal

        last = up.children()
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(60) == 0
        assert not any(is_running(pid) for pid in last.values())


def test_ctrl_c_ends_all_in_order(tmp_path: Path, upstream_port: int) -> None:
    with Up(tmp_path, upstream_port) as up:
        wait_until(up.blocks, "a block", 20)
        wait_until(up.shows, "a page", 20)
        last = up.children()
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(60) == 0
        assert not any(is_running(pid) for pid in last.values())
        assert "Traceback" not in up.log.read_text()


def test_children_do_not_outlive_a_parent_that_is_killed(
    tmp_path: Path, upstream_port: int
) -> None:
    with Up(tmp_path, upstream_port) as up:
        wait_until(up.blocks, "a block", 20)
        wait_until(up.shows, "a page", 20)
        last = up.children()
        up.process.kill()
        up.process.wait(5)
        wait_until(lambda: not any(map(is_running, last.values())), "the end of all", 20)


def test_a_faulty_configuration_ends_it_with_every_fault_once(
    tmp_path: Path, upstream_port: int
) -> None:
    with Up(tmp_path, upstream_port, "cache.entries_max = 1\nlog.level = 'loud'") as up:
        assert up.process.wait(20) == 2
        text = up.log.read_text()
        assert text.count("cache.entries_max") == 1 and text.count("log.level") == 1
        assert "Traceback" not in text


def test_a_part_that_cannot_start_ends_everything(tmp_path: Path, upstream_port: int) -> None:
    """Half a service that looks like a whole one would be worse."""
    with Up(
        tmp_path, upstream_port, "store.url = 'sqlite+aiosqlite:////proc/nowhere/state.db'"
    ) as up:
        assert up.process.wait(30) == 2
        text = up.log.read_text()
        assert "portal   | cannot start; everything is ended" in text
        assert not up.blocks()


def test_lists_that_are_due_are_refreshed_without_a_timer(
    tmp_path: Path, upstream_port: int
) -> None:
    (tmp_path / "ours.txt").write_text("ours-to-block.example\n")
    adding = ("add", "local:ours", "--title", "Ours", "--category", "gambling", "--file")

    def lists(*words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "lychgate", "lists", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            check=True,
            timeout=60,
        )

    with Up(tmp_path, upstream_port) as up:
        wait_until(up.blocks, "a block", 20)
        assert not up.blocks("www.ours-to-block.example")
        lists(*adding, str(tmp_path / "ours.txt"))
        lists("enable", "local:ours")
        wait_until(lambda: up.blocks("www.ours-to-block.example"), "the list", 60)
        assert "lists    | " in up.log.read_text()


class ThreeLines(io.StringIO):
    """Paper for three lines: with the third, the parent is told to end."""

    def write(self, text: str) -> int:
        if self.getvalue().count("\n") == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().write(text)


def test_an_errand_is_run_again_and_ends_with_the_parent() -> None:
    out = ThreeLines()
    errand = Errand("lists", ("version",), 0.0, 0.05)

    async def run() -> int:
        return await asyncio.wait_for(Together([], [errand], out).run(), 60)

    assert asyncio.run(run()) == 0
    assert out.getvalue().count("lists | lychgate ") >= 3
    assert errand.process is not None and errand.process.returncode is not None


def test_only_parts_with_a_command_run_and_the_recorder_ends_last() -> None:
    assert [part.name for part in parts_of(["serve", "portal", "query"], ())] == [RESOLVER, PORTAL]
    every = parts_of(["serve", "portal", "record"], ("--config", "x"), ("--workers", "2"))
    assert [part.command for part in every] == [
        ("serve", "--config", "x", "--workers", "2"),
        ("record", "--config", "x"),
        ("portal", "--config", "x"),
    ]
    assert errands_of(["serve"], ()) == []
    (refresh,) = errands_of(["serve", "lists"], ("--config", "x"))
    assert refresh.command == ("lists", "refresh", "--log", "--config", "x")
    assert STOPPING[-1] == RECORDER and set(STOPPING) == {part.name for part in every}
