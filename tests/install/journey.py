"""Runs inside the machine under trial, as root, with nothing but Python: `journey.py STAGE`.

Each stage writes what it saw to /trial/STAGE.json and switches the machine off.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIG = "/etc/lychgate/lychgate.toml"
UPSTREAM = "203.0.113.53"
UNITS = ("resolver", "recorder", "portal")
found: dict[str, Any] = {}


def run(*words: str, seconds: float = 120) -> tuple[int, str]:
    """Exit status, and what was said."""
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def lychgate(*words: str) -> tuple[int, str]:
    """A command as root types it."""
    return run("lychgate", *words, "--config", CONFIG)


def wait(holds: Callable[[], Any], seconds: float = 60) -> bool:
    """Whether it comes to hold."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if holds():
                return True
        time.sleep(0.25)
    return False


def says(name: str) -> str:
    """What dig finds, in a word."""
    text = run("dig", "+time=2", "+tries=1", "@10.20.0.2", name)[1]
    if "EDE: 15" in text and "status: NXDOMAIN" in text:
        return "blocked"
    return "found" if "192.0.2.7" in text else text[-300:]


def active() -> list[str]:
    """How the services stand."""
    units = [f"lychgate-{unit}.service" for unit in UNITS]
    return run("systemctl", "is-active", *units)[1].split()


def page() -> bool:
    """Whether the portal shows that it lives."""
    with urllib.request.urlopen("http://127.0.0.1:8453/healthz", timeout=5) as shown:
        return bool(shown.status == 200)


def state(*, portal: bool = True) -> dict[str, Any]:
    """What a person sees; `portal`: whether pages have to be there."""
    wanted = ["active"] * (3 if portal else 1)

    def holds() -> bool:
        filters = active()[: len(wanted)] == wanted and says("bet365.com") == "blocked"
        return filters and (not portal or page())

    fine = wait(holds)
    return {
        "fine": fine,
        "active": active(),
        "blocked": says("www.bet365.com"),
        "found": says("www.gov.uk"),
        "rule": says("rule.example"),
        "store": lychgate("store", "check")[0],
    }


def stage_install() -> None:
    """From a bare Debian to a filter, through upgrades that go well and badly, and back."""
    found["install"] = run("dpkg", "-i", "/trial/old.deb")
    found["init"] = lychgate(
        "init", "--yes", "--organisation", "Northshire Skills", "--upstream", UPSTREAM,
        "--lists", "none", "--term", "none", "--mail", "none",
    )  # fmt: skip
    found["start"] = run("systemctl", "start", *(f"lychgate-{unit}" for unit in UNITS))
    found["rule"] = lychgate("rule", "add", "deny", "rule.example", "--reason", "a trial")
    found["first"] = state()
    found["doctor"] = lychgate("doctor", "--json")
    if run("lychgate", "selfcheck", "--help")[0] == 0:
        found["selfcheck"] = lychgate("selfcheck")
    with Path("/etc/default/lychgate").open("a") as defaults:
        defaults.write("TRIAL=kept\n")
    found["upgrade"] = run("dpkg", "-i", "/trial/new.deb")
    found["upgraded"] = state()
    found["table"] = lychgate("store", "check")
    found["broken"] = run("dpkg", "-i", "/trial/broken.deb")
    found["after_broken"] = state(portal=False)
    found["again"] = run("dpkg", "-i", "/trial/new.deb")
    found["recovered"] = state()
    found["backup"] = lychgate("backup", "/srv/archive.tar.gz")
    run("systemctl", "stop", *(f"lychgate-{unit}" for unit in UNITS))
    run("sh", "-c", f"rm -rf /var/lib/lychgate/* {CONFIG}")
    found["restore"] = lychgate("restore", "/srv/archive.tar.gz")
    run("systemctl", "start", *(f"lychgate-{unit}" for unit in UNITS))
    found["restored"] = state()
    # The next start is that of a machine which asks itself for names.
    Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")


def stage_boot() -> None:
    """The machine starts without a network; then everything goes."""
    wait(lambda: active() == ["active"] * 3)
    found["active"] = active()
    found["blocked"] = run("dig", "+time=2", "@127.0.0.1", "www.bet365.com")[1]
    found["rule"] = run("dig", "+time=2", "@127.0.0.1", "rule.example")[1]
    found["itself"] = run("dig", "+time=2", "www.bet365.com")[1]
    found["page"] = wait(page)
    found["defaults"] = run("grep", "TRIAL", "/etc/default/lychgate")[1]
    found["remove"] = run("dpkg", "-r", "lychgate")
    found["kept"] = run("sh", "-c", "ls /etc/lychgate/* /var/lib/lychgate/state.db")[1].splitlines()
    found["running"] = run("sh", "-c", "ps ax -o args | grep '[/]opt/lychgate'")[1]
    found["purge"] = run("dpkg", "-P", "lychgate")
    places = ("/etc", "/var/lib", "/opt", "/usr/bin", "/usr/lib", "/lib/systemd", "/run")
    names = run("find", *places, "-xdev", "-name", "*lychgate*")[1].splitlines()
    found["left"] = [name for name in names if not name.startswith(("/run/systemd", "find:"))]


if __name__ == "__main__":
    stage = sys.argv[1]
    try:
        {"install": stage_install, "boot": stage_boot}[stage]()
    except Exception:
        found["fault"] = traceback.format_exc()
    found["log"] = run("journalctl", "-b", "-u", "lychgate-*", "-o", "cat", "-n", "60")[1]
    with Path(f"/trial/{stage}.json").open("w") as out:
        json.dump(found, out)
    run("systemctl", "poweroff", "--no-block")
