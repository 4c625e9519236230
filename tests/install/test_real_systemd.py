"""The package under a real systemd: a Debian 12 that boots in a container of its own.

Every service runs in its real sandbox, under its real account. The machine has no network, and
blocks all the same. Needs root and systemd-nspawn (scripts/tools.sh).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.install.debian import Machine

BOOT_SECONDS_MAX = 240
TRIAL = r"""
import json, subprocess, time, urllib.request
found = {}

def run(*words, seconds=90):
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds)
    return done.returncode, (done.stdout + done.stderr).strip()

def show(unit, *names):
    text = run("systemctl", "show", unit, "-p", ",".join(names))[1]
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

def wait(holds, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.2)
    return False

def active(unit):
    return show(unit, "ActiveState")["ActiveState"] == "active"

def blocks():
    return "EDE: 15" in run("dig", "+time=2", "+tries=1", "@127.0.0.1", "www.bet365.com")[1]

try:
    for unit in ("resolver", "recorder", "portal"):
        wait(lambda: active(f"lychgate-{unit}.service"))
        found[unit] = show(
            f"lychgate-{unit}.service", "ActiveState", "StatusText", "NRestarts", "User", "MainPID"
        )
    found["blocks"] = blocks()
    address = "http://127.0.0.1:8453/healthz"
    found["page"] = urllib.request.urlopen(address, timeout=5).status
    found["link"] = "/link/" in run("journalctl", "-u", "lychgate-portal", "-o", "cat")[1]
    # What one account made another writes to: root decides by command line, the resolver follows.
    found["store"] = run("stat", "-c", "%U:%G %a", "/var/lib/lychgate/state.db")[1]
    found["rule"] = run(
        "lychgate", "rule", "add", "deny", "example.org", "--reason", "trial",
        "--config", "/etc/lychgate/lychgate.toml",
    )
    found["rule_acts"] = wait(
        lambda: "EDE: 15" in run("dig", "+time=2", "@127.0.0.1", "example.org")[1], 10
    )
    found["portal_after_rule"] = active("lychgate-portal.service")
    found["backup"] = run("systemctl", "start", "lychgate-backup.service"), show(
        "lychgate-backup.service", "Result", "ExecMainStatus"
    )
    found["timers"] = run("systemctl", "is-active", "lychgate-lists.timer",
                          "lychgate-checks.timer", "lychgate-backup.timer")[1].split()
    found["reload"] = run("systemctl", "reload", "lychgate-resolver"), blocks()
    # A resolver that hangs is ended by the watchdog and started again.
    pid = show("lychgate-resolver.service", "MainPID")["MainPID"]
    run("kill", "-STOP", pid)
    found["watchdog"] = wait(
        lambda: show("lychgate-resolver.service", "NRestarts")["NRestarts"] != "0", 60
    ) and wait(blocks, 30)
    # Port 53 handed over by systemd.
    run("systemctl", "stop", "lychgate-resolver")
    found["socket"] = run("systemctl", "start", "lychgate-resolver.socket")
    run("systemctl", "start", "lychgate-resolver")
    found["blocks_by_socket"] = wait(blocks, 30)
    found["log"] = run("journalctl", "-u", "lychgate-*", "-o", "cat", "-n", "80")[1]
    found["denied"] = run("journalctl", "-o", "cat", "--grep", "seccomp|SIGSYS")[1][:300]
except Exception as fault:
    found["fault"] = repr(fault)
json.dump(found, open("/trial/found.json", "w"))
run("systemctl", "poweroff", "--no-block")
"""
INIT = """
lychgate init --yes --organisation Trial --networks 127.0.0.0/8 --upstream 192.0.2.53 \\
    --listen 127.0.0.1:53 --lists none --term none --mail none \\
    --config /etc/lychgate/lychgate.toml
"""
UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /trial/trial.py
StandardOutput=journal
[Install]
WantedBy=default.target
"""


@pytest.fixture(scope="module")
def found(machine_for_all: Machine, package: Path) -> dict[str, Any]:
    """What the trial saw."""
    nspawn = shutil.which("systemd-nspawn")
    if nspawn is None:
        pytest.skip("systemd-nspawn is not here; as root: apt-get install systemd-container")
    root = machine_for_all.folder
    shutil.copy(package, root / "trial/lychgate.deb")
    machine_for_all.run("dpkg -i /trial/lychgate.deb")
    machine_for_all.run(INIT)
    (root / "trial/trial.py").write_text(TRIAL)
    (root / "etc/systemd/system/trial.service").write_text(UNIT)
    quick = root / "etc/systemd/system/lychgate-resolver.service.d/quick.conf"
    quick.parent.mkdir()
    quick.write_text("[Service]\nWatchdogSec=8s\n")
    machine_for_all.run("systemctl enable trial.service")
    command = [nspawn, "--quiet", "--directory", str(root), "--private-network", "--boot",
               "--register=no", "--keep-unit", "--link-journal=no"]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=BOOT_SECONDS_MAX, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    file = root / "trial/found.json"
    if not file.exists():
        pytest.skip(f"systemd does not boot in a container here: {done.stdout[-400:]}")
    seen: dict[str, Any] = json.loads(file.read_text())
    assert "fault" not in seen, seen
    return seen


@pytest.mark.parametrize("unit", ["resolver", "recorder", "portal"])
def test_each_service_is_ready_under_its_own_account(unit: str, found: dict[str, Any]) -> None:
    state = found[unit]
    assert state["ActiveState"] == "active" and state["NRestarts"] == "0", found["log"]
    assert state["User"] == ("lychgate" if unit == "resolver" else f"lychgate-{unit}")
    assert state["StatusText"], found["log"]


def test_it_blocks_without_a_network_and_shows_its_pages(found: dict[str, Any]) -> None:
    assert found["blocks"] and found["page"] == 200 and found["link"]


def test_the_accounts_share_the_state(found: dict[str, Any]) -> None:
    assert found["store"].split(" ")[1] == "660" and ":lychgate" in found["store"]
    assert found["rule"][0] == 0, found["rule"]
    assert found["rule_acts"] and found["portal_after_rule"], found["log"]


def test_backups_and_timers_work(found: dict[str, Any]) -> None:
    assert found["backup"][1]["Result"] == "success", found
    assert found["timers"] == ["active"] * 3


def test_it_reloads_and_comes_back_when_it_hangs(found: dict[str, Any]) -> None:
    assert found["reload"][0][0] == 0 and found["reload"][1]
    assert found["watchdog"], found["log"]


def test_port_53_can_be_handed_over(found: dict[str, Any]) -> None:
    assert found["socket"][0] == 0 and found["blocks_by_socket"], found["log"]
