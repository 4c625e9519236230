"""A real `lychgate serve`, asked by dnspython as an independent client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.rcode
import pytest

from tests.lychgate.running import (
    ADDRESS,
    REPOSITORY,
    START_SECONDS_MAX,
    Serving,
    errors_of,
    is_running,
    upstream,
    wait_until,
)

POLICY = """
[organisation]
name = "Test"
default_profile = "learners"
[profiles.learners]
title = "Learners"
"""
DENY = """
[[rules]]
action = "deny"
pattern = "example.org"
reason = "Test"
scope = "organisation"
"""


@pytest.fixture(scope="module")
def upstream_port() -> Iterator[int]:
    with upstream() as port:
        yield port


def test_it_filters_forwards_measures_and_ends(tmp_path: Path, upstream_port: int) -> None:
    with Serving(tmp_path, upstream_port) as serving:
        serving.ready()
        for tcp in (False, True):
            blocked = serving.ask("www.bet365.com", tcp=tcp)
            assert blocked.rcode() == dns.rcode.NXDOMAIN
            code, text = errors_of(blocked)[0]
            assert code == 15  # RFC 8914 section 4.16: Blocked
            assert text.startswith("Gambling: bet365")
            allowed = serving.ask("example.com", tcp=tcp)
            assert allowed.rcode() == dns.rcode.NOERROR
            assert str(allowed.answer[0][0]) == ADDRESS
        assert serving.page("/healthz") == (200, "alive\n")
        assert serving.page("/readyz")[0] == 200
        assert serving.page("/")[0] == 404
        wait_until(
            lambda: 'action="block",category="gambling"' in serving.page("/metrics")[1],
            "the block in /metrics",
        )
        assert serving.stop() == 0
        assert "Traceback" not in serving.log.read_text()


def test_a_policy_is_edited_live_and_a_broken_one_refused(
    tmp_path: Path, upstream_port: int
) -> None:
    """DESIGN 9: refused as a whole, the old one kept, said in log, metric and status."""
    (tmp_path / "policy.toml").write_text(POLICY)
    with Serving(tmp_path, upstream_port) as serving:
        serving.ready()
        assert serving.ask("example.org").rcode() == dns.rcode.NOERROR

        serving.policy.write_text(POLICY + DENY)
        wait_until(
            lambda: serving.ask("example.org").rcode() == dns.rcode.NXDOMAIN,
            "the edited policy",
            seconds=5,
        )

        serving.policy.write_text(POLICY + DENY + "surprise = true")
        serving.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "surprise" in serving.page("/readyz")[1], "the fault in /readyz")
        assert serving.page("/readyz")[0] == 200
        assert serving.ask("example.org").rcode() == dns.rcode.NXDOMAIN
        assert 'lychgate_snapshot_swaps_total{result="refused"}' in serving.page("/metrics")[1]
        assert any("the old policy stays" in event["event"] for event in serving.events())

        serving.policy.write_text(POLICY)
        wait_until(lambda: "surprise" not in serving.page("/readyz")[1], "the mended policy")
        wait_until(
            lambda: serving.ask("example.org").rcode() == dns.rcode.NOERROR, "the old answer"
        )
        assert serving.stop() == 0


def test_a_broken_index_is_told_and_starters_still_filter(
    tmp_path: Path, upstream_port: int
) -> None:
    (tmp_path / "index").write_bytes(b"broken")
    with Serving(tmp_path, upstream_port, extra='filter.index = "index"') as serving:
        serving.ready()
        assert serving.ask("bet365.com").rcode() == dns.rcode.NXDOMAIN
        code, text = serving.page("/readyz")
        assert code == 200 and "only the starter lists filter" in text
        assert serving.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("extra", "policy", "lines"),
    [
        ("server.worker = 2\nlog.level = 3", "", ["server.worker:", "log.level:"]),
        ("", "[organisation]\n", ["organisation.name", "profiles"]),
        ('server.state_directory = "lychgate.toml/x"', "", ["server.state_directory: "]),
    ],
)
def test_faults_at_start_are_all_told_without_a_traceback(
    tmp_path: Path, upstream_port: int, workers: str, extra: str, policy: str, lines: list[str]
) -> None:
    if policy:
        (tmp_path / "policy.toml").write_text(policy)
    with Serving(tmp_path, upstream_port, "--workers", workers, extra=extra) as serving:
        assert serving.process.wait(START_SECONDS_MAX) == 2
        told = serving.log.read_text()
        for line in lines:
            assert line in told
        assert "Traceback" not in told


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("place", ["port", "metrics_port"])
def test_a_taken_port_is_told(tmp_path: Path, upstream_port: int, workers: str, place: str) -> None:
    with Serving(tmp_path, upstream_port) as first:
        first.ready()
        second_folder = tmp_path / "second"
        second_folder.mkdir()
        taken = f"127.0.0.1:{getattr(first, place)}"
        setting = f'listen = ["{taken}"]' if place == "port" else ""
        metrics = f'"{taken}"' if place == "metrics_port" else '""'
        (second_folder / "other.toml").write_text(
            f"metrics.listen = {metrics}\nupstream.servers = ['9.9.9.9']\n[server]\n{setting}\n"
        )
        arguments = ("--workers", workers, "--config", "other.toml")
        with Serving(second_folder, upstream_port, *arguments) as second:
            assert second.process.wait(START_SECONDS_MAX) == 2
            told = second.log.read_text()
            assert "another Lychgate (process" in told and "listens there already" in told
            assert "Traceback" not in told


def test_several_workers_share_the_port(tmp_path: Path, upstream_port: int) -> None:
    (tmp_path / "policy.toml").write_text(POLICY + DENY)
    with Serving(tmp_path, upstream_port, "--workers", "2") as serving:
        serving.ready()
        for number in range(40):
            assert serving.ask(f"host{number}.bet365.com").rcode() == dns.rcode.NXDOMAIN
        wait_until(lambda: serving.page("/readyz")[0] == 200, "readiness")
        assert serving.page("/healthz")[0] == 200
        wait_until(
            lambda: _total(serving.page("/metrics")[1], 'category="gambling"') >= 41,
            "the sum of both workers",
        )

        # A change reaches both, and SIGHUP is passed on.
        serving.policy.write_text(POLICY)
        serving.process.send_signal(signal.SIGHUP)
        wait_until(
            lambda: all(serving.ask("example.org").rcode() == 0 for _ in range(20)), "the change"
        )

        # A dead worker is replaced, from the last good policy even when the file is broken by now.
        serving.policy.write_text("broken")
        wait_until(lambda: "policy.toml" in serving.page("/readyz")[1], "the fault in /readyz")
        first = serving.workers()
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)  # a child of the process that we started
        wait_until(lambda: len(serving.workers()) == 3, "the replacement")
        wait_until(lambda: serving.page("/readyz")[0] == 200, "readiness again")
        wait_until(lambda: _answers_steadily(serving), "answers from the replacement")

        pids = [pid for pid in serving.workers() if is_running(pid)]
        assert len(pids) == 2
        assert serving.stop() == 0
        assert not any(is_running(pid) for pid in pids)
        assert "Traceback" not in serving.log.read_text()


def test_workers_end_when_their_parent_is_killed(tmp_path: Path, upstream_port: int) -> None:
    with Serving(tmp_path, upstream_port, "--workers", "2") as serving:
        serving.ready()
        wait_until(lambda: len(serving.workers()) == 2, "both workers")
        pids = serving.workers()
        serving.process.kill()
        serving.process.wait(5)
        wait_until(lambda: not any(is_running(pid) for pid in pids), "the end of the workers")


def _answers_steadily(serving: Serving) -> bool:
    """Whether both workers answer: each socket has its own, so many sockets find both."""
    try:
        return all(
            serving.ask("bet365.com", seconds=0.5).rcode() == dns.rcode.NXDOMAIN for _ in range(20)
        )
    except (dns.exception.Timeout, OSError):
        return False


def _total(page: str, part: str) -> float:
    return sum(
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if line.startswith("lychgate_queries_total") and part in line
    )


def test_a_quick_start_needs_no_network(tmp_path: Path) -> None:
    """Blocked names are answered although the upstream is dead: it is never asked."""
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with Serving(tmp_path, silent.getsockname()[1]) as serving:
            serving.ready()
            assert serving.ask("bet365.com").rcode() == dns.rcode.NXDOMAIN
            assert serving.stop() == 0


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("lychgate.cli", ["pydantic", "rich.table", "prometheus_client", "dnslib", "asyncio"]),
        # It reads PROMETHEUS_MULTIPROC_DIR when it is imported, and `serve` sets that first.
        ("lychgate.serving", ["prometheus_client", "dnslib", "resolver.process"]),
    ],
)
def test_what_is_imported_late_stays_late(module: str, absent: list[str]) -> None:
    code = f"import {module}, sys; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done
